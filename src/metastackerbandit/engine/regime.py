"""In which context a book is: tercile of volatility, side of the trend; followed bar by bar where somebody asks."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.market.activity import annual_volatility
from metastackerbandit.stacking.context import NO_CELL, cell_of, observe_volatility


@kernel
def bar_volatility(seat: Any, limits: Any) -> float:
    """Forecast volatility of one bar of the frame, fraction; NaN until it is known."""
    return annual_volatility(seat.activity, limits.pace) / math.sqrt(limits.pace.a_year)


@kernel
def follow_regime(seat: Any, limits: Any, terciles: Any, context: Any) -> None:
    """Take the closed bar into the terciles of volatility and into the average that says where the trend is."""
    observe_volatility(terciles, bar_volatility(seat, limits), context.step, context.memory)
    close = float(seat.done.close)
    seat.level = close if seat.level == 0.0 else limits.trend_keep * seat.level + (1.0 - limits.trend_keep) * close


@kernel
def context_cell(seat: Any, limits: Any, terciles: Any) -> int:
    """The context of the bar in the seat, a place in decision.settings.REGIMES; NO_CELL until volatility is known."""
    return cell_of(terciles, bar_volatility(seat, limits), float(seat.done.close) - seat.level)


@kernel
def regime_allowed(seat: Any, limits: Any, terciles: Any) -> float:
    """1 where new risk is taken in the context of the bar, else 0; NaN while it is not known."""
    cell = context_cell(seat, limits, terciles)
    if cell == NO_CELL:
        return math.nan
    return 1.0 if limits.regimes & (1 << cell) != 0 else 0.0
