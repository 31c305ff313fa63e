"""Trades that come twice, after a connection is made anew or from two of them: where a venue numbers its trades, each is taken once.

A trade is taken where its first id is above the last one that was taken of its instrument. A row that sums up several trades of which some were
taken before cannot be parted: it is left out too, and counted apart, since what it tells of the others is lost.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.market.bars import TAKEN, take

AGAIN, OVERLAPS = 6, 7  # verdicts beside those of market.bars


class HeardRow(Struct, frozen=True):
    """What was heard of an instrument: the last id that was taken; counted: rows `taken`, those that came `again`, and that overlap taken ones."""

    last_id: int
    taken: int
    again: int
    overlaps: int


@kernel
def take_new(bars: Any, heard: Any, trade: Any) -> int:
    """Take a trade into its bars unless it was taken before; `heard` (S,) HeardRow. What became of it: a verdict of market.bars, AGAIN or OVERLAPS.

    A trade without an id (-1) is taken whenever it comes.
    """
    s = trade.instrument
    if trade.first_id < 0 or s < 0 or s >= len(heard):
        return take(bars, trade)
    row = heard[s]
    if row.taken > 0 and trade.first_id <= row.last_id:
        if trade.last_id <= row.last_id:
            row.again += 1
            return AGAIN
        row.overlaps += 1
        return OVERLAPS
    verdict = take(bars, trade)
    if verdict == TAKEN:
        row.last_id = trade.last_id
        row.taken += 1
    return verdict
