"""Does the model say the same side for longer than chance brings?"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.longest_run import longest_run
from metastackerbandit.evaluation.monitors.spec import PREDICTION, Context, Figures, MonitorSpec, unavailable

LEAST_COUNTED = 10  # outputs a horizon apart, below which no run is long


class SameSideRun(Struct, frozen=True):
    """Outputs, those that count, the run that goes on with its side, the longest, and how far it is past its limit (nats, times ln 1/q)."""

    outputs: int
    counted: int
    side: int
    run: int
    longest: int
    beyond: int


@kernel
def same_chance(book: Any) -> float:
    """Chance that the side stays: what training saw of the commoner one, at least a half."""
    if math.isnan(book.share_up):
        return 0.5
    return max(book.share_up, 1.0 - book.share_up)


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
    state.run = state.run + 1 if side == state.side else 1
    state.side = side
    state.counted += 1
    state.longest = max(state.longest, state.run)
    chance = same_chance(book)
    if state.counted >= LEAST_COUNTED and state.run > longest_run(state.counted, chance, limits.run_warn):
        state.beyond = max(state.beyond, 2 if state.run > longest_run(state.counted, chance, limits.run_halt) else 1)


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The longest run; what passed its limit once stays an alarm, though the limit grows with the outputs."""
    chance = same_chance(book)
    warn = longest_run(max(state.counted, LEAST_COUNTED), chance, limits.run_warn)
    if state.counted < LEAST_COUNTED:
        return unavailable(warn, state.outputs)
    if state.beyond == 2:
        return float(state.longest), longest_run(state.counted, chance, limits.run_halt), 2, state.outputs
    return float(state.longest), warn, state.beyond, state.outputs


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The longest run, with the chance it was held against."""
    chance = same_chance(context.book)
    text = f"longest run {int(state.longest)} of {int(state.counted):,} outputs a horizon apart, each the same again with chance {chance:.2f}"
    return text, {"longest": int(state.longest), "counted": int(state.counted), "chance": chance}


MONITOR = MonitorSpec(
    name="same_side_run",
    question="Does the model say one side for longer than chance brings?",
    statistic="longest run of one side among outputs a label horizon apart, against ln(n (1-q)) / -ln q + 6 / -ln q (12 to halt), q >= 1/2",
    null="each output has the side of the one before with probability q",
    unit="outputs",
    warn="run_warn",
    halt="run_halt",
    false_alarm_rate=0.0025,
    rate_by="tail e^-6 of the longest run's distribution at the run's length; a few times that when looked at all along",
    counts="directional prediction",
    needs=("predictions",),
    missing="fewer than 10 outputs a horizon apart",
    state=SameSideRun,
    hears=((PREDICTION, heard),),
    read=read,
    told=told,
)
