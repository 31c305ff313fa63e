"""Readers of an exchange's public rings, each at its own pace: what changed of a book, its trades, and trades joined to aggregated ones.

An aggregated trade is what one incoming order got at one price; these have numbers of their own, from 1 on for each instrument.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.simulation.queues import BUY, SELL, Queues

Levels = list[tuple[int, int]]  # ticks, lots
Bests = tuple[tuple[int, int], tuple[int, int]]  # bid and ask as ticks, lots


class Joined(Struct, frozen=True):
    """An aggregated trade: trades `first` to `last`, all at one price and of one incoming order."""

    number: int
    first: int
    last: int
    at_ns: int
    ticks: int
    lots: int
    is_sold: int
    sweep: int


class JoinedRow(Struct, frozen=True):
    """Where an instrument's aggregated trades stand: the newest one, and the newest trade that is in it."""

    number: int
    seen: int


class Tape(NamedTuple):
    """Aggregated trades of S instruments, the newest A of each."""

    row: Any  # (S,) JoinedRow
    joined: Any  # (S, A) Joined, number n at n % A


class Chunk(Struct, frozen=True):
    """Changes of a book from update `first` to `last`: each price's newest size, 0 where it is gone."""

    first: int
    last: int
    bids: Levels
    asks: Levels


def empty_tape(instruments: int, kept: int = 4_096) -> Tape:
    """A tape without trades."""
    return Tape(rows(JoinedRow, instruments), np.stack([rows(Joined, kept) for _ in range(instruments)]))


def book_side(queues: Queues, s: int, side: int, limit: int) -> Levels:
    """The best `limit` prices of a side, the best first."""
    count = int(queues.row[s]["asks" if side else "bids"])
    best = queues.prices[s, side, max(count - limit, 0) : count, :2]
    return [(ticks, lots) for ticks, lots in best[::-1].tolist()]


def best_levels(queues: Queues, s: int) -> Bests:
    """Best bid and ask with their sizes, zeros where a side is empty."""
    bid, ask = (next(iter(book_side(queues, s, side, 1)), (0, 0)) for side in (BUY, SELL))
    return bid, ask


def newest_update(queues: Queues, s: int) -> int:
    """The number of a book's newest change."""
    return int(queues.row[s]["update"])


def changes_since(queues: Queues, s: int, seen: int) -> Chunk | None:
    """What changed after update `seen`; None where nothing did, or where the ring has lost some of it (`is_lost` tells which)."""
    newest = newest_update(queues, s)
    if newest == seen or is_lost(queues, s, seen):
        return None
    sizes: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for _, side, ticks, lots in _between(queues.changes[s], seen, newest):
        sizes[side][ticks] = lots
    return Chunk(seen + 1, newest, sorted(sizes[0].items(), reverse=True), sorted(sizes[1].items()))


def is_lost(queues: Queues, s: int, seen: int) -> bool:
    """Whether changes after update `seen` have left the ring."""
    return bool(newest_update(queues, s) - seen > queues.changes.shape[1])


def trades_between(queues: Queues, s: int, seen: int, last: int) -> list[Any]:
    """Trades (tuples in the order of `Traded`) after number `seen` up to `last`, those that the ring still has."""
    newest = int(queues.row[s]["trade"])
    return _between(queues.trades[s], max(seen, newest - queues.trades.shape[1], 0), min(last, newest))


def joined_between(tape: Tape, s: int, seen: int, last: int) -> list[Any]:
    """Aggregated trades (tuples in the order of `Joined`) after number `seen` up to `last`, those that are kept."""
    newest = int(tape.row[s]["number"])
    return _between(tape.joined[s], max(seen, newest - tape.joined.shape[1], 0), min(last, newest))


def _between(ring: Any, seen: int, last: int) -> list[Any]:
    """Rows of a ring (N,) with numbers after `seen` up to `last`, of which it has all, as tuples."""
    if last <= seen:
        return []
    size = len(ring)
    first, end = (seen + 1) % size, last % size + 1
    if first < end:
        return list(ring[first:end].tolist())
    return list(ring[first:].tolist()) + list(ring[:end].tolist())


@kernel
def join_trades(tape: Any, queues: Any) -> None:
    """Put every instrument's new trades into the tape."""
    for s in range(len(tape.row)):
        row = tape.row[s]
        newest = queues.row[s].trade
        ring = queues.trades[s]
        for n in range(max(row.seen + 1, newest - len(ring) + 1), newest + 1):
            traded = ring[n % len(ring)]
            joined = tape.joined[s, row.number % tape.joined.shape[1]]
            if row.number > 0 and joined.sweep == traded.sweep and joined.ticks == traded.ticks and joined.last == n - 1:
                joined.last = n
                joined.lots += traded.lots
            else:
                row.number += 1
                joined = tape.joined[s, row.number % tape.joined.shape[1]]
                joined.number = row.number
                joined.first = n
                joined.last = n
                joined.at_ns = traded.at_ns
                joined.ticks = traded.ticks
                joined.lots = traded.lots
                joined.is_sold = traded.is_sold
                joined.sweep = traded.sweep
        row.seen = newest
