"""What venues tell of the last 24 hours of trading: 288 five-minute parts of each instrument, the oldest replaced by the newest.

The window begins at a whole five minutes, so that it is up to five minutes longer than the venue's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.simulation.candle_board import FIVE_NS, CandleBoard
from metastackerbandit.simulation.listing import Sizes

PARTS = DAY_NS // FIVE_NS + 1


class Part(Struct, frozen=True):
    """Trading of five minutes: prices in ticks, `turnover` in ticks times lots, `first` and `last` trade (0: from before the exchange began)."""

    opened_ns: int
    trades: int
    lots: int
    turnover: int
    first_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    first: int
    last: int


class DayRow(Struct, frozen=True):
    """The newest trade that is in the parts, its lots, and the last price before the oldest part."""

    seen: int
    last_lots: int
    before_ticks: int


class Days(NamedTuple):
    """Parts of S instruments."""

    row: Any  # (S,) DayRow
    parts: Any  # (S, PARTS) Part


class Day(Struct, frozen=True):
    """24 hours of an instrument in ticks, lots, and ticks times lots; all 0 without a trade. `first` and `last` are trade numbers, -1 for none."""

    opened_ns: int
    open: int
    high: int
    low: int
    close: int
    before: int
    lots: int
    turnover: int
    trades: int
    first: int
    last: int
    last_lots: int


def empty_days(instruments: int) -> Days:
    """Days without a trade."""
    return Days(rows(DayRow, instruments), np.stack([rows(Part, PARTS) for _ in range(instruments)]))


def begin_day(days: Days, s: int, board: CandleBoard, sizes: Sizes, now_ns: int) -> None:
    """Take what was before the exchange began from its candles; amounts are rounded to whole lots."""
    for bar in board.candles(s, FIVE_NS, now_ns - DAY_NS, now_ns, PARTS, newest=True):
        if bar["trades"] > 0:
            part = days.parts[s, int(bar["opened_ns"]) // FIVE_NS % PARTS]
            part["opened_ns"], part["trades"] = bar["opened_ns"], bar["trades"]
            part["lots"], part["turnover"] = round(bar["volume"] * 1e8 / sizes.lot), round(bar["quote_volume"] * 1e8 / sizes.unit)
            for name, field in (("first_ticks", "open"), ("high_ticks", "high"), ("low_ticks", "low"), ("last_ticks", "close")):
                part[name] = bar[field]


def day_of(days: Days, s: int, now_ns: int) -> Day:
    """The last 24 hours of an instrument."""
    parts, row = days.parts[s], days.row[s]
    parts = parts[parts["trades"] > 0]
    is_new = parts["opened_ns"] > now_ns - DAY_NS - FIVE_NS
    old, parts = parts[~is_new], parts[is_new]
    before = int(old[np.argmax(old["opened_ns"])]["last_ticks"]) if len(old) else int(row["before_ticks"])
    if not len(parts):
        last = before
        return Day(now_ns - DAY_NS, last, last, last, last, last, 0, 0, 0, -1, -1, 0)
    oldest, newest = parts[np.argmin(parts["opened_ns"])], parts[np.argmax(parts["opened_ns"])]
    told = parts[parts["last"] > 0]
    first, last = (int(told["first"].min()), int(told["last"].max())) if len(told) else (-1, -1)
    lots, turnover, trades = (int(parts[name].sum()) for name in ("lots", "turnover", "trades"))
    return Day(
        max(now_ns - DAY_NS, int(oldest["opened_ns"])),
        int(oldest["first_ticks"]),
        int(parts["high_ticks"].max()),
        int(parts["low_ticks"].min()),
        int(newest["last_ticks"]),
        before or int(oldest["first_ticks"]),
        lots,
        turnover,
        trades,
        first,
        last,
        int(row["last_lots"]),
    )


@kernel
def follow_days(days: Any, queues: Any) -> None:
    """Put every instrument's new trades into its day."""
    for s in range(len(days.row)):
        row = days.row[s]
        newest = queues.row[s].trade
        ring = queues.trades[s]
        for n in range(max(row.seen + 1, newest - len(ring) + 1), newest + 1):
            traded = ring[n % len(ring)]
            opened = traded.at_ns // FIVE_NS * FIVE_NS
            part = days.parts[s, opened // FIVE_NS % days.parts.shape[1]]
            if part.opened_ns != opened:
                if part.trades > 0:
                    row.before_ticks = part.last_ticks
                part.opened_ns = opened
                part.trades = 0
                part.lots = 0
                part.turnover = 0
                part.first_ticks = traded.ticks
                part.high_ticks = traded.ticks
                part.low_ticks = traded.ticks
                part.first = n
            part.trades += 1
            part.lots += traded.lots
            part.turnover += traded.lots * traded.ticks
            part.high_ticks = max(part.high_ticks, traded.ticks)
            part.low_ticks = min(part.low_ticks, traded.ticks)
            part.last_ticks = traded.ticks
            part.last = n
            row.last_lots = traded.lots
        row.seen = newest
