"""Candles in Binance's intervals, weeks from Monday and calendar months among them, and the trades that they are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.simulation.candle_board import CandleBoard
from metastackerbandit.simulation.queues import Queues

FIXED: dict[str, int] = {
    "1s": SECOND_NS,
    **{f"{n}m": n * MINUTE_NS for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * HOUR_NS for n in (1, 2, 4, 6, 8, 12)},
    **{f"{n}d": n * DAY_NS for n in (1, 3)},
}
_DAYS = {"1w": 7, "1M": 31}  # at the most, of the intervals that are not fixed
INTERVALS = (*FIXED, *_DAYS)
EVER_NS = 2**62  # no candle opens so late
_EPOCH_DAY = 3  # 1970-01-01 was a Thursday: days since the Monday before


def opened_at(interval: str, at_ns: int) -> int:
    """When the candle that `at_ns` lies in opens."""
    if interval in FIXED:
        return at_ns // FIXED[interval] * FIXED[interval]
    day = at_ns // DAY_NS
    if interval == "1w":
        return (day - (day + _EPOCH_DAY) % 7) * DAY_NS
    date = datetime.fromtimestamp(day * DAY_NS // SECOND_NS, UTC)
    return int(datetime(date.year, date.month, 1, tzinfo=UTC).timestamp()) * SECOND_NS


def closed_at(interval: str, opened_ns: int) -> int:
    """When a candle ends that opens then."""
    if interval in FIXED:
        return opened_ns + FIXED[interval]
    return opened_at(interval, opened_ns + _DAYS[interval] * DAY_NS)


def candles_of(board: CandleBoard, s: int, interval: str, from_ns: int, to_ns: int, limit: int, *, newest: bool) -> np.ndarray:
    """Candles (N,) that open in [from, to), oldest first: the first `limit`, or the newest; the last may still form.

    Weeks and months are made of no more days than are in the candles that are wanted.
    """
    if interval in FIXED:
        return board.candles(s, FIXED[interval], from_ns, to_ns, limit, newest=newest)
    first, last = (opened_at(interval, min(at_ns, EVER_NS)) for at_ns in (from_ns, to_ns - 1))
    first = first if first >= from_ns else closed_at(interval, first)
    days = board.candles(s, DAY_NS, first, closed_at(interval, last), (limit + 1) * _DAYS[interval], newest=newest)
    made = _folded(days, np.array([opened_at(interval, int(at_ns)) for at_ns in days["opened_ns"]], np.int64))
    return made[-limit:] if newest else made[:limit]


def _folded(bars: np.ndarray, opened: np.ndarray) -> np.ndarray:
    """Bars (N,) joined where they belong to the same longer one, by when that opens (N,)."""
    starts = np.flatnonzero(np.diff(opened, prepend=-1))
    if not len(starts):
        return bars
    made, ends = bars[starts].copy(), np.append(starts[1:], len(bars)) - 1
    made["opened_ns"], made["closed_ns"], made["close"] = opened[starts], bars["closed_ns"][ends], bars["close"][ends]
    made["high"], made["low"] = np.maximum.reduceat(bars["high"], starts), np.minimum.reduceat(bars["low"], starts)
    for name in ("volume", "quote_volume", "taker_volume", "trades"):
        made[name] = np.add.reduceat(bars[name], starts)
    return made


def first_trade_from(queues: Queues, s: int, at_ns: int) -> int:
    """The number of the first trade at or after a time, as far as the ring has it; one beyond the newest where there is none."""
    newest, ring = int(queues.row[s]["trade"]), queues.trades[s]
    low, high = max(1, newest - len(ring) + 1), newest + 1
    while low < high:
        middle = (low + high) // 2
        if ring[middle % len(ring)]["at_ns"] < at_ns:
            low = middle + 1
        else:
            high = middle
    return low


def trades_of(queues: Queues, s: int, bar: Any, closed_ns: int) -> tuple[int, int]:
    """First and last trade of a candle, (-1, -1) where the ring has none of it."""
    first, last = first_trade_from(queues, s, int(bar["opened_ns"])), first_trade_from(queues, s, closed_ns) - 1
    return (first, last) if last >= first else (-1, -1)
