"""What a run held against what the market did, bar by bar and symbol by symbol: the run's timing, apart from its prices and its costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.backtest.run import Block
from metastackerbandit.domain.rows import ON_STOP, ON_TARGET
from metastackerbandit.domain.sink import Kept
from metastackerbandit.engine.plan import Plan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_RATE = 1e-8  # one unit of a funding rate


class Holding(Struct, frozen=True, eq=False):
    """Exposure (S, T) through each bar, fraction of the equity before it; returns (S, T) of a long over the bar, funding paid; all costs paid.

    `charge` sums fees, slippage and impact over the equity before each fill.
    """

    exposure: Floats
    returns: Floats
    charge: float


def holding_of(plan: Plan, block: Block, kept: Kept, times: Ints, equity: Ints) -> Holding:
    """Lay a run's rows out on the closing times (T,) of its equity (T,) in money.

    A position is worth what the price was when the bar began, so that the bar's own return is not in it. A bar inside which a stop or target
    ended the position counts as held to its end: a shifted position has no stop there either.
    """
    symbols, bars = len(plan.instruments), len(times)
    before = np.concatenate((equity[:1], equity[:-1])).astype(np.float64)
    worth = np.where(before > 0.0, before, np.inf)
    exposure, returns = np.zeros((symbols, bars)), np.zeros((symbols, bars))
    for s, instrument in enumerate(plan.instruments):
        own = kept.decisions[kept.decisions["instrument"] == s]
        if len(own):
            places = np.searchsorted(times, own["closed_ns"])
            lots, closes = _carried(own["position"], places, bars), _carried(own["close"], places, bars)
            _refill(lots, kept.trips[kept.trips["instrument"] == s], times)
            opening = np.concatenate((closes[:1], closes[:-1]))
            exposure[s] = lots * opening * float(instrument.rules().unit) / worth
            returns[s, 1:] = np.where(opening[1:] > 0.0, closes[1:] / np.where(opening[1:] > 0.0, opening[1:], 1.0) - 1.0, 0.0)
        returns[s] -= _funding(block, s, times)
    return Holding(exposure, returns, _charge(kept.fills, times, worth))


def _carried(values: Any, places: Ints, bars: int) -> Floats:
    """Values at their places of (T,), each carried on until the next; 0 before the first."""
    latest = np.full(bars, -1, np.int64)
    latest[places] = np.arange(len(places))
    latest = np.maximum.accumulate(latest)
    return np.where(latest >= 0, np.asarray(values, np.float64)[np.maximum(latest, 0)], 0.0)


def _refill(lots: Floats, trips: Any, times: Ints) -> None:
    """Give a bar that a stop or target emptied the position that it began with."""
    ended = trips[(trips["reason"] == ON_STOP) | (trips["reason"] == ON_TARGET)]
    places = np.minimum(np.searchsorted(times, ended["closed_ns"], side="left"), len(times) - 1)
    emptied = lots[places] == 0.0
    lots[places[emptied]] = (ended["side"] * ended["lots"])[emptied]


def _funding(block: Block, s: int, times: Ints) -> Floats:
    """What a long paid in each bar (T,), fraction of its notional; a settlement at a close belongs to the bar that closed."""
    starts = (*(int(start) for start in block.funding_starts), len(block.funding))
    settled = block.funding[starts[s] : starts[s + 1]]
    places = np.searchsorted(times, settled["at_ns"], side="left")
    inside = places < len(times)
    paid: Floats = np.zeros(len(times))
    np.add.at(paid, places[inside], settled["rate"][inside] * _RATE)
    return paid


def _charge(fills: Any, times: Ints, worth: Floats) -> float:
    if not len(fills):
        return 0.0
    places = np.minimum(np.searchsorted(times, fills["at_ns"], side="right"), len(times) - 1)
    paid = (fills["fee"] + fills["slippage"] + fills["impact"]).astype(np.float64)
    return float(np.sum(paid / worth[places]))
