"""An order while a venue has it: any story of words, fills and answers gives the engine a legal one, each fill once, and an end at the end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, MARKET, PARTLY_FILLED, REJECTED, SENT, STOP, WORKING
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.legs import OVER, PLANNED, SENDING, THERE, UNSURE, Leg, Terms
from metastackerbandit.execution.lifecycle import advance
from tests.covering import covers

TERMS = Terms(retry_ns=10, settle_ns=100, stale_ns=1_000, fills_ns=20, resends=1, cancels_first=False)
FIRST = Terms(retry_ns=10, settle_ns=100, stale_ns=1_000, fills_ns=20, resends=1, cancels_first=True)


def held(kind: int = MARKET, lots: int = 10, price: int = 0, *, reduces: bool = False, amends: bool = False, state: int = SENDING) -> HeldOrder:
    """An order whose first leg stands in `state`."""
    made = HeldOrder(0, 1, 7, kind, -1, lots, price, reduces, born_ns=0)
    made.legs.append(Leg("a", lots, price, (lots, price), False, amends, state=state))
    return made


def states(reports: list[OrderReport]) -> list[int]:
    return [one.state for one in reports]


stories = st.lists(
    st.one_of(
        st.tuples(st.just("word"), st.sampled_from([None, "new", "partly_filled", "filled", "canceled", "expired", "rejected"]), st.integers(0, 12)),
        st.tuples(st.just("fill"), st.sampled_from("abcdef"), st.integers(1, 6)),
        st.tuples(st.just("sent"), st.sampled_from(["done", "rejected", "unknown", "duplicate", "too_fast", "gone", "key_refused"]), st.just(0)),
        st.tuples(st.just("missing"), st.integers(0, 300), st.just(0)),
        st.tuples(st.just("cancel"), st.just(0), st.just(0)),
        st.tuples(st.just("amend"), st.integers(1, 12), st.integers(1, 9)),
        st.tuples(st.just("leg"), st.just(0), st.just(0)),
        st.tuples(st.just("give_up"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@covers("2.122", "2.124")
@given(stories, st.sampled_from([TERMS, FIRST]), st.sampled_from([MARKET, STOP]))
@settings(max_examples=400)
def test_any_story_is_a_legal_life_and_each_fill_is_told_once(story: list[Any], terms: Terms, kind: int) -> None:
    one = held(kind, price=0 if kind == MARKET else 5)
    state, filled, lots, fills = SENT, 0, 10, dict[str, int]()
    for n, (what, first, second) in enumerate(story):
        leg, now_ns, told = one.legs[-1], n * 20, []
        match what:
            case "word":
                leg.hear(first, second, "7", "", now_ns)
                told = one.hear(now_ns)
            case "fill":
                told = one.fill(leg, first, second, 500, 3, now_ns)
                fills.setdefault(first, second)
            case "sent":
                told = one.sent(leg, first, now_ns, terms)
            case "missing":
                told = one.not_found(leg, first, now_ns, terms)
            case "cancel":
                told = one.cancel(now_ns)
            case "amend" if state < FILLED:
                lots = max(first, filled + 1)
                one.amend(lots, second)
            case "leg" if one.wants_leg(terms):
                one.legs.append(Leg(f"leg{n}", one.left, one.price, (one.lots, one.price), False, False, state=SENDING))
            case "give_up" if leg.state == PLANNED:
                told = one.give_up(leg, now_ns)
        for report in told:
            assert report.lots <= 0 and (report.lots == 0 or report.ticks == report.reference == 500)
            state = advance(state, report.state, filled, -report.lots, lots)
            assert state >= 0, (what, report)
            filled -= report.lots
        assert filled + one.unbooked == sum(fills.values()) and filled == one.filled <= lots
        assert state == one.state
        step = one.next_step(now_ns, terms)
        if state >= FILLED and step is not None:
            assert step.what in ("find", "cancel", "fills"), "nothing is sent for an order that has ended"


@covers("2.125")
def test_an_outcome_that_is_unknown_is_asked_for_and_resent_only_after_the_settle_window() -> None:
    one = held()
    leg = one.legs[0]
    leg.sent_ns = 50
    assert one.sent(leg, "unknown", 60, TERMS) == [] and leg.state == UNSURE
    step = one.next_step(60, TERMS)
    assert step is not None and (step.what, step.at_ns) == ("find", 60)
    assert one.not_found(leg, 149, 155, TERMS) == [] and leg.state == UNSURE and leg.due_ns == 156
    assert one.not_found(leg, 150, 155, TERMS) == [] and (leg.state, leg.resent) == (PLANNED, 1)
    leg.state, leg.sent_ns = SENDING, 160
    one.sent(leg, "unknown", 170, TERMS)
    assert states(one.not_found(leg, 260, 261, TERMS)) == [REJECTED] and leg.is_given_up and one.is_done


def test_what_was_known_there_and_is_not_any_more_was_cancelled() -> None:
    one = held(state=THERE)
    one.legs[0].order_id = "7"
    one.state = WORKING
    one.legs[0].doubt(500)
    assert states(one.not_found(one.legs[0], 500, 505, TERMS)) == [CANCELLED]


def test_a_missing_order_is_not_resent_when_nobody_wants_it_or_its_price_is_gone() -> None:
    unwanted = held(state=UNSURE)
    unwanted.is_leaving = True
    assert states(unwanted.not_found(unwanted.legs[0], 200, 200, TERMS)) == [REJECTED]
    stale = held(state=UNSURE)
    assert states(stale.not_found(stale.legs[0], 2_000, 2_000, TERMS)) == [REJECTED]
    reduction = held(state=UNSURE, reduces=True)
    assert reduction.not_found(reduction.legs[0], 2_000, 2_000, TERMS) == [] and reduction.legs[0].state == PLANNED


def test_new_risk_that_waits_too_long_is_given_up_and_a_reduction_is_not() -> None:
    for reduces, what in ((False, "give_up"), (True, "send")):
        one = held(state=PLANNED, reduces=reduces)
        step = one.next_step(1_001, TERMS)
        assert step is not None and step.what == what
        step = one.next_step(1_000, TERMS)
        assert step is not None and step.what == "send"


def test_an_end_waits_for_fills_that_were_not_told_and_asks_for_them() -> None:
    one = held(state=THERE)
    one.legs[0].hear("canceled", 4, "7", "", 30)
    assert states(one.hear(30)) == [] and one.state == SENT
    step = one.next_step(31, TERMS)
    assert step is not None and (step.what, step.at_ns) == ("fills", 50)
    assert states(one.fill(one.legs[0], "t1", 3, 500, 1, 40)) == [PARTLY_FILLED]
    told = one.fill(one.legs[0], "t2", 1, 500, 1, 41)
    assert states(told) == [PARTLY_FILLED, CANCELLED] and one.is_done


def test_a_fill_before_the_answer_needs_no_word_of_working() -> None:
    one = held()
    assert states(one.fill(one.legs[0], "t", 10, 500, 1, 5)) == [FILLED]
    assert one.sent(one.legs[0], "unknown", 6, TERMS) == [] and one.is_done


def test_what_the_engine_cannot_take_any_more_is_kept_apart() -> None:
    one = held()
    told = one.fill(one.legs[0], "t", 12, 500, 1, 5)
    assert states(told) == [FILLED] and told[0].lots == -10 and one.unbooked == 2
    assert one.fill(one.legs[0], "late", 1, 500, 1, 6) == [] and one.unbooked == 3


@pytest.mark.parametrize("meaning", ["skew", "too_fast", "banned", "down"])
def test_what_was_not_done_is_sent_again_later(meaning: Any) -> None:
    one = held()
    assert one.sent(one.legs[0], meaning, 60, TERMS) == [] and (one.legs[0].state, one.legs[0].due_ns) == (PLANNED, 70)
    assert states(one.cancel(65)) == [CANCELLED], "and one that is not wanted meanwhile never leaves"


@pytest.mark.parametrize("meaning", ["rejected", "key_refused", "gone"])
def test_a_refusal_is_an_end(meaning: Any) -> None:
    one = held()
    assert states(one.sent(one.legs[0], meaning, 60, TERMS)) == [REJECTED]


@covers("2.124")
def test_protection_never_lapses_where_the_position_bounds_it() -> None:
    one = held(STOP, price=90, reduces=True, state=THERE)
    one.state = WORKING
    one.amend(10, 95)
    assert one.wants_leg(TERMS)
    one.legs.append(Leg("b", 10, 95, (10, 95), False, False))
    old, new = one.legs
    assert not one.wants_leg(TERMS) and [step.leg for step in [one.next_step(5, TERMS)] if step] == [new] and old.state == THERE
    new.state = THERE
    step = one.next_step(5, TERMS)
    assert step is not None and (step.what, step.leg) == ("cancel", old)
    old.hear("canceled", 0, "7", "", 6)
    assert one.hear(6) == [] and one.next_step(7, TERMS) is None


def test_where_both_could_be_filled_the_old_one_is_gone_first() -> None:
    one = held(STOP, price=90, reduces=True, state=THERE)
    one.state = WORKING
    one.amend(10, 95)
    assert not one.wants_leg(FIRST)
    step = one.next_step(5, FIRST)
    assert step is not None and step.what == "cancel"
    one.legs[0].hear("canceled", 3, "7", "", 6)
    assert one.hear(6) == [] and not one.wants_leg(FIRST), "a fill of the old one is not counted yet"
    assert states(one.fill(one.legs[0], "t", 3, 500, 1, 7)) == [PARTLY_FILLED]
    assert one.wants_leg(FIRST) and one.left == 7


@covers("2.124")
def test_protection_that_was_cancelled_to_make_room_is_put_back_even_if_it_is_wanted_as_it_was() -> None:
    one = held(STOP, price=90, reduces=True, state=THERE)
    one.state = WORKING
    one.amend(10, 95)
    step = one.next_step(5, FIRST)
    assert step is not None and step.what == "cancel"
    one.amend(10, 90)
    assert not one.wants_leg(FIRST), "while its cancellation is under way"
    one.legs[0].hear("canceled", 0, "7", "", 6)
    assert one.hear(6) == [] and one.wants_leg(FIRST)


def test_an_amendment_that_is_refused_leaves_the_former_order() -> None:
    one = held(STOP, price=90, reduces=True, state=THERE)
    one.state = WORKING
    one.amend(10, 95)
    one.legs.append(Leg("b", 10, 95, (10, 95), False, False, state=SENDING))
    assert one.sent(one.legs[1], "rejected", 5, TERMS) == []
    assert not one.wants_leg(TERMS) and one.next_step(6, TERMS) is None and one.legs[0].state == THERE
    one.amend(10, 96)
    assert one.wants_leg(TERMS)
    locked = held(STOP, price=90, reduces=True, state=OVER)
    locked.state, locked.legs[0].ended, locked.legs[0].is_leaving = WORKING, CANCELLED, True
    locked.amend(10, 95)
    assert locked.hear(5) == [] and locked.wants_leg(FIRST)
    locked.legs.append(Leg("b", 10, 95, (10, 95), False, False, state=SENDING))
    assert states(locked.sent(locked.legs[1], "rejected", 6, FIRST)) == [CANCELLED], "nothing is left, and the engine must know"


def test_a_limit_order_is_amended_in_place() -> None:
    one = held(STOP, price=90, reduces=True, amends=True, state=THERE)
    one.state = WORKING
    leg = one.legs[0]
    one.fill(leg, "t", 2, 500, 1, 3)
    one.amend(8, 95)
    for terms in (TERMS, FIRST):
        step = one.next_step(5, terms)
        assert step is not None and step.what == "amend" and not one.wants_leg(terms) and one.size_of(leg) == 8
    one.amended(leg, (8, 95), 8, "too_fast", 5, TERMS)
    assert leg.due_ns == 15
    one.amended(leg, (8, 95), 8, "unknown", 6, TERMS)
    assert leg.state == UNSURE
    leg.hear("new", 2, "7", "", 7, is_answer=True)
    one.found(leg, 10, 90, 7, TERMS)
    step = one.next_step(30, TERMS)
    assert step is not None and step.what == "amend", "it was not amended"
    one.found(leg, 8, 95, 8, TERMS)
    assert one.next_step(30, TERMS) is None
    one.amend(9, 99)
    one.amended(leg, (9, 99), 9, "rejected", 9, TERMS)
    assert one.next_step(30, TERMS) is None and one.refused == (9, 99)
    one.amend(7, 91)
    one.amended(leg, (7, 91), 7, "nothing_to_change", 9, TERMS)
    assert (leg.lots, leg.price) == (7, 91) and one.next_step(30, TERMS) is None


def test_a_cancellation_whose_answer_says_nothing_is_asked_for() -> None:
    for meaning, state, due in (("done", UNSURE, 5), ("gone", UNSURE, 5), ("unknown", UNSURE, 15), ("too_fast", THERE, 15), ("rejected", UNSURE, 15)):
        one = held(STOP, price=90, state=THERE)
        one.cancel(4)
        one.cancelled(one.legs[0], meaning, 5, TERMS)  # type: ignore[arg-type]
        assert (one.legs[0].state, one.legs[0].due_ns) == (state, due)


def test_more_than_nothing_left_is_needed_for_another_leg() -> None:
    one = held(STOP, price=90, reduces=True, state=THERE)
    one.fill(one.legs[0], "t", 4, 500, 1, 3)
    one.amend(4, 95)
    assert one.left == 0 and not one.wants_leg(TERMS)
    step = one.next_step(5, TERMS)
    assert step is not None and step.what == "cancel"
    one.legs[0].hear("canceled", 4, "7", "", 6)
    assert states(one.hear(6)) == [CANCELLED]


def test_an_order_that_was_cut_ends_when_what_was_sent_is_filled() -> None:
    one = held(state=SENDING)
    one.legs[0].lots = 9
    assert states(one.fill(one.legs[0], "t", 9, 500, 1, 3)) == [PARTLY_FILLED, EXPIRED]


def test_an_order_that_was_never_sent_is_cancelled_at_once() -> None:
    one = HeldOrder(0, 1, 7, MARKET, 1, 10, 0, False, born_ns=0)
    assert one.wants_leg(TERMS) and one.next_step(0, TERMS) is None
    assert states(one.cancel(3)) == [CANCELLED] and one.is_done
