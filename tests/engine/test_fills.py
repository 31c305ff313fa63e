"""The venue's word comes back to a book: money balances, trips sum up, and a position is protected as long as it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.rows import (
    BY_LOSS_STREAK,
    CANCELLED,
    FILLED,
    FUNDING,
    KEEP,
    ON_OPPOSITE,
    ON_SIGNAL,
    ON_STOP,
    ON_TARGET,
    ON_TIME,
    PARTLY_FILLED,
    REJECTED,
    STOP,
    TARGET,
    TRADE,
    TRIP,
    WORKING,
)
from metastackerbandit.engine.fills import ILLEGAL_STEP, UNKNOWN_ORDER, pay_funding
from metastackerbandit.engine.orders import TOO_MANY_ORDERS
from metastackerbandit.engine.world import AMEND, CANCEL, WORKING_SLOTS
from metastackerbandit.exits.rules import stop_price, target_price
from tests.covering import covers
from tests.engine.desks import PRICE, Place, place

TRADES = st.lists(st.tuples(st.integers(-60, 60).filter(bool), st.integers(PRICE // 2, 2 * PRICE), st.integers(-900, 900)), min_size=1, max_size=25)


@given(trades=TRADES)
def test_money_balances_after_every_fill(trades: list[tuple[int, int, int]]) -> None:
    book = place()
    deposit, unit = int(book.desk.account.cash), int(book.desk.limits.rules.unit)
    held = 0
    for at_ns, (lots, ticks, fee) in enumerate(trades, 2):
        book.trade(lots, ticks, fee, at_ns)
        held += lots
        account, position, ledger = book.desk.account, book.position, book.kept("ledger")
        assert position.lots == held
        assert position.value == held * ticks * unit == account.marked
        assert account.gross == abs(position.value)
        assert account.cash == deposit + sum(int(row.cash) for row in ledger)
        assert ledger["fees"].sum() == sum(one[2] for one in trades[: at_ns - 1])
        for row in ledger:
            assert row.cash + row.position + row.realised + row.fees == 0
        assert list(ledger["entry"]) == list(range(2, len(ledger) + 2))  # the deposit was the first
        assert ledger["position"].sum() == position.cost
    fills = book.kept("fills")
    assert [(row.fill_id, row.order, row.decision, row.lots, row.ticks, row.fee) for row in fills] == [
        (n, n, 7, *trade) for n, trade in enumerate(trades, 1)
    ]
    assert {int(row.kind) for row in book.kept("ledger")} == {TRADE}
    assert set(book.kept("ledger")["reference"]) == set(fills["fill_id"])


@given(trades=TRADES)
def test_trips_run_from_flat_to_flat_and_sum_up_what_was_paid(trades: list[tuple[int, int, int]]) -> None:
    book = place()
    deposit = int(book.desk.account.cash)
    for at_ns, trade in enumerate(trades, 2):
        book.trade(*trade, at_ns=at_ns)
    if book.position.lots != 0:
        book.trade(-int(book.position.lots), at_ns=99, reason=ON_OPPOSITE)
    trips, fills = book.kept("trips"), book.kept("fills")
    assert trips["net"].sum() == book.desk.account.cash - deposit
    assert trips["fees"].sum() == fills["fee"].sum()
    assert (trips["net"] == trips["gross"] - trips["fees"] - trips["funding"]).all()
    held = [0, *fills["lots"].cumsum().tolist()]
    ends = [n for n in range(1, len(held)) if held[n - 1] * held[n] <= 0 and held[n - 1] != 0]
    assert [(row.trip, row.side, row.closed_ns) for row in trips] == [
        (n, 1 if held[end - 1] > 0 else -1, fills[end - 1].at_ns) for n, end in enumerate(ends, 1)
    ]
    begins = [n for n in range(1, len(held)) if held[n - 1] * held[n] <= 0 and held[n] != 0]
    assert list(trips["opened_ns"]) == [fills[begin - 1].at_ns for begin in begins]


def test_a_fill_in_parts_stays_out_until_it_is_whole() -> None:
    book = place()
    order = book.order(50)
    assert book.report(order, WORKING) == 0
    assert book.report(order, PARTLY_FILLED, 20, at_ns=3) == 0
    assert (book.desk.seat.working, book.desk.seat.market_out, book.position.lots) == (1, 1, 20)
    assert book.report(order, PARTLY_FILLED, 30, at_ns=4) == 0
    assert (book.desk.seat.working, book.desk.seat.market_out, book.position.lots) == (0, 0, 50)
    kept = book.kept("orders")
    assert [(row.state, row.filled, row.at_ns) for row in kept[1:]] == [(WORKING, 0, 2), (PARTLY_FILLED, 20, 3), (FILLED, 50, 4)]
    assert book.position.opened_ns == 3 and len(book.kept("trips")) == 0


def test_an_order_that_ends_without_a_fill_leaves_and_the_others_keep_their_order() -> None:
    book = place()
    first, second, third = (book.order(lots) for lots in (1, 2, 3))
    assert book.report(second, REJECTED) == 0
    assert [row.order for row in book.desk.working[:2]] == [first, third]
    assert book.report(first, CANCELLED) == 0
    assert [row.order for row in book.desk.working[:1]] == [third]
    assert (book.desk.seat.working, book.desk.seat.market_out) == (1, 1)
    assert len(book.kept("fills")) == len(book.kept("ledger")) == 0


def test_a_word_on_an_order_that_is_not_ours_or_not_legal_changes_nothing() -> None:
    book = place()
    order = book.order(50)
    before = [array.tobytes() for array in (*book.world, *book.out)]
    assert book.report(order + 1, FILLED, 50) == UNKNOWN_ORDER
    assert book.report(order, FILLED, 51) == ILLEGAL_STEP
    assert book.report(order, FILLED, 0) == ILLEGAL_STEP
    assert [array.tobytes() for array in (*book.world, *book.out)] == before


def protected(side: int, lots: int) -> list[tuple[int, int, int]]:
    """The stop and the target of a position from PRICE, of 1 % and 2 %."""
    return [(STOP, -lots, stop_price(side, PRICE, 1_000_000)), (TARGET, -lots, target_price(side, PRICE, 2_000_000))]


@given(side=st.sampled_from([-1, 1]), first=st.integers(1, 50), more=st.integers(1, 50))
def test_a_position_has_one_stop_and_one_target_of_its_size(side: int, first: int, more: int) -> None:
    book = place(stop_bps=100.0, target_bps=200.0)
    book.trade(side * first)
    assert book.resting() == protected(side, side * first)
    seen = len(book.kept("effects"))
    book.trade(side * more, PRICE + 900)
    assert book.resting() == protected(side, side * (first + more))
    asked = book.kept("effects")[seen + 1 :]
    assert [(row.what, row.order, row.lots) for row in asked] == [(AMEND, number, -side * (first + more)) for number in (2, 3)]
    book.trade(-side * (first + more), at_ns=9)
    asked = book.kept("effects")[-2:]
    assert [(row.what, row.order, row.at_ns) for row in asked] == [(CANCEL, 2, 9), (CANCEL, 3, 9)]


@covers("2.124")
@given(side=st.sampled_from([-1, 1]), kind=st.sampled_from([STOP, TARGET]), parts=st.lists(st.integers(1, 20), min_size=2, max_size=5))
def test_a_protective_order_that_is_filled_in_parts_stays_legal_to_its_end(side: int, kind: int, parts: list[int]) -> None:
    book = place(stop_bps=100.0, target_bps=200.0)
    lots = sum(parts)
    book.trade(side * lots)
    number, other = (2, 3) if kind == STOP else (3, 2)
    assert book.report(number, WORKING) == book.report(other, WORKING) == 0
    for part in parts:
        assert book.report(number, PARTLY_FILLED, -side * part) == 0
        held = book.position.lots
        if held != 0:
            row = next(row for row in book.desk.working if row.order == number)
            assert row.lots == -side * lots and abs(row.lots) - row.filled == abs(held), "its own size stays"
            assert next(row for row in book.desk.working if row.order == other).lots == -held, "the other one's follows the position"
    assert book.position.lots == 0 and number not in [row.order for row in book.desk.working[: book.desk.seat.working]]
    assert [row.order for row in book.kept("effects") if row.what == AMEND] == [other] * (len(parts) - 1)


@given(side=st.sampled_from([-1, 1]))
def test_a_turned_position_gets_its_own_protection_and_the_old_one_is_called_back(side: int) -> None:
    book = place(stop_bps=100.0, target_bps=200.0)
    book.trade(side * 10)
    book.trade(-side * 25, at_ns=9)
    assert book.resting() == protected(side, side * 10) + protected(-side, -side * 15)
    asked = book.kept("effects")[-4:]
    assert [(row.what, row.order) for row in asked[:2]] == [(CANCEL, 2), (CANCEL, 3)]
    assert (book.position.opened_ns, book.position.entry, book.position.bars) == (9, PRICE, 0)
    assert len(book.kept("trips")) == 1


def test_a_nearer_trail_takes_the_stop_s_place_and_a_stop_alone_has_no_target() -> None:
    for stop, trail, distance in ((100.0, 50.0, 500_000), (50.0, 100.0, 500_000), (0.0, 50.0, 500_000)):
        book = place(stop_bps=stop, trail_bps=trail)
        book.trade(10)
        assert book.resting() == [(STOP, -10, stop_price(1, PRICE, distance))]
    bare = place(target_bps=200.0)
    bare.trade(10)
    assert bare.resting() == protected(1, 10)[1:]


def test_distances_of_the_model_and_the_impact_of_the_entry_go_with_the_stop() -> None:
    book = place(stop_bps=100.0, target_bps=200.0)
    book.desk.limits.stop_by_model, book.desk.limits.target_by_model = 1, 1
    book.desk.seat.stop, book.desk.seat.barrier, book.desk.seat.impact = 300_000, 700_000, 55
    book.trade(10)
    assert book.resting() == [(STOP, -10, stop_price(1, PRICE, 300_000)), (TARGET, -10, target_price(1, PRICE, 700_000))]
    stop, target = book.kept("effects")[-2:]
    assert (stop.impact, target.impact, stop.reduce_only, target.reduce_only, stop.decision) == (55, 0, 1, 1, 7)


def test_no_room_for_the_protection_is_a_fault() -> None:
    book = place(stop_bps=100.0, target_bps=200.0)
    orders = [book.order(1) for _ in range(WORKING_SLOTS)]
    assert book.report(orders[0], FILLED, 1) == TOO_MANY_ORDERS


def spent(book: Place, reason: int, word: int) -> int:
    """The side whose signal is used up after a long that ended for this reason while the rule said `word`."""
    book.trade(10)
    book.world.signals[0, 0] = word
    book.trade(-10, reason=reason)
    return int(book.desk.seat.spent_side)


def test_a_protective_exit_uses_up_the_signal_that_still_stands() -> None:
    for reason in (ON_STOP, ON_TARGET):
        assert [spent(place(), reason, word) for word in (1, KEEP, 0, -1)] == [1, 1, 0, 0]
    assert [spent(place(), ON_TIME, word) for word in (1, KEEP, 0, -1)] == [1, 1, 1, 1]
    assert [spent(place(), ON_SIGNAL, word) for word in (1, KEEP, 0, -1)] == [0, 0, 0, 0]
    heard = place()
    heard.desk.limits.hears = 1
    assert spent(heard, ON_STOP, 1) == 0


def test_an_exit_is_remembered() -> None:
    book = place()
    book.desk.seat.bars_seen = 12
    book.trade(-10, fee=3)
    book.position.bars = 4
    book.trade(10, PRICE - 100, fee=5, at_ns=8, reason=ON_TIME)
    unit = int(book.desk.limits.rules.unit)
    (trip,) = book.kept("trips")
    assert (trip.side, trip.lots, trip.bars, trip.reason, trip.decision, trip.opened_ns, trip.closed_ns) == (-1, 10, 4, ON_TIME, 7, 2, 8)
    assert (trip.entry_value, trip.exit_value, trip.gross) == (10 * PRICE * unit, 10 * (PRICE - 100) * unit, 1_000 * unit)
    assert (trip.fees, trip.funding, trip.net) == (8, 0, 1_000 * unit - 8)
    assert (book.desk.seat.exit_bar, book.desk.seat.last_side) == (12, -1)
    position = book.position
    rest = (position.cost, position.most_lots, position.entry_value, position.exit_value, position.realised, position.fees, position.bars)
    assert rest == (0,) * 7


def test_losses_in_a_row_rest_the_book() -> None:
    book = place()
    book.desk.limits.rests.streak = 2
    for n in range(2):
        book.trade(10, PRICE, at_ns=2 * n + 2)
        book.trade(-10, PRICE - 50, at_ns=2 * n + 3)
        assert len(book.kept("controls")) == n
    (tripped,) = book.kept("controls")
    assert (tripped.kind, tripped.cause, tripped.at_ns) == (TRIP, BY_LOSS_STREAK, 5)


def test_funding_leaves_the_account_and_belongs_to_the_trip() -> None:
    book = place()
    book.trade(10)
    cash = int(book.desk.account.cash)
    pay_funding(book.world, book.out, 0, 6, 40)
    pay_funding(book.world, book.out, 0, 7, -15)
    assert book.desk.account.cash == cash - 25
    assert [(row.kind, row.at_ns, row.cash, row.funding, row.reference) for row in book.kept("ledger")[-2:]] == [
        (FUNDING, 6, -40, 40, 0),
        (FUNDING, 7, 15, -15, 0),
    ]
    book.trade(-10)
    (trip,) = book.kept("trips")
    assert (trip.funding, trip.net) == (25, -25)
    assert book.position.funding == 0
