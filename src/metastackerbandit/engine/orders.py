"""Orders leave: the intent is written before it is asked for; cancellations, changed sizes, trailing stops."""

from __future__ import annotations

from typing import Any, NamedTuple

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.domain.rows import MARKET, SENT, STOP
from metastackerbandit.engine.world import AMEND, CANCEL, SUBMIT, WORKING_SLOTS
from metastackerbandit.exits.rules import stop_price

TOO_MANY_ORDERS = 3


class Desk(NamedTuple):
    """What an order of one book needs of the world and of what leaves: a call copies these few rows, where both whole would be 335 words."""

    account: Any  # Account
    seat: Any  # Seat
    limits: Any  # Limits
    working: Any  # (W,) OrderRow
    cursor: Any  # Cursor
    orders: Any  # (O,) OrderRow, to keep
    effects: Any  # (E,) EffectRow, to act on


@inlined
def desk_of(world: Any, out: Any, s: int) -> Any:
    """The rows of book `s`."""
    return Desk(world.account[0], world.seats[s], world.limits[s], world.working[s], out.cursor[0], out.orders, out.effects)


@kernel
def keep_order(desk: Any, order: Any) -> None:
    """Append the order's present state to the journal's rows."""
    cursor = desk.cursor
    desk.orders[cursor.orders] = order
    cursor.orders += 1


@kernel
def place_order(desk: Any, s: int, now_ns: int, decision: int, kind: int, reason: int, lots: int, trigger: int, reduce_only: int, impact: int) -> int:
    """Write the intent of book `s`, then ask for the order to be sent; 0, or TOO_MANY_ORDERS."""
    account, seat = desk.account, desk.seat
    if seat.working >= WORKING_SLOTS:
        return TOO_MANY_ORDERS
    account.orders += 1
    order = desk.working[seat.working]
    seat.working += 1
    if kind == MARKET:
        seat.market_out += 1
    order.order = account.orders
    order.decision = decision
    order.instrument = s
    order.kind = kind
    order.reason = reason
    order.lots = lots
    order.trigger = trigger
    order.reduce_only = reduce_only
    order.sent_ns = now_ns
    order.state = SENT
    order.filled = 0
    order.at_ns = now_ns
    keep_order(desk, order)
    effect = next_effect(desk)
    effect.what = SUBMIT
    effect.instrument = s
    effect.order = order.order
    effect.decision = decision
    effect.kind = kind
    effect.lots = lots
    effect.trigger = trigger
    effect.reduce_only = reduce_only
    effect.impact = impact
    effect.at_ns = now_ns
    return 0


@kernel
def next_effect(desk: Any) -> Any:
    """The row that the next effect goes into."""
    effect = desk.effects[desk.cursor.effects]
    desk.cursor.effects += 1
    return effect


@kernel
def ask_cancel(desk: Any, order: Any, now_ns: int) -> None:
    """Ask for a cancellation; the order stays ours until the venue reports."""
    effect = next_effect(desk)
    effect.what = CANCEL
    effect.instrument = order.instrument
    effect.order = order.order
    effect.at_ns = now_ns


@kernel
def ask_amend(desk: Any, order: Any, lots: int, trigger: int, now_ns: int) -> None:
    """Move a protective order, or change its size."""
    order.lots = lots
    order.trigger = trigger
    order.at_ns = now_ns
    keep_order(desk, order)
    effect = next_effect(desk)
    effect.what = AMEND
    effect.instrument = order.instrument
    effect.order = order.order
    effect.lots = lots
    effect.trigger = trigger
    effect.at_ns = now_ns


@kernel
def pending_lots(working: Any, count: int) -> int:
    """Signed lots of the market orders among the first `count` of one book's working orders (W,)."""
    lots = 0
    for w in range(count):
        order = working[w]
        if order.kind == MARKET:
            left = abs(order.lots) - order.filled
            lots += left if order.lots > 0 else -left
    return lots


@kernel
def cancel_kind(desk: Any, now_ns: int, protective: bool) -> None:
    """Ask to cancel every protective order, or every market order, of the book."""
    for w in range(desk.seat.working):
        order = desk.working[w]
        if (order.kind != MARKET) == protective:
            ask_cancel(desk, order, now_ns)


@kernel
def trail(desk: Any, now_ns: int, close: int) -> None:
    """Follow the best close with the trailing stop; a stop only ever moves in the position's favour."""
    position = desk.seat.position
    distance = desk.limits.exits.trail
    if distance == 0 or position.lots == 0:
        return
    side = 1 if position.lots > 0 else -1
    if side * close <= side * position.best:
        return
    position.best = close
    trigger = stop_price(side, close, distance)
    for w in range(desk.seat.working):
        order = desk.working[w]
        if order.kind == STOP and side * trigger > side * order.trigger:
            ask_amend(desk, order, order.lots, trigger, now_ns)
