"""Our families' own steps over somebody else's prices: what a published table is compared with.

A feature looks at logs of prices, a table at prices. Nothing in a step knows that its numbers are logs, so the table's prices are made the logs of
a market: ticks e^(36 + (price - lowest) / range). Ticks are then above 4e15, so the logs are the prices to 1e-14 of their range, and what the steps
give is divided by `unit` = 1 / range where it is a distance. The steps are the catalog's own, one a bar, with sigma held at 1 so that a column that
is told in sigmas is told in prices.

Published tables start their averages in two ways: as ours do (a plain mean while that is little, `old=False`), or with the first value alone
(`old=True`): then each average is told that it is old, which is what `young` = 0 says to `gain`.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.features.batch import setup_of
from metastackerbandit.features.catalog import FAMILIES
from metastackerbandit.features.seen import Seen, look
from metastackerbandit.features.spans import RING

Floats = NDArray[np.float64]

_LOW = 36.0  # log of the lowest tick: above 2^51, and a range of 1 stays below 2^63


class Market(Struct, frozen=True, eq=False):
    """Bars (N,) in the layout of Bar whose log prices are a table's prices times `unit`, up to a constant."""

    bars: np.ndarray
    unit: float
    lowest: float


class Taken(Struct, frozen=True, eq=False):
    """What a family's steps left: its columns (N, F) with sigma 1, its memory (N,) after each bar, and the true ranges (N,) in prices."""

    columns: Floats
    memory: np.ndarray
    true_range: Floats


def market_of(close: Floats, high: Floats | None = None, low: Floats | None = None, volume: Floats | None = None) -> Market:
    """A market (N,) with these prices as logs; without highs and lows a bar is its close."""
    top, bottom = close if high is None else high, close if low is None else low
    lowest, highest = float(min(bottom.min(), close.min())), float(max(top.max(), close.max()))
    unit = 1.0 / (highest - lowest) if highest > lowest else 1.0
    bars = _bars(len(close), volume)
    for name, prices in (("open", close), ("high", top), ("low", bottom), ("close", close)):
        bars[name] = np.rint(np.exp(_LOW + (prices - lowest) * unit))
    return Market(bars, unit, lowest)


def ticks_of(close: Floats, tick: float, volume: Floats | None = None) -> Market:
    """A market (N,) whose prices are the table's own, in whole ticks."""
    bars = _bars(len(close), volume)
    for name in ("open", "high", "low", "close"):
        bars[name] = np.rint(close / tick)
    return Market(bars, 1.0, 0.0)


def _bars(count: int, volume: Floats | None) -> np.ndarray:
    bars = rows(Bar, count)
    bars["opened_ns"] = np.arange(count) * DAY_NS
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + DAY_NS
    bars["volume"] = np.nan if volume is None else volume
    bars["parts"] = bars["parts_due"] = 1
    return bars


def taken(name: str, market: Market, *, old: bool = False, aged: str = "") -> Taken:
    """The step of the family `name` over a market; `aged` names a count in its memory that is made huge after the first bar, as `old` does."""
    family = next(family for family in FAMILIES if family.name == name)
    bars, count = market.bars, len(market.bars)
    seen, past, out = rows(Seen, 1)[0], np.zeros(RING), np.full((count, len(family.specs)), np.nan)
    setup = setup_of(DAY_NS, has_volume=True, has_flow=False, has_funding=False)[0]
    mine = None if family.memory is None else rows(family.memory, 1)
    kept = np.zeros(count, None if mine is None else mine.dtype)
    ranges = np.zeros(count)
    reals, integers = np.zeros(max(family.reals, 1)), np.zeros(max(family.integers, 1), np.int64)
    parameters = inspect.signature(getattr(family.step, "py_func", family.step)).parameters
    for n in range(count):
        look(bars[n], setup, seen, past)
        seen.sigma = 1.0
        if old and n > 0:
            seen.young = seen.young_return = 0.0
        known: dict[str, Any] = {"bar": bars[n], "seen": seen, "past": past, "reals": reals, "integers": integers, "out": out[n]}
        if mine is not None:
            known["mine"] = mine[0]
            if aged and n > 0:
                mine[aged] = max(int(mine[aged][0]), 10**9)
        family.step(*(known[parameter] for parameter in parameters))
        if mine is not None:
            kept[n] = mine[0]
        ranges[n] = seen.true_range / market.unit
    return Taken(out, kept, ranges)


def place_in(market: Market, bars: int, window: int) -> Floats:
    """Where each close stands in the range of its last `bars` bars, -1..1 (N,): `donchian_20` of them behind copies of the oldest.

    Copies of a bar of the window move neither its highest high nor its lowest low.
    """
    return _behind_copies("channel", 0, market, bars, window)


def efficiency_of(market: Market, moves: int, window: int) -> Floats:
    """Way made good over way travelled in the last `moves` moves (N,): `efficiency_12` of these closes behind copies of the oldest.

    A bar that does not move adds to neither way.
    """
    return _behind_copies("efficiency", 1, market, moves + 1, window + 1)


def _behind_copies(family: str, column: int, market: Market, bars: int, window: int) -> Floats:
    found = np.full(len(market.bars), np.nan)
    times = _bars(window, None)
    for n in range(bars - 1, len(market.bars)):
        view = np.concatenate((np.repeat(market.bars[n - bars + 1 : n - bars + 2], window - bars), market.bars[n - bars + 1 : n + 1]))
        for name in ("opened_ns", "closed_ns", "known_ns"):
            view[name] = times[name]
        found[n] = taken(family, Market(view, market.unit, market.lowest)).columns[-1, column]
    return found
