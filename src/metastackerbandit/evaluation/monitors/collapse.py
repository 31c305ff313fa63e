"""Has the model become a constant? (Spread .0008 in the predecessors' 24h model: pain A18.)"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import PREDICTION, Context, Figures, MonitorSpec, falling, unavailable

OUTPUTS = 200  # whose spread is taken (method 5.6)


class Collapse(Struct, frozen=True):
    """Outputs of this version, all outputs, the spread to be expected (0: not known yet), the last spread, and whether there is one."""

    version: int
    seen: int
    outputs: int
    reference: float
    spread: float
    known: int


@kernel
def spread_of(values: Any, count: int) -> float:
    """Standard deviation of the first `count` values."""
    total = 0.0
    for n in range(count):
        total += values[n]
    middle = total / count
    squares = 0.0
    for n in range(count):
        off = values[n] - middle
        squares += off * off
    return math.sqrt(squares / count)


@kernel
def heard(state: Any, memory: Any, book: Any, limits: Any, prediction: Any) -> None:
    """Keep the lead of UP over DOWN; a new version begins anew, with its own reference."""
    if prediction.silence != 0:
        return
    if state.outputs > 0 and prediction.version != state.version:
        state.seen = 0
        state.reference = 0.0
    state.version = prediction.version
    memory[state.seen % OUTPUTS] = prediction.p_up - prediction.p_down
    state.seen += 1
    state.outputs += 1
    if state.seen < OUTPUTS:
        return
    state.spread = spread_of(memory, OUTPUTS)
    state.known = 1
    if state.reference == 0.0:
        own = state.spread if math.isnan(book.signal_sd) else book.signal_sd
        state.reference = max(own, limits.least_spread)


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """Spread of the last 200 outputs over the expected one."""
    if state.known == 0 or state.reference == 0.0:
        return unavailable(limits.spread_warn, state.outputs)
    return falling(state.spread / state.reference, limits.spread_warn, limits.spread_halt, state.outputs)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """Spread, and what it is held against."""
    source = "its own first 200 outputs" if math.isnan(context.book.signal_sd) else "its card"
    text = f"spread of p_up - p_down {float(state.spread):.4f} over the last 200 outputs, against {float(state.reference):.4f} by {source}"
    return text, {"spread": float(state.spread), "reference": float(state.reference), "outputs": int(state.outputs)}


MONITOR = MonitorSpec(
    name="collapse",
    question="Has the model become a constant?",
    statistic="standard deviation of the last 200 leads p_up - p_down, over the card's or the version's own first (at least least_spread)",
    null="outputs spread as they did",
    unit="ratio",
    sense="at most",
    warn="spread_warn",
    halt="spread_halt",
    false_alarm_rate=0.03,
    rate_by="simulated over 20,000 outputs whose neighbours correlate to .9; .25 where they do to .95: 200 of those are few",
    counts="prediction",
    needs=("predictions",),
    missing="fewer than 200 outputs of one version",
    state=Collapse,
    memory=lambda gates: OUTPUTS,
    hears=((PREDICTION, heard),),
    read=read,
    told=told,
)
