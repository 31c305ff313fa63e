"""What clients may ask for: windows on the venue's clock, warnings that become bans, orders that are given back when they are filled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.practice.allowance import Allowance, Limit
from metastackerbandit.practice.replies import WireRefusal
from metastackerbandit.practice.venue_time import VenueTime
from tests.practice.walking import BEGUN_NS, Clock

WEIGHT, RAW = Limit("REQUEST_WEIGHT", "MINUTE", 1, 100), Limit("RAW_REQUESTS", "MINUTE", 5, 400)
SHORT, DAY = Limit("ORDERS", "SECOND", 10, 3), Limit("ORDERS", "DAY", 1, 5)


def allowance(speed: float = 1.0) -> tuple[Allowance, Clock]:
    clock = Clock()
    return Allowance([WEIGHT, SHORT, DAY, RAW], VenueTime(BEGUN_NS // 86_400_000_000_000 * 86_400_000_000_000, speed, clock)), clock


def refused(what) -> WireRefusal:
    with pytest.raises(WireRefusal) as refusal:
        what()
    return refusal.value


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 20)), max_size=40))
def test_no_window_ever_holds_more_than_its_limit(asked: list[tuple[int, float]]) -> None:
    made, clock = allowance()
    passed: dict[int, int] = {}
    for weight, wait in asked:
        clock.turn(wait)
        window = clock.at_ns // WEIGHT.span_ns
        try:
            made.charge("a", weight)
        except WireRefusal:
            assert passed.get(window, 0) + weight > WEIGHT.limit
        else:
            passed[window] = passed.get(window, 0) + weight
            assert made.used(WEIGHT, "a") == passed[window] <= WEIGHT.limit


def test_windows_are_aligned_to_the_venues_clock_and_waits_are_in_wall_seconds() -> None:
    made, clock = allowance(speed=60.0)
    clock.turn(0.75)
    made.charge("a", 100)
    told = refused(lambda: made.charge("a", 1))
    assert (told.http, told.code, told.headers) == (429, -1003, {"Retry-After": "1"})
    assert told.extra["data"]["retryAfter"] % 60_000 == 0
    clock.turn(0.26)
    made.charge("a", 100)


def test_who_does_not_stop_is_banned_and_others_are_not() -> None:
    made, clock = allowance()
    made.charge("a", 100)
    last = [refused(lambda: made.charge("a", 1)) for _ in range(21)][-1]
    assert last.http == 418 and "IP banned until" in last.msg and last.headers == {"Retry-After": "120"}
    made.charge("b", 1)
    clock.turn(119)
    assert refused(lambda: made.charge("a", 1)).http == 418
    clock.turn(1)
    made.charge("a", 1)


def test_raw_requests_are_counted_one_by_one() -> None:
    made, clock = allowance()
    for _ in range(400):
        made.charge("a", 0)
    assert refused(lambda: made.charge("a", 0)).code == -1003
    clock.turn(300)
    made.charge("a", 0)


def test_orders_are_counted_by_account_and_given_back_when_filled() -> None:
    made, clock = allowance()
    for _ in range(3):
        made.charge_orders(1, 1)
    told = refused(lambda: made.charge_orders(1, 1))
    assert (told.http, told.code, told.msg) == (429, -1015, "Too many new orders; current limit is 3 orders per 10 SECOND.")
    made.charge_orders(2, 1)
    made.filled(1)
    made.charge_orders(1, 1)
    assert made.headers("a", 1, orders=True)["X-MBX-ORDER-COUNT-10S"] == "3"
    clock.turn(10)
    made.charge_orders(1, 1)
    told = refused(lambda: made.charge_orders(1, 1))
    assert "per 1 DAY" in told.msg
    assert made.used(SHORT, "1") == 1, "where the day is used up, the short window does not grow"
    assert [(one["interval"], one["count"]) for one in made.counted("a", 1, ["ORDERS"])] == [("SECOND", 1), ("DAY", 5)]


def test_weight_that_was_not_needed_is_given_back() -> None:
    made, _ = allowance()
    made.charge("a", 20)
    made.give_back("a", 15)
    assert made.headers("a") == {"X-MBX-USED-WEIGHT-1M": "5", "X-MBX-USED-WEIGHT": "5"}
    made.give_back("a", 50)
    assert made.used(WEIGHT, "a") == 0
