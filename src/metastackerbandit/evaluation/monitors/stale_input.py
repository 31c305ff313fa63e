"""Are bars decided on in time, and none left out?"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import DECISION, Context, Figures, MonitorSpec, reaching, unavailable


class StaleInput(Struct, frozen=True):
    """Decisions, the last close, its age in bars (or how late it was decided on), the oldest, and how often one was stale."""

    decisions: int
    closed_ns: int
    age: float
    oldest: float
    times: int


@kernel
def decided(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """How old the newest bar had become before this one closed, or how late the decision on this one is."""
    if state.decisions > 0:
        state.age = max((row.closed_ns - state.closed_ns) / book.frame_ns, (row.at_ns - row.closed_ns) / book.frame_ns)
        state.oldest = max(state.oldest, state.age)
        state.times += 1 if state.age >= limits.stale_warn else 0
    state.closed_ns = row.closed_ns
    state.decisions += 1


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The age at the last decision."""
    if state.decisions < 2:
        return unavailable(limits.stale_warn, state.decisions)
    return reaching(state.age, limits.stale_warn, limits.stale_halt, state.decisions)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """Now and at worst."""
    text = f"the last bar was {float(state.age):.2f} bars after the one before ({float(state.oldest):.2f} at most; late {int(state.times):,} times)"
    return text, {"age": float(state.age), "oldest": float(state.oldest), "times": int(state.times), "decisions": int(state.decisions)}


MONITOR = MonitorSpec(
    name="stale_input",
    question="Are bars decided on in time, and none left out?",
    statistic="bars between the closes of two decisions, or from a close to its decision",
    null="every bar comes, within half a bar",
    unit="bars",
    warn="stale_warn",
    halt="stale_halt",
    false_alarm_rate=0.0,
    rate_by="a plain fact about the data",
    counts="decision",
    needs=("decisions",),
    missing="fewer than two bars were decided on",
    state=StaleInput,
    hears=((DECISION, decided),),
    read=read,
    told=told,
)
