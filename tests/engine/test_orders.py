"""Orders leave a book: the intent stands in the journal before it is asked for, and every request names what it is about."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.rows import MARKET, ON_STOP, ON_TARGET, SENT, STOP, TARGET
from metastackerbandit.engine.orders import TOO_MANY_ORDERS, cancel_kind, pending_lots, place_order, trail
from metastackerbandit.engine.world import AMEND, CANCEL, SUBMIT, WORKING_SLOTS
from metastackerbandit.exits.rules import stop_price
from tests.engine.desks import PRICE, place


def test_an_intent_is_kept_and_asked_for_with_the_same_words() -> None:
    book = place()
    assert place_order(book.desk, 0, 5, 9, STOP, ON_STOP, -40, PRICE - 10, 1, 123) == 0
    kept, asked = book.kept("orders")[0], book.kept("effects")[0]
    assert (kept.order, kept.decision, kept.instrument, kept.kind, kept.reason) == (1, 9, 0, STOP, ON_STOP)
    assert (kept.lots, kept.trigger, kept.reduce_only, kept.sent_ns, kept.state, kept.filled, kept.at_ns) == (-40, PRICE - 10, 1, 5, SENT, 0, 5)
    assert (asked.what, asked.instrument, asked.order, asked.decision, asked.kind) == (SUBMIT, 0, 1, 9, STOP)
    assert (asked.lots, asked.trigger, asked.reduce_only, asked.impact, asked.at_ns) == (-40, PRICE - 10, 1, 123, 5)
    assert (book.desk.seat.working, book.desk.seat.market_out, book.desk.account.orders) == (1, 0, 1)


@given(lots=st.lists(st.integers(-50, 50).filter(bool), max_size=WORKING_SLOTS))
def test_orders_are_numbered_from_one_and_what_is_pending_is_their_signed_sum(lots: list[int]) -> None:
    book = place()
    assert [book.order(size) for size in lots] == list(range(1, len(lots) + 1))
    assert pending_lots(book.desk.working, book.desk.seat.working) == sum(lots)
    assert book.desk.seat.market_out == len(lots)
    book.desk.working["filled"] = 1  # one lot of each is in the position by now
    assert pending_lots(book.desk.working, book.desk.seat.working) == sum(size - (1 if size > 0 else -1) for size in lots)


def test_protective_orders_are_not_pending() -> None:
    book = place()
    book.order(-40, kind=STOP, reason=ON_STOP, trigger=PRICE)
    assert (pending_lots(book.desk.working, 1), book.desk.seat.market_out) == (0, 0)


def test_a_full_book_refuses_one_more_and_stays_as_it_was() -> None:
    book = place()
    for _ in range(WORKING_SLOTS):
        book.order(1)
    before = [array.tobytes() for array in (*book.world, *book.out)]
    assert place_order(book.desk, 0, 5, 9, MARKET, ON_STOP, 1, 0, 0, 0) == TOO_MANY_ORDERS
    assert [array.tobytes() for array in (*book.world, *book.out)] == before


def test_cancellations_are_of_one_kind_and_orders_stay_until_the_venue_reports() -> None:
    book = place()
    book.order(5)
    book.order(-5, kind=STOP, reason=ON_STOP, trigger=PRICE - 9)
    book.order(-5, kind=TARGET, reason=ON_TARGET, trigger=PRICE + 9)
    for protective, orders in ((True, [2, 3]), (False, [1])):
        seen = len(book.kept("effects"))
        cancel_kind(book.desk, 6, protective)
        asked = book.kept("effects")[seen:]
        assert [(row.what, row.order, row.at_ns) for row in asked] == [(CANCEL, order, 6) for order in orders]
    assert len(book.resting()) == 3


@given(side=st.sampled_from([-1, 1]), closes=st.lists(st.integers(PRICE - 9_000, PRICE + 9_000), min_size=1, max_size=20))
def test_a_trailing_stop_follows_the_best_close_and_never_turns_back(side: int, closes: list[int]) -> None:
    book = place(trail_bps=50.0)
    book.trade(side * 40)
    best = PRICE
    for now_ns, close in enumerate(closes, 3):
        seen = len(book.kept("effects"))
        ((_, _, before),) = book.resting()
        trail(book.desk, now_ns, close)
        best = side * max(side * best, side * close)
        wanted = side * max(side * before, side * stop_price(side, best, 500_000))
        assert book.resting() == [(STOP, -side * 40, wanted)]
        asked = book.kept("effects")[seen:]
        assert [(row.what, row.lots, row.trigger, row.at_ns) for row in asked] == ([(AMEND, -side * 40, wanted, now_ns)] if wanted != before else [])
        assert book.kept("orders")[-1].trigger == wanted
    assert book.position.best == best


def test_nothing_trails_while_flat_or_where_no_distance_is_set() -> None:
    for book in (place(trail_bps=50.0), place(stop_bps=50.0)):
        if book.desk.limits.exits.trail == 0:
            book.trade(40)
        seen = len(book.kept("effects"))
        trail(book.desk, 3, PRICE + 5_000)
        assert len(book.kept("effects")) == seen
        assert book.position.best == (PRICE if book.position.lots else 0)
