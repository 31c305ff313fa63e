"""A recorded candle as the trades that it could have been made of, second by second: its four prices, its volume and its buyers' part are exact.

The rest is made, from a seed: which extreme came first (the low with chance (high - open) / (high - low), as a walk from the open that has both ends
before it would reach it first), when the two came, how the price went between the four points (a bridge that stays within the candle), how the
volume is spread over the seconds, and which of them bought.

A candle of fewer lots than its path has points is thin: its close is traded, then its open, then the extremes as far as the lots go. One without
volume is not traded at all.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.simulation.chance import exponential, normal, uniform

PARTS = 3  # columns of a path: ticks, lots that buyers took, lots that sellers brought
_WANDER = 0.5  # of the candle's range: the bridge's standard deviation over the whole candle, were it free


class CandleTicks(Struct, frozen=True):
    """A candle in ticks and lots; `bought` of its `lots` were taken by buyers (-1: not known, and made to be half)."""

    open: int
    high: int
    low: int
    close: int
    lots: int
    bought: int


@kernel
def lay_path(chance: Any, candle: Any, path: Any) -> None:
    """Fill path (K, PARTS), K >= 4 seconds, with a candle's prices and what is traded at each; `chance` is a row that is drawn from."""
    last = len(path) - 1
    is_low_first = uniform(chance) * (candle.high - candle.low) < candle.high - candle.open
    first = candle.low if is_low_first else candle.high
    second = candle.high if is_low_first else candle.low
    one = 1 + math.floor(uniform(chance) * (last - 2))
    other = one + 1 + math.floor(uniform(chance) * (last - 1 - one))
    begun = 0 if first == candle.open else one
    ended = last if second == candle.close else other
    path[0, 0] = candle.open
    path[begun, 0] = first
    path[ended, 0] = second
    path[last, 0] = candle.close
    _bridge(chance, candle, path, 0, begun)
    _bridge(chance, candle, path, begun, ended)
    _bridge(chance, candle, path, ended, last)
    _spread(chance, candle, path, begun, ended)


@kernel
def _bridge(chance: Any, candle: Any, path: Any, first: int, last: int) -> None:
    """Prices between two seconds whose prices stand: each a step towards the later one and a draw to a side, within the candle."""
    price = float(path[first, 0])
    deviation = _WANDER * (candle.high - candle.low) / math.sqrt(len(path))
    for k in range(first + 1, last):
        left = last - k + 1
        price += (path[last, 0] - price) / left + deviation * math.sqrt((left - 1.0) / left) * normal(chance)
        price = min(max(price, float(candle.low)), float(candle.high))
        path[k, 0] = math.floor(price + 0.5)


@kernel
def _spread(chance: Any, candle: Any, path: Any, begun: int, ended: int) -> None:
    """Lots of each second: one at each of the four points as far as there are so many, the rest by chance; each second's taker buys or sells."""
    last = len(path) - 1
    for k in range(last + 1):
        path[k, 1] = 0
    left = candle.lots
    for n in range(4):
        k = (last if n == 0 else 0) if n < 2 else (begun if n == 2 else ended)
        if left > 0 and path[k, 1] == 0:
            path[k, 1] = 1
            left -= 1
    for k in range(last + 1):
        share = min(exponential(chance) / (last - k + 1), 1.0)
        more = left if k == last else math.floor(left * share)
        path[k, 1] += more
        left -= more
    untold = candle.lots
    buying = candle.bought if candle.bought >= 0 else candle.lots // 2
    for k in range(last + 1):
        lots = path[k, 1]
        is_buyer = uniform(chance) * untold < buying
        bought = min(lots, buying) if is_buyer else max(0, lots - (untold - buying))
        path[k, 1] = bought
        path[k, 2] = lots - bought
        untold -= lots
        buying -= bought
