"""The newest trades one by one, in the order of their arrival: a ring of fixed length, written twice, so that reading it costs a view."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, layout, rows
from metastackerbandit.domain.market_rows import TradeRow


class TickCursor(Struct, frozen=True):
    """Where a ring stands: trades `written` since the start, how many of the newest are `kept`, and how many fell off before their time."""

    written: int
    kept: int
    dropped: int


class Ticks(NamedTuple):
    """Rings of S instruments; T is twice the number of trades there is room for."""

    cursor: Any  # (S,) TickCursor
    trades: Any  # (S, T) TradeRow


def empty_ticks(count: int, most: int) -> Ticks:
    """Rings of at most so many trades, all empty."""
    return Ticks(rows(TickCursor, count), np.zeros((count, 2 * most), layout(TradeRow)))


@kernel
def keep(ticks: Any, s: int, trade: Any) -> None:
    """Take the newest trade; where there is no room, the oldest falls off."""
    cursor = ticks.cursor[s]
    length = ticks.trades.shape[1] // 2
    place = cursor.written % length
    for at in range(place, place + length + 1, length):
        row = ticks.trades[s, at]
        row.instrument = trade.instrument
        row.first_id = trade.first_id
        row.last_id = trade.last_id
        row.exchange_ns = trade.exchange_ns
        row.traded_ns = trade.traded_ns
        row.received_ns = trade.received_ns
        row.ticks = trade.ticks
        row.lots = trade.lots
        row.side = trade.side
    cursor.written += 1
    if cursor.kept == length:
        cursor.dropped += 1
    else:
        cursor.kept += 1


@kernel
def forget(ticks: Any, s: int, oldest_ns: int) -> None:
    """Let go of trades made before `oldest_ns`, from the oldest arrival on; behind a younger one they stay."""
    cursor = ticks.cursor[s]
    length = ticks.trades.shape[1] // 2
    while cursor.kept > 0 and ticks.trades[s, (cursor.written - cursor.kept) % length].traded_ns < oldest_ns:
        cursor.kept -= 1


def newest_ticks(ticks: Ticks, s: int) -> np.ndarray:
    """A view (K,) of the trades kept, in the layout of TradeRow, oldest arrival first; the next trades are written over it."""
    cursor, length = ticks.cursor[s], ticks.trades.shape[1] // 2
    end = (int(cursor["written"]) - 1) % length + length + 1
    view: np.ndarray = ticks.trades[s, end - int(cursor["kept"]) : end]
    return view
