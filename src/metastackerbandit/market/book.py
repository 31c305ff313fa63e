"""The order book of one instrument at one venue: whole levels in ticks and lots, sorted so that the best stands last.

Changes are mostly near the best price, so there is little behind them to move. `bids` rise and `asks` fall along their array; what a venue
sends is put in level by level, absolute sizes, 0 for a level that is gone (which need not have been known).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows

CAPACITY = 8_192  # levels a side; the farthest quarter goes where one more would not fit


class BookRow(Struct, frozen=True):
    """Where a book stands: how many levels each side has, the newest message in it, and how far it is known.

    Levels below `known_bid` and above `known_ask` ticks are known only where they changed since the snapshot (0: each is known). `forgotten`
    counts levels that fell off the far end.
    """

    bids: int
    asks: int
    last_id: int
    exchange_ns: int
    received_ns: int
    known_bid: int
    known_ask: int
    forgotten: int


class Book(NamedTuple):
    """Books of S instruments, with room for D levels a side."""

    row: Any  # (S,) BookRow
    bids: Any  # (S, D, 2) int64 of ticks and lots, ticks rising
    asks: Any  # (S, D, 2), ticks falling


def empty_books(count: int, capacity: int = CAPACITY) -> Book:
    """Books without levels."""
    return Book(rows(BookRow, count), np.zeros((count, capacity, 2), np.int64), np.zeros((count, capacity, 2), np.int64))


@kernel
def place_of(side: Any, count: int, sign: int, ticks: int) -> int:
    """Where `ticks` stands, or would stand, among `count` prices of a side (D, 2 or more): the first place that is not worse; `sign` as in `put`.

    It is looked for from the best price on, in growing steps.
    """
    key = sign * ticks
    high = count
    step = 1
    low = count - 1
    while low >= 0 and sign * side[low, 0] >= key:
        high = low
        low -= step
        step *= 2
    low = max(low, -1)
    while high - low > 1:
        middle = (low + high) // 2
        if sign * side[middle, 0] >= key:
            high = middle
        else:
            low = middle
    return high


@kernel
def put(side: Any, count: int, sign: int, ticks: int, lots: int) -> int:
    """Set one level of a side (D, 2) that holds `count`; `sign` 1 for bids, -1 for asks. The new count; a full side keeps its best."""
    place = place_of(side, count, sign, ticks)
    if place < count and side[place, 0] == ticks:
        if lots > 0:
            side[place, 1] = lots
            return count
        for n in range(place, count - 1):
            side[n, 0] = side[n + 1, 0]
            side[n, 1] = side[n + 1, 1]
        return count - 1
    if lots == 0:
        return count
    for n in range(count, place, -1):
        side[n, 0] = side[n - 1, 0]
        side[n, 1] = side[n - 1, 1]
    side[place, 0] = ticks
    side[place, 1] = lots
    return count + 1


@kernel
def make_room(side: Any, count: int) -> int:
    """Drop the farthest quarter of a full side (D, 2), one level at the least; the new count."""
    if count < len(side):
        return count
    gone = max(count // 4, 1)
    for n in range(gone, count):
        side[n - gone, 0] = side[n, 0]
        side[n - gone, 1] = side[n, 1]
    return count - gone


@kernel
def change(row: Any, bids: Any, asks: Any, depth: Any, bid_changes: Any, ask_changes: Any) -> None:
    """Put a message's levels (exchanges.decoded) into one book, and remember it as the newest."""
    count = row.bids
    for n in range(depth.bids):
        if count == len(bids):
            room = make_room(bids, count)
            row.forgotten += count - room
            count = room
            row.known_bid = max(row.known_bid, bids[0, 0])
        count = put(bids, count, 1, bid_changes[n, 0], bid_changes[n, 1])
    row.bids = count
    count = row.asks
    for n in range(depth.asks):
        if count == len(asks):
            room = make_room(asks, count)
            row.forgotten += count - room
            count = room
            row.known_ask = asks[0, 0] if row.known_ask == 0 else min(row.known_ask, asks[0, 0])
        count = put(asks, count, -1, ask_changes[n, 0], ask_changes[n, 1])
    row.asks = count
    row.last_id = depth.last_id
    row.exchange_ns = depth.exchange_ns
    row.received_ns = depth.received_ns


@kernel
def replace(row: Any, bids: Any, asks: Any, depth: Any, bid_levels: Any, ask_levels: Any) -> None:
    """Begin anew from a whole picture, of which nothing is known beyond its last level on each side."""
    row.bids = 0
    row.asks = 0
    row.known_bid = 0
    row.known_ask = 0
    change(row, bids, asks, depth, bid_levels, ask_levels)
    row.known_bid = bids[0, 0] if row.bids > 0 else 0
    row.known_ask = asks[0, 0] if row.asks > 0 else 0


@kernel
def is_crossed(row: Any, bids: Any, asks: Any) -> bool:
    """Whether somebody would pay as much as somebody asks."""
    return row.bids > 0 and row.asks > 0 and bids[row.bids - 1, 0] >= asks[row.asks - 1, 0]


@kernel
def lots_to(side: Any, count: int, sign: int, ticks: int) -> int:
    """Lots on a side from its best price up to and including `ticks`."""
    lots = 0
    n = count - 1
    while n >= 0 and sign * side[n, 0] >= sign * ticks:
        lots += side[n, 1]
        n -= 1
    return lots
