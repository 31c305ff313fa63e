"""The inventory: every declared gate, breaker and monitor, and when it was last asked. (A breaker that was written and never wired: pain A41.)"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from metastackerbandit.domain.rows import WARN
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.evaluation.monitors.answers import Answer
from metastackerbandit.evaluation.monitors.catalog import MONITORS
from metastackerbandit.evaluation.monitors.guard_coverage import gate_figures
from metastackerbandit.evaluation.monitors.spec import LEVELS, OK, UNAVAILABLE
from metastackerbandit.evaluation.monitors.whole_run import Watched

BREAKERS = (  # gates that stay shut
    "daily_loss",
    "weekly_loss",
    "drawdown",
    "loss_streak",
    "volatility_spike",
    "data_quality",
    "drift",
    "operator",
    "kill",
)
MOST_BARS = 3.0  # of its frame without a heartbeat: a control that is asked at every bar is dead


class Control(Struct, frozen=True):
    """A declared control of a book: what kind it is, how often it was heard and when last (0: never), and in words how it stands.

    state: alive, not applicable (asked, and its input cannot exist here), without data, silent (it was heard and is not any more), or not
    wired (declared, and not in the run's trace).
    """

    name: str
    kind: str
    instrument: int
    frame: str
    times: int
    last_ns: int
    state: str


def inventory(watched: Watched, declared: Sequence[str]) -> tuple[Control, ...]:
    """Every control of every book; `declared` are the gates of the program's catalog, `watched.gates` those of the run."""
    found: list[Control] = []
    for s, book in enumerate(watched.books):
        if not book.decides:
            continue
        where = (book.instrument, frame_name(book.frame_ns))
        due_ns = watched.last_ns - MOST_BARS * book.frame_ns
        decisions = int(watched.watch.state_guard_coverage[s].decisions)
        last_ns = int(watched.watch.readings[s, _PLACE].heard_ns)
        for name, figures in gate_figures(watched.watch.memory_guard_coverage[s], watched.gates).items():
            state = "without data" if decisions == 0 else ("alive" if last_ns >= due_ns else "silent")
            if decisions and not figures["answered"]:
                state = "not applicable"
            found.append(Control(name, _kind(name), *where, int(figures["answered"]), int(figures["last_ns"]), state))
        found += [Control(name, _kind(name), *where, 0, 0, "not wired") for name in declared if name not in watched.gates]
        for m, monitor in enumerate(MONITORS):
            reading = watched.watch.readings[s, m]
            state = "without data" if reading.heard == 0 else "alive"
            found.append(Control(monitor.name, "monitor", *where, int(reading.heard), int(reading.heard_ns), state))
    return tuple(found)


def inventory_answer(controls: Sequence[Control], declared: Sequence[str]) -> Answer:
    """The inventory as a monitor's answer about the whole run: any control that is not wired or fell silent is one too many."""
    gates = [control for control in controls if control.kind != "monitor"]
    dead = [control for control in gates if control.state in ("not wired", "silent")]
    heard = [control for control in gates if control.state not in ("without data", "not wired")]
    level = UNAVAILABLE if not heard else (WARN if dead else OK)
    named = ", ".join(sorted({f"{control.name} ({control.state})" for control in dead}))
    counts = {
        state: sum(control.state == state for control in controls) for state in ("alive", "not applicable", "without data", "silent", "not wired")
    }
    words = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return Answer(
        monitor="inventory",
        question="Is every declared gate, breaker and monitor wired, and alive?",
        instrument=-1,
        frame="",
        status=LEVELS[level],
        observed=float(len(dead)) if heard else math.nan,
        limit=1.0,
        unit="controls",
        sense="at least",
        counted=len(controls),
        counts="control",
        evidence=(f"controls: {words}" + (f": {named}" if named else "")) if heard else "no decision has been taken",
        figures={"declared_gates": len(declared), **{state.replace(" ", "_"): count for state, count in counts.items()}},
        false_alarm_rate=0.0,
        rate_of="a run",
        rate_by="a plain fact about the run",
        heard_ns=max((control.last_ns for control in controls), default=0),
    )


def _kind(gate: str) -> str:
    return "breaker" if gate in BREAKERS else "gate"


_PLACE = next(m for m, monitor in enumerate(MONITORS) if monitor.name == "guard_coverage")
