"""A bar: prices of one stretch of the clock, with the time it closed and the time it was known."""

from __future__ import annotations

import math

from msgspec import Struct


class Bar(Struct, frozen=True, array_like=True):
    """One candle of one instrument.

    Prices are ticks (int > 0, low <= open, close <= high); `volume` is base units (NaN where the source has none). A bar
    covers [opened_ns, closed_ns); nobody may read it before `known_ns` >= `closed_ns`. `parts` counts the source's bars in
    it and `parts_due` how many the clock asks for, so a bar with holes can be told from a whole one. `quote_volume` is quote
    units, `taker_volume` the base units of it that buyers took, `trades` their count; NaN where the source has none.
    """

    opened_ns: int
    closed_ns: int
    known_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: float
    parts: int = 1
    parts_due: int = 1
    quote_volume: float = math.nan
    taker_volume: float = math.nan
    trades: float = math.nan
