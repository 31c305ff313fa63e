"""One order at the venue: what was heard once is not unheard, what is in doubt is settled by an answer, fills are never fewer than counted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, REJECTED
from metastackerbandit.execution.legs import ENDS, OVER, PLANNED, SENDING, THERE, UNSURE, Leg

words = st.tuples(
    st.sampled_from([None, "new", "partly_filled", "filled", "canceled", "partly_canceled", "expired", "rejected"]),
    st.none() | st.integers(0, 10),
    st.sampled_from(["", "7"]),
    st.booleans(),
)


def leg(**changes: Any) -> Leg:
    return Leg("msb-x", 10, 0, (10, 0), False, False, **changes)


@given(st.integers(PLANNED, OVER), st.lists(words | st.integers(1, 4), max_size=12))
def test_an_end_is_final_and_what_is_filled_only_grows(state: int, told: list[Any]) -> None:
    one = leg(state=state, ended=FILLED if state == OVER else 0)
    for word in told:
        before = (one.state, one.ended, one.filled)
        if isinstance(word, int):
            one.count(word)
        else:
            one.hear(word[0], word[1], word[2], "", 5, is_answer=word[3])
        assert one.filled >= max(before[2], one.counted)
        if before[0] == OVER:
            assert one.state == OVER and (one.ended == before[1] or one.counted >= one.lots)
        if before[0] == UNSURE and one.state == THERE:
            assert not isinstance(word, int) and word[3], "only an answer settles a doubt"


@pytest.mark.parametrize("state", [PLANNED, SENDING, THERE])
def test_whoever_is_told_of_is_there(state: int) -> None:
    one = leg(state=state)
    one.hear("new", 0, "7", "", 5)
    assert (one.state, one.order_id) == (THERE, "7")
    other = leg(state=state)
    other.count(3)
    assert (other.state, other.filled, other.is_short) == (THERE, 3, False)


@pytest.mark.parametrize("word", sorted(ENDS))
def test_an_end_in_any_word_is_an_end(word: Any) -> None:
    one = leg(state=UNSURE)
    one.hear(word, 4, "7", "", 5)
    assert (one.state, one.ended, one.is_short, one.short_ns) == (OVER, ENDS[word], True, 5)


def test_a_filled_order_whose_size_is_not_told_is_filled_whole() -> None:
    one = leg(state=THERE)
    one.hear("filled", None, "7", "", 5)
    assert (one.filled, one.is_short, one.ended) == (10, True, FILLED)


def test_an_order_that_waits_lives_on_as_what_it_became() -> None:
    one = Leg("msb-x", 10, 55, (10, 55), True, False, state=SENDING)
    one.hear("new", None, "1", "", 5, is_apart=True)
    one.hear("expired", None, "1", "2", 6, is_apart=True)
    assert (one.state, one.order_id, one.became) == (THERE, "1", "2"), "it was triggered, which is no end"
    one.hear("filled", 4, "2", "", 7)
    assert (one.state, one.ended, one.filled, one.order_id) == (OVER, FILLED, 4, "1")
    other = Leg("msb-y", 10, 55, (10, 55), True, False, state=THERE)
    other.hear("expired", None, "1", "", 5, is_apart=True)
    assert (other.state, other.ended) == (OVER, EXPIRED), "one that ended without becoming anything has ended"


def test_what_was_given_up_and_is_there_after_all_lives_again() -> None:
    for told in ("word", "fill"):
        one = leg(state=OVER, ended=REJECTED, is_given_up=True)
        one.hear("new", 0, "7", "", 5) if told == "word" else one.count(1)
        assert (one.state, one.is_given_up) == (THERE, False)
    ended = leg(state=OVER, ended=REJECTED, is_given_up=True)
    ended.hear("canceled", 0, "7", "", 5)
    assert (ended.state, ended.ended) == (OVER, CANCELLED)


def test_doubt_is_of_what_is_there_or_under_way() -> None:
    for state, after in ((PLANNED, PLANNED), (SENDING, UNSURE), (THERE, UNSURE), (OVER, OVER), (UNSURE, UNSURE)):
        one = leg(state=state)
        one.doubt(9)
        assert one.state == after


def test_what_an_order_was_triggered_into_has_a_settle_window_of_its_own() -> None:
    one = Leg("msb-x", 10, 55, (10, 55), True, False, state=THERE, sent_ns=3)
    one.hear("new", None, "1", "2", 60, is_apart=True)
    assert (one.became, one.sent_ns) == ("2", 60)
    one.hear("new", None, "1", "2", 90, is_apart=True)
    assert one.sent_ns == 60, "it was told before"


def test_an_order_that_may_have_been_amended_to_more_is_not_over_when_what_it_was_is_filled() -> None:
    one = Leg("msb-x", 10, 55, (10, 55), False, True, state=UNSURE)
    one.count(10)
    assert one.state == UNSURE
    one.hear("new", 10, "7", "", 6, is_answer=True)
    assert one.state == THERE
    settled = Leg("msb-x", 10, 55, (10, 55), False, True, state=THERE)
    settled.count(10)
    assert (settled.state, settled.ended) == (OVER, FILLED)
