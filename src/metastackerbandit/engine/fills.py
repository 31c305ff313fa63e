"""The venue's word comes back: reports, fills and their postings, closed round trips, and the stop and target that follow a position."""

from __future__ import annotations

from typing import Any, NamedTuple

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.domain.money import muldiv, opposes
from metastackerbandit.domain.rows import FILLED, KEEP, MARKET, ON_STOP, ON_TARGET, ON_TIME, PARTLY_FILLED, STOP, TARGET, TRADE
from metastackerbandit.engine.controls import keep_rests
from metastackerbandit.engine.orders import ask_amend, cancel_kind, desk_of, keep_order, place_order
from metastackerbandit.execution.ledger import close_part, open_part
from metastackerbandit.execution.lifecycle import advance
from metastackerbandit.exits.rules import stop_price, target_price
from metastackerbandit.risk.rests import count_trip

UNKNOWN_ORDER = 1
ILLEGAL_STEP = 2


class Books(NamedTuple):
    """Where a fill is written down, and room for its posting."""

    fills: Any  # (F,) FillRow
    ledger: Any  # (L,) LedgerRow
    trips: Any  # (T,) TripRow
    controls: Any  # (C,) ControlRow
    posting: Any  # Posting, scratch


@inlined
def on_report(world: Any, out: Any, report: Any) -> int:
    """Take a venue's word on one of our orders; 0, or what is wrong with it."""
    s = report.instrument
    books = Books(out.fills, out.ledger, out.trips, out.controls, world.scratch[0].posting)
    return take_report(desk_of(world, out, s), books, world.signals[s, 0], report)


@kernel
def take_report(desk: Any, books: Any, word: int, report: Any) -> int:
    """The same for a book whose rule last said `word`."""
    seat, working = desk.seat, desk.working
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
    keep_order(desk, order)
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
        return _take_fill(desk, books, word, report, number, decision, reason)
    return 0


@inlined
def _take_fill(desk: Any, books: Any, word: int, report: Any, number: int, decision: int, reason: int) -> int:
    """Book a fill: the fill row, its postings, a closed trip, and the protection of what is left."""
    account, cursor = desk.account, desk.cursor
    position = desk.seat.position
    account.fills += 1
    taken = books.fills[cursor.fills]
    taken.fill_id = account.fills
    taken.order = number
    taken.decision = decision
    taken.instrument = report.instrument
    taken.at_ns = report.at_ns
    taken.reason = reason
    taken.lots = report.lots
    taken.ticks = report.ticks
    taken.reference = report.reference
    taken.fee = report.fee
    taken.slippage = report.slippage
    taken.impact = report.impact
    cursor.fills += 1

    unit = desk.limits.rules.unit
    account.marked -= position.value
    account.gross -= abs(position.value)
    before = position.lots
    size = abs(report.lots)
    closing = min(size, abs(before)) if opposes(before, report.lots) else 0
    opening = size - closing
    posting = books.posting
    fee = report.fee
    if closing > 0:
        part = muldiv(fee, closing, size) if fee >= 0 else -muldiv(-fee, closing, size)
        close_part(position, unit, closing, report.ticks, part, posting)
        _post_trade(desk, books, report, -posting.realised)
        fee -= part
        if position.lots == 0:
            _end_trip(desk, books, word, report.instrument, report.at_ns, 1 if before > 0 else -1, reason)
    if opening > 0:
        if position.lots == 0:
            position.opened_ns = report.at_ns
            position.decision = decision
            position.entry = report.ticks
            position.best = report.ticks
            position.bars = 0
        open_part(position, unit, opening if report.lots > 0 else -opening, report.ticks, fee, posting)
        _post_trade(desk, books, report, 0)
    position.mark = report.reference
    position.value = position.lots * position.mark * unit
    account.marked += position.value
    account.gross += abs(position.value)
    return _protect(desk, report.instrument, report.at_ns, before)


@inlined
def _post_trade(desk: Any, books: Any, report: Any, realised: int) -> None:
    """Write the posting in the scratch down as one of the account's newest fill."""
    posting, account = books.posting, desk.account
    _post(
        account,
        desk.cursor,
        books.ledger,
        report.instrument,
        report.at_ns,
        TRADE,
        account.fills,
        posting.cash,
        posting.cost,
        realised,
        posting.fee,
        0,
    )


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
def _end_trip(desk: Any, books: Any, word: int, s: int, at_ns: int, side: int, reason: int) -> None:
    """Write the closed round trip, and begin with an empty one."""
    account, seat, limits, cursor = desk.account, desk.seat, desk.limits, desk.cursor
    position = seat.position
    account.trips += 1
    trip = books.trips[cursor.trips]
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
        keep_rests(cursor, books.controls, seat, limits, 1, at_ns, s)
    seat.exit_bar = seat.bars_seen
    seat.last_side = side
    is_spent = reason == ON_TIME or ((reason == ON_STOP or reason == ON_TARGET) and (word == side or word == KEEP))
    if limits.hears == 0 and is_spent:
        seat.spent_side = side  # a rule's signal stands until it changes, if it had not before; a prediction is new at every bar


@inlined
def _protect(desk: Any, s: int, now_ns: int, before: int) -> int:
    """Keep one stop and one target of the position's size: none when flat, new ones after a turn, resized otherwise."""
    seat, limits = desk.seat, desk.limits
    position = seat.position
    exits = limits.exits
    if position.lots == 0 or opposes(before, position.lots):
        cancel_kind(desk, now_ns, True)
    if position.lots == 0:
        return 0
    side = 1 if position.lots > 0 else -1
    if before != 0 and not opposes(before, position.lots):
        for w in range(seat.working):
            order = desk.working[w]
            whole = -position.lots - side * order.filled  # an order's size is that of its whole life, what is filled of it with it
            if order.kind != MARKET and order.lots != whole:
                ask_amend(desk, order, whole, order.trigger, now_ns)
        return 0
    fault = 0
    distance = seat.stop if limits.stop_by_model != 0 else exits.stop
    target = seat.barrier if limits.target_by_model != 0 else exits.target
    if exits.trail > 0 and (distance == 0 or exits.trail < distance):
        distance = exits.trail
    lots, number = -position.lots, position.decision
    if distance > 0:
        price = stop_price(side, position.entry, distance)
        fault = place_order(desk, s, now_ns, number, STOP, ON_STOP, lots, price, 1, seat.impact)
    if target > 0 and fault == 0:
        price = target_price(side, position.entry, target)
        fault = place_order(desk, s, now_ns, number, TARGET, ON_TARGET, lots, price, 1, 0)
    return fault
