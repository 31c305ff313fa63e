"""Books of single orders: each price has a queue of orders, first come first served, and prices are sorted so that the best stands last.

Orders of owner 0 are the background market's: nobody tells them apart, so those that stand next to each other in a queue are one. Every change of a
price's whole size has an update number, and every trade a trade number, kept in rings that readers follow at their own pace.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.market.book import place_of

BUY, SELL = 0, 1  # a side; orders to buy rest among the bids, orders to sell among the asks
NONE = -1  # no order
FILLS = 3  # that a resting order can bring: its own, that of who takes it, and its expiry where it has nothing left to reduce


class QueueRow(Struct, frozen=True):
    """Where a book stands: prices of each side, orders (`own` of them not the background's), first free slot, newest update, trade and sweep."""

    bids: int
    asks: int
    resting: int
    own: int
    free: int
    update: int
    trade: int
    sweep: int
    last_ticks: int  # of the newest trade, 0 before the first


class Queued(Struct, frozen=True):
    """An order in its queue: `lots` are what is left of it, `ahead` and `behind` its neighbours' slots.

    One that only `reduces` fills no more than takes its owner's position to nothing, and is over once there is none.
    """

    order: int
    owner: int
    side: int
    ticks: int
    lots: int
    reduces: int
    ahead: int
    behind: int


class Changed(Struct, frozen=True):
    """A price whose size is `lots` since update `update` (0: gone)."""

    update: int
    side: int
    ticks: int
    lots: int


class Traded(Struct, frozen=True):
    """One match. `is_sold` is 1 where the seller came last (the buyer was the maker); all matches of one incoming order have one `sweep`."""

    trade: int
    at_ns: int
    ticks: int
    lots: int
    is_sold: int
    sweep: int
    buyer: int  # order numbers, 0 of the background
    seller: int


class Filled(Struct, frozen=True):
    """What happened to an order that is not the background's: `lots` done at `ticks`, `left` of it; `trade` 0 where it only expired."""

    owner: int
    order: int
    ticks: int
    lots: int
    left: int
    is_maker: int
    trade: int
    at_ns: int


class Result(Struct, frozen=True):
    """What became of the newest order: lots filled and left, its slot where it rests (else NONE), and how many rows `fills` has."""

    filled: int
    left: int
    slot: int
    fills: int


class Queues(NamedTuple):
    """Books of S instruments with room for D prices a side and N orders, rings of C changes and T trades, F fills of one call, and O owners,
    the background among them."""

    row: Any  # (S,) QueueRow
    prices: Any  # (S, 2, D, 4) int64 of ticks, lots, first and last slot; the best price last
    orders: Any  # (S, N) Queued
    changes: Any  # (S, C) Changed, the one of update u at u % C
    trades: Any  # (S, T) Traded, likewise
    fills: Any  # (F,) Filled
    result: Any  # (1,) Result
    held: Any  # (S, O) int64 lots that each owner has bought less sold; those of owner 0, the background, are counted too
    foreseen: Any  # (O,) int64 a row of `held` as it would be, while what an order would get is walked over


def empty_queues(count: int, *, prices: int = 2_048, orders: int = 8_192, changes: int = 16_384, trades: int = 4_096, owners: int = 64) -> Queues:
    """Books without orders."""
    made = Queues(
        rows(QueueRow, count),
        np.zeros((count, 2, prices, 4), np.int64),
        np.stack([rows(Queued, orders) for _ in range(count)]),
        np.stack([rows(Changed, changes) for _ in range(count)]),
        np.stack([rows(Traded, trades) for _ in range(count)]),
        rows(Filled, FILLS * orders),
        rows(Result, 1),
        np.zeros((count, owners), np.int64),
        np.zeros(owners, np.int64),
    )
    made.orders["behind"] = np.arange(1, orders + 1)
    made.orders["behind"][:, -1] = NONE
    return made


@kernel
def price_count(queues: Any, s: int, side: int) -> int:
    """How many prices a side has."""
    return int(queues.row[s].bids if side == 0 else queues.row[s].asks)


@kernel
def place_at(queues: Any, s: int, side: int, ticks: int) -> int:
    """Where a price stands, or would stand, on a side."""
    return place_of(queues.prices[s, side], price_count(queues, s, side), 1 if side == 0 else -1, ticks)


@kernel
def tell_change(queues: Any, s: int, side: int, ticks: int, lots: int) -> None:
    """A price has another size from here on."""
    row = queues.row[s]
    row.update += 1
    changed = queues.changes[s, row.update % queues.changes.shape[1]]
    changed.update = row.update
    changed.side = side
    changed.ticks = ticks
    changed.lots = lots


@kernel
def tell_trade(queues: Any, s: int, ticks: int, lots: int, is_sold: int, buyer: int, seller: int, at_ns: int) -> None:
    """Something was traded."""
    row = queues.row[s]
    row.trade += 1
    row.last_ticks = ticks
    traded = queues.trades[s, row.trade % queues.trades.shape[1]]
    traded.trade = row.trade
    traded.at_ns = at_ns
    traded.ticks = ticks
    traded.lots = lots
    traded.is_sold = is_sold
    traded.sweep = row.sweep
    traded.buyer = buyer
    traded.seller = seller


@kernel
def tell_fill(queues: Any, owner: int, order: int, ticks: int, lots: int, left: int, is_maker: int, trade: int, at_ns: int) -> None:
    """Something happened to an order that is not the background's."""
    result = queues.result[0]
    filled = queues.fills[result.fills]
    result.fills += 1
    filled.owner = owner
    filled.order = order
    filled.ticks = ticks
    filled.lots = lots
    filled.left = left
    filled.is_maker = is_maker
    filled.trade = trade
    filled.at_ns = at_ns


@kernel
def reducible_of(held: int, side: int) -> int:
    """Lots that an order of a side can take off a position."""
    return int(max(-held, 0) if side == 0 else max(held, 0))


@kernel
def reducible(queues: Any, s: int, owner: int, side: int) -> int:
    """Lots that an order of a side can take off its owner's position."""
    return reducible_of(queues.held[s, owner], side)


@kernel
def drop_price(queues: Any, s: int, side: int, place: int) -> None:
    """A price without orders goes."""
    row = queues.row[s]
    prices = queues.prices[s, side]
    for n in range(place, price_count(queues, s, side) - 1):
        for column in range(4):
            prices[n, column] = prices[n + 1, column]
    if side == 0:
        row.bids -= 1
    else:
        row.asks -= 1


@kernel
def _add_price(queues: Any, s: int, side: int, place: int, ticks: int) -> None:
    """A price without orders comes, before `place`."""
    row = queues.row[s]
    prices = queues.prices[s, side]
    for n in range(price_count(queues, s, side), place, -1):
        for column in range(4):
            prices[n, column] = prices[n - 1, column]
    prices[place, 0] = ticks
    prices[place, 1] = 0
    prices[place, 2] = -1
    prices[place, 3] = -1
    if side == 0:
        row.bids += 1
    else:
        row.asks += 1


@kernel
def has_room(queues: Any, s: int, side: int, ticks: int, owner: int) -> bool:
    """Whether one more order fits, and its price."""
    prices = queues.prices[s, side]
    count = price_count(queues, s, side)
    place = place_at(queues, s, side, ticks)
    is_known = place < count and prices[place, 0] == ticks
    if owner == 0 and is_known and queues.orders[s, prices[place, 3]].owner == 0:
        return True
    return bool(queues.row[s].free >= 0 and (is_known or count < len(prices)))


@kernel
def join(queues: Any, s: int, order: int, owner: int, side: int, ticks: int, lots: int, reduces: int) -> int:
    """Put an order at the end of its price's queue; its slot, that of the neighbour it became one with, or NONE without room."""
    if not has_room(queues, s, side, ticks, owner):
        return -1
    row = queues.row[s]
    prices = queues.prices[s, side]
    place = place_at(queues, s, side, ticks)
    if place >= price_count(queues, s, side) or prices[place, 0] != ticks:
        _add_price(queues, s, side, place, ticks)
    price = prices[place]
    last = price[3]
    price[1] += lots
    tell_change(queues, s, side, ticks, price[1])
    if owner == 0 and last >= 0 and queues.orders[s, last].owner == 0:
        queues.orders[s, last].lots += lots
        return int(last)
    slot = row.free
    queued = queues.orders[s, slot]
    row.free = queued.behind
    queued.order = order
    queued.owner = owner
    queued.side = side
    queued.ticks = ticks
    queued.lots = lots
    queued.reduces = reduces
    queued.ahead = last
    queued.behind = -1
    if last >= 0:
        queues.orders[s, last].behind = slot
    else:
        price[2] = slot
    price[3] = slot
    row.resting += 1
    if owner != 0:
        row.own += 1
    return int(slot)


@kernel
def leave(queues: Any, s: int, slot: int, place: int) -> None:
    """Take an order out of the queue of the price at `place`; the price's size is the caller's to mend."""
    row = queues.row[s]
    queued = queues.orders[s, slot]
    price = queues.prices[s, queued.side, place]
    if queued.ahead >= 0:
        queues.orders[s, queued.ahead].behind = queued.behind
    else:
        price[2] = queued.behind
    if queued.behind >= 0:
        queues.orders[s, queued.behind].ahead = queued.ahead
    else:
        price[3] = queued.ahead
    if queued.owner != 0:
        row.own -= 1
    row.resting -= 1
    queued.order = 0
    queued.lots = 0
    queued.behind = row.free
    row.free = slot


@kernel
def reduce(queues: Any, s: int, slot: int, lots: int) -> int:
    """Take `lots` (all that is left, at most) from an order that rests, which keeps its place; what is left of it."""
    queued = queues.orders[s, slot]
    side = queued.side
    ticks = queued.ticks
    prices = queues.prices[s, side]
    place = place_at(queues, s, side, ticks)
    gone = min(lots, queued.lots)
    left = queued.lots - gone
    queued.lots = left
    prices[place, 1] -= gone
    size = prices[place, 1]
    if left == 0:
        leave(queues, s, slot, place)
    if size == 0:
        drop_price(queues, s, side, place)
    tell_change(queues, s, side, ticks, size)
    return int(left)
