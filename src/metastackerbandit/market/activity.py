"""How much an instrument moves and trades: two EWMA variances and an average daily volume, from closed frame bars."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import DAY_NS, bars_a_year
from metastackerbandit.market.settings import MarketSettings


class Pace(Struct, frozen=True):
    """How fast the averages forget, a bar; `a_year`, `a_day` are bars."""

    fast_keep: float
    slow_keep: float
    volume_keep: float
    warm_up: int
    a_year: float
    a_day: float


class Activity(Struct, frozen=True):
    """Running sums and their weights (the sums of the coefficients so far, so that young averages are not biased to zero)."""

    last_close: int
    returns: int
    fast: float
    fast_weight: float
    slow: float
    slow_weight: float
    volume: float
    volume_weight: float


def pace_of(settings: MarketSettings, frame_ns: int) -> Pace:
    """Half-lives in days -> share kept a bar."""
    bar_days = frame_ns / DAY_NS
    return Pace(
        fast_keep=0.5 ** (bar_days / settings.fast_volatility_days),
        slow_keep=0.5 ** (bar_days / settings.slow_volatility_days),
        volume_keep=0.5 ** (bar_days / settings.volume_days),
        warm_up=settings.warm_up_returns,
        a_year=bars_a_year(frame_ns),
        a_day=DAY_NS / frame_ns,
    )


@kernel
def observe(activity: Any, pace: Any, close: int, volume: float) -> None:
    """Take one closed bar: `close` ticks, `volume` base units (NaN: not known)."""
    if activity.last_close > 0:
        change = close / activity.last_close - 1.0
        square = change * change
        activity.fast = pace.fast_keep * activity.fast + (1.0 - pace.fast_keep) * square
        activity.fast_weight = pace.fast_keep * activity.fast_weight + (1.0 - pace.fast_keep)
        activity.slow = pace.slow_keep * activity.slow + (1.0 - pace.slow_keep) * square
        activity.slow_weight = pace.slow_keep * activity.slow_weight + (1.0 - pace.slow_keep)
        activity.returns += 1
    activity.last_close = close
    if math.isnan(volume):
        return
    activity.volume = pace.volume_keep * activity.volume + (1.0 - pace.volume_keep) * volume
    activity.volume_weight = pace.volume_keep * activity.volume_weight + (1.0 - pace.volume_keep)


@kernel
def annual_volatility(activity: Any, pace: Any) -> float:
    """Forecast: the larger of the two, fraction a year; NaN until `warm_up` returns were seen, or when nothing moved."""
    if activity.returns < pace.warm_up:
        return math.nan
    variance = max(activity.fast / activity.fast_weight, activity.slow / activity.slow_weight)
    if not variance > 0.0:
        return math.nan
    return math.sqrt(variance * pace.a_year)


@kernel
def daily_volume(activity: Any, pace: Any) -> float:
    """Average volume of a day in base units; NaN until `warm_up` returns, where volumes are not known, or zero."""
    if activity.returns < pace.warm_up or not activity.volume > 0.0:
        return math.nan
    return activity.volume / activity.volume_weight * pace.a_day
