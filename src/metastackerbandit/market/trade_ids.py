"""Trades that were sent before, found by their ids: what comes again after a connection was made anew is left out.

Where a venue numbers trades one after another, what begins not above the newest is old, so of a sum of several trades none may have come. Where
ids only tell trades apart, the newest KEPT of an instrument are remembered. A trade whose id the venue does not tell (-1) is always new.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows

KEPT = 2_048  # ids remembered of an instrument; a venue repeats some hundred at most


class TradeIdRow(Struct, frozen=True):
    """Where an instrument's trades stand: the newest id (-1: none yet), ids remembered, trades that came `again`, and ids that were passed over,
    `missing`, where trades are numbered."""

    newest_id: int
    written: int
    again: int
    missing: int


class TradeIds(NamedTuple):
    """Ids of S instruments' trades."""

    row: Any  # (S,) TradeIdRow
    ids: Any  # (S, K) int64, a ring; K is 1 where numbers rise


def empty_trade_ids(count: int, *, numbered: bool) -> TradeIds:
    """Nothing seen yet; `numbered` where a later trade has a higher id."""
    made = TradeIds(rows(TradeIdRow, count), np.full((count, 1 if numbered else KEPT), -1, np.int64))
    made.row["newest_id"] = -1
    return made


@kernel
def is_new(seen: Any, trade: Any) -> bool:
    """Whether a trade (domain.market_rows) has not come before; one that has is counted."""
    row = seen.row[trade.instrument]
    if trade.first_id < 0:
        return True
    if seen.ids.shape[1] == 1:
        if trade.first_id <= row.newest_id:
            row.again += 1
            return False
    else:
        for n in range(min(row.written, seen.ids.shape[1])):
            if seen.ids[trade.instrument, n] == trade.last_id:
                row.again += 1
                return False
    return True


@kernel
def remember(seen: Any, trade: Any) -> None:
    """A new trade was taken: from now on it has come. One that is refused must not be remembered, or its id could leave out all that follow."""
    row = seen.row[trade.instrument]
    if trade.first_id < 0:
        return
    if seen.ids.shape[1] > 1:
        seen.ids[trade.instrument, row.written % seen.ids.shape[1]] = trade.last_id
        row.written += 1
    elif row.newest_id >= 0 and trade.first_id > row.newest_id + 1:
        row.missing += trade.first_id - row.newest_id - 1
    row.newest_id = max(row.newest_id, trade.last_id)


@kernel
def leave_out_old(seen: Any, trades: Any, count: int) -> int:
    """Move the new ones of trades (K,), of which `count` stand, to the front in their order; how many they are."""
    kept = 0
    for n in range(count):
        if is_new(seen, trades[n]):
            remember(seen, trades[n])
            if kept < n:
                move(trades[n], trades[kept])
            kept += 1
    return kept


@kernel
def move(trade: Any, to: Any) -> None:
    """Write one trade over another."""
    to.instrument = trade.instrument
    to.first_id = trade.first_id
    to.last_id = trade.last_id
    to.exchange_ns = trade.exchange_ns
    to.traded_ns = trade.traded_ns
    to.received_ns = trade.received_ns
    to.ticks = trade.ticks
    to.lots = trade.lots
    to.side = trade.side
