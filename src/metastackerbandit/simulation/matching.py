"""Matching by price and time: an order takes the best prices first, and at one price those who came first; what is left of it may rest."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.simulation.queues import (
    drop_price,
    has_room,
    join,
    leave,
    price_count,
    reduce,
    reducible,
    reducible_of,
    tell_change,
    tell_fill,
    tell_trade,
)

# What is left of an order rests (GTC); goes (IOC); nothing unless all of it at once (FOK); it rests whole, or not at all (post-only).
RESTS, TAKES, WHOLE, MAKES = 0, 1, 2, 3
GUARD_NONE, GUARD_TAKER, GUARD_MAKER, GUARD_BOTH = 0, 1, 2, 3  # who expires before an owner trades with himself
NO_ROOM, WOULD_TAKE, NOT_ENOUGH = 1, 2, 3  # why an order is refused; 0: it is not


@kernel
def reached(queues: Any, s: int, owner: int, side: int, ticks: int, lots: int, guard: int, most: int) -> tuple[int, int]:
    """Lots and turnover that an order of this owner would get now, before its guard ends it.

    Up to `lots`, within its limit `ticks` (0: any price), and up to `most` ticks times lots (0: no bound).
    """
    other = 1 - side
    sign = 1 if side == 0 else -1
    prices = queues.prices[s, other]
    has_own = queues.row[s].own > 0
    if has_own:
        for k in range(len(queues.foreseen)):
            queues.foreseen[k] = queues.held[s, k]
    found = 0
    turnover = 0
    is_over = False
    n = price_count(queues, s, other) - 1
    while n >= 0 and not is_over and (ticks == 0 or sign * prices[n, 0] <= sign * ticks):
        wanted = lots - found
        if most > 0:
            wanted = min(wanted, (most - turnover) // prices[n, 0])
        if wanted <= 0:
            break
        more = min(wanted, prices[n, 1])
        if has_own:
            more, is_over = _met(queues, s, prices[n, 2], owner, side, wanted, guard)
        found += more
        turnover += more * prices[n, 0]
        n -= 1
    return found, turnover


@kernel
def _met(queues: Any, s: int, first: int, owner: int, side: int, lots: int, guard: int) -> tuple[int, bool]:
    """Lots that an order would get of one price's queue, which begins in slot `first`, and whether its guard ends it there."""
    left = lots
    slot = first
    while slot >= 0 and left > 0:
        maker = queues.orders[s, slot]
        if guard != 0 and owner != 0 and maker.owner == owner:
            if guard != 2:
                return lots - left, True
        else:
            matched = min(left, maker.lots)
            if maker.reduces != 0:
                matched = min(matched, reducible_of(queues.foreseen[maker.owner], 1 - side))
            signed = matched if side == 0 else -matched
            queues.foreseen[owner] += signed
            queues.foreseen[maker.owner] -= signed
            left -= matched
        slot = maker.behind
    return lots - left, False


@kernel
def _trade(queues: Any, s: int, slot: int, order: int, owner: int, side: int, lots: int, left: int, at_ns: int) -> None:
    """One match of an incoming order (`left` of it afterwards) with a resting one; the price's size is the caller's to mend."""
    maker = queues.orders[s, slot]
    buyer, seller = (order, maker.order) if side == 0 else (maker.order, order)
    tell_trade(queues, s, maker.ticks, lots, side, buyer, seller, at_ns)
    trade = queues.row[s].trade
    maker.lots -= lots
    signed = lots if side == 0 else -lots
    queues.held[s, owner] += signed
    queues.held[s, maker.owner] -= signed
    if maker.owner != 0:
        tell_fill(queues, maker.owner, maker.order, maker.ticks, lots, maker.lots, 1, trade, at_ns)
    if owner != 0:
        tell_fill(queues, owner, order, maker.ticks, lots, left, 0, trade, at_ns)


@kernel
def meet(queues: Any, s: int, slot: int, place: int, order: int, owner: int, side: int, left: int, at_ns: int) -> int:
    """Match an incoming order, `left` of it, with the one in a slot of the price at `place`, which leaves once nothing more can come of it; lots."""
    maker = queues.orders[s, slot]
    other = 1 - side
    price = queues.prices[s, other, place]
    matched = min(left, maker.lots)
    if maker.reduces != 0:
        matched = min(matched, reducible(queues, s, maker.owner, other))
    if matched > 0:
        price[1] -= matched
        _trade(queues, s, slot, order, owner, side, matched, left - matched, at_ns)
    if maker.lots > 0 and maker.reduces != 0 and reducible(queues, s, maker.owner, other) == 0:
        price[1] -= maker.lots
        tell_fill(queues, maker.owner, maker.order, maker.ticks, 0, maker.lots, 1, 0, at_ns)
        leave(queues, s, slot, place)
    elif maker.lots == 0:
        leave(queues, s, slot, place)
    return int(matched)


@kernel
def take(queues: Any, s: int, order: int, owner: int, side: int, ticks: int, lots: int, guard: int, is_recorded: int, at_ns: int) -> int:
    """Match an incoming order with what rests; what is left of it, below zero where it expired against its owner's own.

    A recorded level (`is_recorded`) meets only orders that are not the background's: what it passes of the background's was taken or withdrawn.
    """
    other = 1 - side
    sign = 1 if side == 0 else -1
    prices = queues.prices[s, other]
    left = lots
    expired = False
    while left > 0 and not expired:
        count = price_count(queues, s, other)
        if count == 0:
            break
        place = count - 1
        price = prices[place]
        at = price[0]
        if ticks != 0 and sign * at > sign * ticks:
            break
        slot = price[2]
        while slot >= 0 and left > 0:
            maker = queues.orders[s, slot]
            behind = maker.behind
            if guard != 0 and owner != 0 and maker.owner == owner:
                if guard != 1:  # the maker goes
                    price[1] -= maker.lots
                    tell_fill(queues, owner, maker.order, at, 0, maker.lots, 1, 0, at_ns)
                    leave(queues, s, slot, place)
                if guard != 2:  # the taker goes
                    expired = True
                    break
            elif is_recorded != 0 and maker.owner == 0:
                price[1] -= maker.lots
                leave(queues, s, slot, place)
            else:
                left -= meet(queues, s, slot, place, order, owner, side, left, at_ns)
            slot = behind
        size = price[1]
        if size == 0:
            drop_price(queues, s, other, place)
        tell_change(queues, s, other, at, size)
    return -left - 1 if expired else left


@kernel
def _begin(queues: Any, lots: int) -> None:
    """A new order: nothing has become of it."""
    result = queues.result[0]
    result.filled = 0
    result.left = lots
    result.slot = -1


@kernel
def come(queues: Any, s: int, order: int, owner: int, side: int, ticks: int, lots: int, mode: int, guard: int, reduces: int, at_ns: int) -> int:
    """As `enter`, for kernels that bring several orders and read all fills together."""
    _begin(queues, lots)
    if mode == 3 and reached(queues, s, 0, side, ticks, 1, 0, 0)[0] > 0:
        return 2
    if mode == 2 and reached(queues, s, owner, side, ticks, lots, guard, 0)[0] < lots:
        return 3
    if (mode == 0 or mode == 3) and not has_room(queues, s, side, ticks, owner):
        return 1
    queues.row[s].sweep += 1
    left = take(queues, s, order, owner, side, ticks, lots, guard, 0, at_ns)
    result = queues.result[0]
    expired = left < 0
    if expired:
        left = -left - 1
    result.left = left
    result.filled = lots - left
    if left > 0 and not expired and (mode == 0 or mode == 3):
        result.slot = join(queues, s, order, owner, side, ticks, left, reduces)
    return 0


@kernel
def enter(queues: Any, s: int, order: int, owner: int, side: int, ticks: int, lots: int, mode: int, guard: int, reduces: int, at_ns: int) -> int:
    """Bring an order to instrument `s`'s book: 0, or why it is refused whole (NO_ROOM, WOULD_TAKE, NOT_ENOUGH).

    `ticks` is its limit (0: any price, with TAKES or WHOLE), `mode` RESTS, TAKES, WHOLE or MAKES, `guard` who expires where it would meet an order
    of its own owner, `reduces` 1 for one that only reduces while it rests (as it comes its lots are the caller's to cut). `queues.result` has what
    became of it, `queues.fills` all that happened to orders which are not the background's; a guard's expiry of the incoming order shows in `left`
    without a slot.
    """
    queues.result[0].fills = 0
    return come(queues, s, order, owner, side, ticks, lots, mode, guard, reduces, at_ns)


@kernel
def withdraw(queues: Any, s: int, slot: int, lots: int) -> int:
    """Take `lots` from the order that rests in a slot, which keeps its place in the queue; what is left of it."""
    return reduce(queues, s, slot, lots)


@kernel
def best_of(queues: Any, s: int, side: int) -> int:
    """The best price of a side in ticks, 0 for none."""
    count = price_count(queues, s, side)
    return int(queues.prices[s, side, count - 1, 0]) if count > 0 else 0
