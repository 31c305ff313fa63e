"""Does the model say the same side for longer than chance brings?"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.longest_run import longest_run
from metastackerbandit.evaluation.monitors.spec import PREDICTION, Context, Figures, MonitorSpec, unavailable

LEAST_COUNTED = 10  # outputs a horizon apart, below which no run is long


LEAST_STEPS = 20  # earlier steps from one such output to the next, until which the model's own persistence is not estimated


class SameSideRun(Struct, frozen=True):
    """Outputs, those that count, steps that kept the side, the run that goes on and its side, the longest; the worst alarm, its run and limit."""

    outputs: int
    counted: int
    kept: int
    side: int
    run: int
    longest: int
    reached: int
    found: int
    passed: float


@kernel
def same_chance(state: Any, book: Any) -> float:
    """Chance that the side stays: the model's own before this run, what training saw of the commoner side, at least a half."""
    chance = 0.5 if math.isnan(book.share_up) else max(book.share_up, 1.0 - book.share_up)
    steps = state.counted - state.run
    if steps >= LEAST_STEPS:
        chance = max(chance, (state.kept - state.run + 1.0) / steps)
    return chance


@kernel
def heard(state: Any, memory: Any, book: Any, limits: Any, prediction: Any) -> None:
    """Take one output in every horizon."""
    if prediction.silence != 0 or prediction.p_up == prediction.p_down:
        return
    counts = state.outputs % max(prediction.horizon, 1) == 0
    state.outputs += 1
    if not counts:
        return
    side = 1 if prediction.p_up > prediction.p_down else -1
    if side == state.side:
        state.run += 1
        state.kept += 1
    else:
        state.run = 1
    state.side = side
    state.counted += 1
    state.longest = max(state.longest, state.run)
    chance = same_chance(state, book)
    warn, halt = longest_run(state.counted, chance, limits.run_warn), longest_run(state.counted, chance, limits.run_halt)
    reached = 2 if state.run > halt else (1 if state.run > warn else 0)
    if state.counted >= LEAST_COUNTED and reached > 0 and reached >= state.reached:
        state.reached = reached
        state.found = state.run
        state.passed = halt if reached == 2 else warn


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The run that goes on; one that passed its limit stays the answer, with the limit as it was then."""
    warn = longest_run(max(state.counted, LEAST_COUNTED), same_chance(state, book), limits.run_warn)
    if state.counted < LEAST_COUNTED:
        return unavailable(warn, state.outputs)
    if state.reached > 0:
        return float(state.found), state.passed, state.reached, state.outputs
    return float(state.run), warn, 0, state.outputs


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The longest run, with the chance it was held against."""
    chance = same_chance(state, context.book)
    text = f"longest run {int(state.longest)} of {int(state.counted):,} outputs a horizon apart; now each stays with chance {chance:.2f}"
    return text, {"longest": int(state.longest), "counted": int(state.counted), "chance": chance}


MONITOR = MonitorSpec(
    name="same_side_run",
    question="Does the model say one side for longer than chance brings?",
    statistic="longest run of one side among outputs a label horizon apart, against (ln(n (1-q)) + 6) / -ln q (12 to halt), q >= 1/2",
    null="each output has the side of the one before with a chance q: the model's own so far, or the commoner side's share in training",
    unit="outputs",
    warn="run_warn",
    halt="run_halt",
    false_alarm_rate=0.06,
    rate_by="simulated over 20,000 outputs whose neighbours correlate to .9; .02 where they do not, more where they do for longer",
    counts="directional prediction",
    needs=("predictions",),
    missing="fewer than 10 outputs a horizon apart",
    state=SameSideRun,
    hears=((PREDICTION, heard),),
    read=read,
    told=told,
)
