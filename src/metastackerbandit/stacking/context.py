"""In which of six contexts a decision is taken: tercile of volatility by sign of trend.

The terciles of log volatility are followed by stochastic approximation (Robbins and Monro 1951): each bar moves an estimate up by p or
down by 1 - p of a step that shrinks to a steady pace, so that nothing but two numbers and a count is remembered.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel

CELLS = 6
NO_CELL = -1  # volatility is not known yet

_LOW, _HIGH = 1.0 / 3.0, 2.0 / 3.0  # the terciles


class Terciles(Struct, frozen=True):
    """Bars seen and the two terciles of log volatility so far."""

    seen: int
    low: float
    high: float


@kernel
def observe_volatility(terciles: Any, volatility: float, step: float, memory: int) -> None:
    """Take one bar's volatility (> 0; NaN and others are passed over); `step` natural-log units, pace 1 / memory in the end."""
    if not volatility > 0.0 or math.isinf(volatility):
        return
    level = math.log(volatility)
    if terciles.seen == 0:
        terciles.low = level
        terciles.high = level
    terciles.seen += 1
    pace = step / min(terciles.seen, memory)
    terciles.low += pace * (_LOW - (1.0 if level <= terciles.low else 0.0))
    terciles.high += pace * (_HIGH - (1.0 if level <= terciles.high else 0.0))


@kernel
def cell_of(terciles: Any, volatility: float, trend: float) -> int:
    """0 to 5: calm, usual, wild volatility with a falling (0, 1, 2) or rising (3, 4, 5) trend; NO_CELL where either is not known.

    `trend` is any signed number known at the close; exactly 0 counts as rising.
    """
    if terciles.seen == 0 or not volatility > 0.0 or math.isnan(trend):
        return NO_CELL
    level = math.log(volatility)
    tercile = 0
    if level > terciles.low:
        tercile = 1
    if level > terciles.high and terciles.high >= terciles.low:
        tercile = 2
    return tercile + (3 if trend >= 0.0 else 0)
