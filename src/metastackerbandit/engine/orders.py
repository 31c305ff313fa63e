"""Orders leave and come back: intents, cancellations, reports, fills, and the stop and target that follow a position."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.domain.money import muldiv, opposes
from metastackerbandit.domain.rows import (
    FILLED,
    KEEP,
    MARKET,
    ON_STOP,
    ON_TARGET,
    ON_TIME,
    PARTLY_FILLED,
    SENT,
    STOP,
    TARGET,
    TRADE,
)
from metastackerbandit.engine.controls import keep_rests
from metastackerbandit.engine.world import AMEND, CANCEL, SUBMIT, WORKING_SLOTS
from metastackerbandit.execution.ledger import close_part, open_part
from metastackerbandit.execution.lifecycle import advance
from metastackerbandit.exits.rules import stop_price, target_price
from metastackerbandit.risk.rests import count_trip

UNKNOWN_ORDER = 1
ILLEGAL_STEP = 2
TOO_MANY_ORDERS = 3


@kernel
def keep_order(cursor: Any, orders: Any, order: Any) -> None:
    """Append the order's present state to the journal's rows (O,)."""
    orders[cursor.orders] = order
    cursor.orders += 1


@inlined
def send(
    world: Any, out: Any, s: int, now_ns: int, decision: int, kind: int, reason: int, lots: int, trigger: int, reduce_only: int, impact: int
) -> int:
    """place_order, for those who have the world."""
    return place_order(
        world.account[0],
        world.seats[s],
        world.working[s],
        out.cursor[0],
        out.orders,
        out.effects,
        s,
        now_ns,
        decision,
        kind,
        reason,
        lots,
        trigger,
        reduce_only,
        impact,
    )


@kernel
def place_order(
    account: Any,
    seat: Any,
    working: Any,
    cursor: Any,
    orders: Any,
    effects: Any,
    s: int,
    now_ns: int,
    decision: int,
    kind: int,
    reason: int,
    lots: int,
    trigger: int,
    reduce_only: int,
    impact: int,
) -> int:
    """Write the intent among the book's working orders (W,), then ask for the order to be sent."""
    if seat.working >= WORKING_SLOTS:
        return TOO_MANY_ORDERS
    account.orders += 1
    order = working[seat.working]
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
    keep_order(cursor, orders, order)
    effect = effects[cursor.effects]
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
    cursor.effects += 1
    return 0


@kernel
def ask_cancel(cursor: Any, effects: Any, order: Any, now_ns: int) -> None:
    """Ask for a cancellation; the order stays ours until the venue reports."""
    effect = effects[cursor.effects]
    effect.what = CANCEL
    effect.instrument = order.instrument
    effect.order = order.order
    effect.at_ns = now_ns
    cursor.effects += 1


@kernel
def ask_amend(cursor: Any, orders: Any, effects: Any, order: Any, lots: int, trigger: int, now_ns: int) -> None:
    """Move a protective order, or change its size."""
    order.lots = lots
    order.trigger = trigger
    order.at_ns = now_ns
    keep_order(cursor, orders, order)
    effect = effects[cursor.effects]
    effect.what = AMEND
    effect.instrument = order.instrument
    effect.order = order.order
    effect.lots = lots
    effect.trigger = trigger
    effect.at_ns = now_ns
    cursor.effects += 1


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
def cancel_kind(working: Any, count: int, cursor: Any, effects: Any, now_ns: int, protective: bool) -> None:
    """Ask to cancel every protective order, or every market order, among the first `count` of one book's working orders (W,)."""
    for w in range(count):
        order = working[w]
        if (order.kind != MARKET) == protective:
            ask_cancel(cursor, effects, order, now_ns)


@inlined
def on_report(world: Any, out: Any, report: Any) -> int:
    """take_report, for those who have the world."""
    s = report.instrument
    return take_report(
        world.account[0],
        world.seats[s],
        world.limits[s],
        world.working[s],
        world.signals[s, 0],
        world.scratch[0].posting,
        out.cursor[0],
        out.orders,
        out.effects,
        out.fills,
        out.ledger,
        out.trips,
        out.controls,
        report,
    )


@kernel
def take_report(
    account: Any,
    seat: Any,
    limits: Any,
    working: Any,
    word: int,
    posting: Any,
    cursor: Any,
    orders: Any,
    effects: Any,
    fills: Any,
    ledger: Any,
    trips: Any,
    controls: Any,
    report: Any,
) -> int:
    """Take a venue's word on one of a book's working orders (W,); 0, or what is wrong with it.

    It is handed the rows that it writes, not the world: passing all arrays on took most of an order's time. `word` is the rule's signal.
    """
    place = -1
    for w in range(seat.working):
        if working[w].order == report.order:
            place = w
    if place < 0:
        return UNKNOWN_ORDER
    order = working[place]
    state = advance(order.state, report.state, order.filled, abs(report.lots), abs(order.lots))
    if state < 0:
        return ILLEGAL_STEP
    order.state = state
    order.filled += abs(report.lots)
    order.at_ns = report.at_ns
    keep_order(cursor, orders, order)
    number = order.order
    decision = order.decision
    reason = order.reason
    if state >= FILLED:
        if order.kind == MARKET:
            seat.market_out -= 1
        for w in range(place, seat.working - 1):
            working[w] = working[w + 1]
        seat.working -= 1
    if report.lots != 0 and (report.state == FILLED or report.state == PARTLY_FILLED):
        return _take_fill(
            account, seat, limits, working, word, posting, cursor, orders, effects, fills, ledger, trips, controls, report, number, decision, reason
        )
    return 0


@inlined
def _take_fill(
    account: Any,
    seat: Any,
    limits: Any,
    working: Any,
    word: int,
    posting: Any,
    cursor: Any,
    orders: Any,
    effects: Any,
    fills: Any,
    ledger: Any,
    trips: Any,
    controls: Any,
    report: Any,
    number: int,
    decision: int,
    reason: int,
) -> int:
    """Book a fill: the fill row, its postings, a closed trip, and the protection of what is left."""
    s = report.instrument
    position = seat.position
    account.fills += 1
    taken = fills[cursor.fills]
    taken.fill_id = account.fills
    taken.order = number
    taken.decision = decision
    taken.instrument = s
    taken.at_ns = report.at_ns
    taken.reason = reason
    taken.lots = report.lots
    taken.ticks = report.ticks
    taken.reference = report.reference
    taken.fee = report.fee
    taken.slippage = report.slippage
    taken.impact = report.impact
    cursor.fills += 1

    unit = limits.rules.unit
    account.marked -= position.value
    account.gross -= abs(position.value)
    before = position.lots
    size = abs(report.lots)
    closing = min(size, abs(before)) if opposes(before, report.lots) else 0
    opening = size - closing
    fee = report.fee
    if closing > 0:
        part = muldiv(fee, closing, size) if fee >= 0 else -muldiv(-fee, closing, size)
        close_part(position, unit, closing, report.ticks, part, posting)
        _post(account, cursor, ledger, s, report.at_ns, TRADE, account.fills, posting.cash, posting.cost, -posting.realised, posting.fee, 0)
        fee -= part
        if position.lots == 0:
            _end_trip(account, seat, limits, word, cursor, trips, controls, s, report.at_ns, 1 if before > 0 else -1, reason)
    if opening > 0:
        if position.lots == 0:
            position.opened_ns = report.at_ns
            position.decision = decision
            position.entry = report.ticks
            position.best = report.ticks
            position.bars = 0
        open_part(position, unit, opening if report.lots > 0 else -opening, report.ticks, fee, posting)
        _post(account, cursor, ledger, s, report.at_ns, TRADE, account.fills, posting.cash, posting.cost, 0, posting.fee, 0)
    position.mark = report.reference
    position.value = position.lots * position.mark * unit
    account.marked += position.value
    account.gross += abs(position.value)
    return _protect(account, seat, limits, working, cursor, orders, effects, s, report.at_ns, before)


@kernel
def _post(
    account: Any,
    cursor: Any,
    ledger: Any,
    s: int,
    at_ns: int,
    kind: int,
    reference: int,
    cash: int,
    cost: int,
    realised: int,
    fees: int,
    funding: int,
) -> None:
    """Write one posting and move the account's cash by it."""
    account.cash += cash
    account.entries += 1
    entry = ledger[cursor.ledger]
    entry.entry = account.entries
    entry.at_ns = at_ns
    entry.instrument = s
    entry.kind = kind
    entry.reference = reference
    entry.cash = cash
    entry.position = cost
    entry.realised = realised
    entry.fees = fees
    entry.funding = funding
    entry.transfers = 0
    cursor.ledger += 1


@kernel
def pay_funding(world: Any, out: Any, s: int, at_ns: int, payment: int) -> None:
    """Book a settlement: positive `payment` leaves the account."""
    account = world.account[0]
    world.seats[s].position.funding += payment
    _post(account, out.cursor[0], out.ledger, s, at_ns, 2, 0, -payment, 0, 0, 0, payment)


@inlined
def _end_trip(
    account: Any, seat: Any, limits: Any, word: int, cursor: Any, trips: Any, controls: Any, s: int, at_ns: int, side: int, reason: int
) -> None:
    """Write the closed round trip, and begin with an empty one."""
    position = seat.position
    account.trips += 1
    trip = trips[cursor.trips]
    trip.trip = account.trips
    trip.instrument = s
    trip.side = side
    trip.opened_ns = position.opened_ns
    trip.closed_ns = at_ns
    trip.bars = position.bars
    trip.lots = position.most_lots
    trip.entry_value = position.entry_value
    trip.exit_value = position.exit_value
    trip.gross = position.realised
    trip.fees = position.fees
    trip.funding = position.funding
    trip.net = position.realised - position.fees - position.funding
    trip.reason = reason
    trip.decision = position.decision
    cursor.trips += 1
    position.most_lots = 0
    position.entry_value = 0
    position.exit_value = 0
    position.realised = 0
    position.fees = 0
    position.funding = 0
    position.bars = 0
    position.cost = 0
    if count_trip(seat.rests, trip.net, at_ns, limits.rests) != 0:
        keep_rests(cursor, controls, seat, limits, 1, at_ns, s)
    seat.exit_bar = seat.bars_seen
    seat.last_side = side
    is_spent = reason == ON_TIME or ((reason == ON_STOP or reason == ON_TARGET) and (word == side or word == KEEP))
    if limits.hears == 0 and is_spent:
        seat.spent_side = side  # a rule's signal stands until it changes, if it had not before; a prediction is new at every bar


@inlined
def _protect(account: Any, seat: Any, limits: Any, working: Any, cursor: Any, orders: Any, effects: Any, s: int, now_ns: int, before: int) -> int:
    """Keep one stop and one target of the position's size: none when flat, new ones after a turn, resized otherwise."""
    position = seat.position
    exits = limits.exits
    if position.lots == 0 or opposes(before, position.lots):
        cancel_kind(working, seat.working, cursor, effects, now_ns, True)
    if position.lots == 0:
        return 0
    side = 1 if position.lots > 0 else -1
    if before != 0 and not opposes(before, position.lots):
        for w in range(seat.working):
            order = working[w]
            if order.kind != MARKET and order.lots != -position.lots:
                ask_amend(cursor, orders, effects, order, -position.lots, order.trigger, now_ns)
        return 0
    fault = 0
    distance = seat.stop if limits.stop_by_model != 0 else exits.stop
    target = seat.barrier if limits.target_by_model != 0 else exits.target
    if exits.trail > 0 and (distance == 0 or exits.trail < distance):
        distance = exits.trail
    lots, number = -position.lots, position.decision
    if distance > 0:
        price = stop_price(side, position.entry, distance)
        fault = place_order(account, seat, working, cursor, orders, effects, s, now_ns, number, STOP, ON_STOP, lots, price, 1, seat.impact)
    if target > 0 and fault == 0:
        price = target_price(side, position.entry, target)
        fault = place_order(account, seat, working, cursor, orders, effects, s, now_ns, number, TARGET, ON_TARGET, lots, price, 1, 0)
    return fault


@kernel
def trail(world: Any, out: Any, s: int, now_ns: int, close: int) -> None:
    """Follow the best close with the trailing stop; a stop only ever moves in the position's favour."""
    seat = world.seats[s]
    position = seat.position
    distance = world.limits[s].exits.trail
    if distance == 0 or position.lots == 0:
        return
    side = 1 if position.lots > 0 else -1
    if side * close <= side * position.best:
        return
    position.best = close
    trigger = stop_price(side, close, distance)
    for w in range(seat.working):
        order = world.working[s, w]
        if order.kind == STOP and side * trigger > side * order.trigger:
            ask_amend(out.cursor[0], out.orders, out.effects, order, order.lots, trigger, now_ns)
