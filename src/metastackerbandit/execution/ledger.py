"""The ledger: a position at average cost and its cash, in integers, every posting summing to zero."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.money import muldiv


class Position(Struct, frozen=True):
    """One symbol's position and the round trip it is in.

    `lots` signed; `cost` money paid for them (negative for a short); `value` money at the last mark; `entry` ticks of the
    first fill; `best` ticks of the best mark since; the rest sums up the trip since it was last flat.
    """

    lots: int
    cost: int
    mark: int
    value: int
    entry: int
    best: int
    bars: int
    opened_ns: int
    decision: int
    most_lots: int
    entry_value: int
    exit_value: int
    realised: int
    fees: int
    funding: int


class Posting(Struct, frozen=True):
    """What a fill moved: amounts for the ledger row, and lots closed and opened."""

    cash: int
    cost: int
    realised: int
    fee: int
    closed: int
    opened: int


@kernel
def close_part(position: Any, unit: int, lots: int, ticks: int, fee: int, posting: Any) -> None:
    """Close `lots` (>= 0, at most the position) at `ticks`; average cost leaves in proportion, rounded down in size."""
    size = abs(position.lots)
    side = 1 if position.lots > 0 else -1
    money = lots * ticks * unit
    cost = muldiv(abs(position.cost), lots, size) if lots < size else abs(position.cost)
    posting.cash = side * money - fee
    posting.cost = -side * cost
    posting.realised = side * (money - cost)
    posting.fee = fee
    posting.closed = lots
    posting.opened = 0
    position.lots -= side * lots
    position.cost -= side * cost
    position.exit_value += money
    position.realised += posting.realised
    position.fees += fee


@kernel
def open_part(position: Any, unit: int, lots: int, ticks: int, fee: int, posting: Any) -> None:
    """Open or enlarge by signed `lots` at `ticks`, on the position's own side."""
    money = lots * ticks * unit
    posting.cash = -money - fee
    posting.cost = money
    posting.realised = 0
    posting.fee = fee
    posting.closed = 0
    posting.opened = abs(lots)
    position.lots += lots
    position.cost += money
    position.entry_value += abs(money)
    position.fees += fee
    position.most_lots = max(position.most_lots, abs(position.lots))
