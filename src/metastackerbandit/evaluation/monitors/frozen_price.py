"""Has the price stopped moving?"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.longest_run import longest_run
from metastackerbandit.evaluation.monitors.spec import DECISION, Context, Figures, MonitorSpec, reaching, unavailable

LEAST_BARS = 50  # until which a share of unmoved closes says little


class FrozenPrice(Struct, frozen=True):
    """Bars, those that closed where the one before did, the run that goes on, and the longest."""

    bars: int
    still: int
    close: int
    run: int
    longest: int


@kernel
def decided(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """Compare a close with the one before."""
    same = state.bars > 0 and row.close == state.close
    state.run = state.run + 1 if same else 0
    state.still += 1 if same else 0
    state.longest = max(state.longest, state.run)
    state.close = row.close
    state.bars += 1


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """Unmoved closes in a row, now, against what the symbol's own share of them (without this run) allows."""
    chance = max(0.5, (state.still - state.run) / max(state.bars - state.run, 1))
    warn = longest_run(max(state.bars, LEAST_BARS), chance, limits.run_warn)
    if state.bars < LEAST_BARS:
        return unavailable(warn, state.bars)
    return reaching(float(state.run), warn, longest_run(state.bars, chance, limits.run_halt), state.bars)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """Now and at most."""
    text = (
        f"{int(state.run)} closes in a row have not moved ({int(state.longest)} at most, {state.still / state.bars:.1%} of {int(state.bars):,} bars)"
    )
    return text, {"run": int(state.run), "longest": int(state.longest), "still": int(state.still), "bars": int(state.bars)}


MONITOR = MonitorSpec(
    name="frozen_price",
    question="Has the price stopped moving?",
    statistic="closes in a row that equal the one before, against the longest run that the symbol's own share of such closes (at least 1/2) brings",
    null="each close stays with the same chance, on its own",
    unit="bars",
    warn="run_warn",
    halt="run_halt",
    false_alarm_rate=0.0025,
    rate_by="tail e^-6 of the longest run's distribution at the run's length; a few times that when looked at all along",
    counts="decision",
    needs=("decisions",),
    missing="fewer than 50 bars were decided on",
    state=FrozenPrice,
    hears=((DECISION, decided),),
    read=read,
    told=told,
)
