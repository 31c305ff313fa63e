"""Breakers: they trip at equality, once, stay tripped whatever the number does, and reset at the UTC day."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.gate import BLOCK, PASS
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.risk.breakers import Breakers, begin_day, broken, climb, floor_of, loss_of, must_watch, watch
from tests.covering import covers

DAILY, WEEKLY, DRAWDOWN = 0.03, 0.06, 0.15
START = 1_000_000
EQUITIES = st.lists(st.integers(1, 2_000_000), min_size=1, max_size=60)


def opened(equity: int = START, now_ns: int = 0) -> Any:
    """Breakers on their first day."""
    breakers = rows(Breakers, 1)[0]
    assert begin_day(breakers, now_ns, equity, DAILY, WEEKLY, DRAWDOWN) == 0
    return breakers


@covers("A16", "2.129")
def test_the_daily_breaker_trips_at_equality_and_not_one_unit_before() -> None:
    breakers = opened()
    assert not must_watch(breakers, 1, 970_001) and watch(breakers, 970_001) == 0
    assert must_watch(breakers, 1, 970_000) and watch(breakers, 970_000) == 1
    assert loss_of(970_000, START) == DAILY


@covers("2.129")
def test_the_drawdown_breaker_trips_at_equality_from_the_peak() -> None:
    breakers = opened()
    climb(breakers, 1_200_000, DRAWDOWN)
    assert breakers.peak == 1_200_000 and breakers.peak_floor == 1_020_000
    assert watch(breakers, 1_020_001) == 0
    assert watch(breakers, 1_020_000) == 2


@covers("2.129")
def test_the_weekly_breaker_trips_at_equality_from_the_weeks_start_and_outlasts_the_day() -> None:
    breakers = opened()
    begin_day(breakers, DAY_NS, 965_000, DAILY, WEEKLY, DRAWDOWN)
    assert watch(breakers, 940_001) == 0
    assert watch(breakers, 940_000) == 4
    assert begin_day(breakers, 2 * DAY_NS, 940_000, DAILY, WEEKLY, DRAWDOWN) == 0 and breakers.weekly_tripped == 1
    assert begin_day(breakers, breakers.next_week_ns, 940_000, DAILY, WEEKLY, DRAWDOWN) == 4 and breakers.weekly_tripped == 0


@covers("A16")
@given(now_ns=st.integers(0, 4 * 10**18))
def test_a_week_ends_at_the_next_monday_midnight_utc(now_ns: int) -> None:
    breakers = opened(now_ns=now_ns)
    assert 0 < breakers.next_week_ns - now_ns <= 7 * DAY_NS
    assert datetime.fromtimestamp(breakers.next_week_ns / 10**9, UTC).strftime("%a %H:%M:%S") == "Mon 00:00:00"


def test_all_three_can_trip_in_one_fall() -> None:
    assert watch(opened(), 100) == 7


@covers("A16")
@given(path=EQUITIES)
def test_each_breaker_trips_at_most_once_a_day_and_stays_so(path: list[int]) -> None:
    breakers = opened()
    seen = 0
    for equity in path:
        climb(breakers, equity, DRAWDOWN)
        tripped = watch(breakers, equity)
        assert tripped & seen == 0
        seen |= tripped
        assert (breakers.daily_tripped, breakers.drawdown_tripped, breakers.weekly_tripped) == (seen & 1, seen >> 1 & 1, seen >> 2)
        assert not must_watch(breakers, DAY_NS - 1, equity)
    assert bool(seen & 1) == (min(path) <= 970_000)


@given(path=EQUITIES)
def test_watching_is_asked_for_exactly_when_it_would_change_something(path: list[int]) -> None:
    breakers = opened()
    for equity in path:
        climb(breakers, equity, DRAWDOWN)
        asked = must_watch(breakers, 5, equity)
        assert asked == (watch(breakers, equity) != 0)


@covers("A16")
@given(now_ns=st.integers(0, 4 * 10**18))
def test_a_day_ends_at_the_next_midnight_utc(now_ns: int) -> None:
    breakers = opened(now_ns=now_ns)
    assert breakers.next_day_ns % DAY_NS == 0
    assert 0 < breakers.next_day_ns - now_ns <= DAY_NS
    assert must_watch(breakers, breakers.next_day_ns, 10**9)
    assert not must_watch(breakers, breakers.next_day_ns - 1, 10**9)


@covers("A16")
def test_midnight_resets_both_and_says_which() -> None:
    for low, said in ((960_000, 1), (845_000, 3)):
        breakers = opened()
        watch(breakers, low)
        assert begin_day(breakers, DAY_NS, low, DAILY, WEEKLY, DRAWDOWN) == said
        assert (breakers.daily_tripped, breakers.drawdown_tripped, breakers.weekly_tripped) == (0, 0, int(low < 940_000))
        assert (breakers.day_equity, breakers.day_floor) == (low, floor_of(low, DAILY))
        assert watch(breakers, low) == 0


def test_only_a_tripped_drawdown_takes_a_lower_peak() -> None:
    calm, broke = opened(), opened()
    watch(broke, 850_000)
    begin_day(calm, DAY_NS, 900_000, DAILY, WEEKLY, DRAWDOWN)
    begin_day(broke, DAY_NS, 850_000, DAILY, WEEKLY, DRAWDOWN)
    assert (calm.peak, calm.peak_floor) == (START, 850_000)
    assert (broke.peak, broke.peak_floor) == (850_000, floor_of(850_000, DRAWDOWN))


@given(path=st.lists(st.tuples(st.integers(1, 2_000_000), st.booleans()), max_size=60))
def test_no_reset_lowers_the_highest_equity(path: list[tuple[int, bool]]) -> None:
    breakers = opened()
    highest = START
    for day, (equity, turns) in enumerate(path):
        if turns:
            begin_day(breakers, (day + 1) * DAY_NS, equity, DAILY, WEEKLY, DRAWDOWN)
        climb(breakers, equity, DRAWDOWN)
        watch(breakers, equity)
        highest = max(highest, equity)
        assert breakers.high == highest >= breakers.peak


@given(path=EQUITIES)
def test_the_peak_never_falls_during_a_day(path: list[int]) -> None:
    breakers = opened()
    for equity in path:
        climb(breakers, equity, DRAWDOWN)
    assert breakers.peak == max(START, *path)


@given(equity=st.integers(1, 10**17), share=st.floats(0.001, 1.0))
def test_the_floor_is_the_loss_of_that_share_to_the_money_unit(equity: int, share: float) -> None:
    floor = floor_of(equity, share)
    assert 0 <= floor < equity or equity * share < 1
    assert abs(loss_of(floor, equity) - share) <= 1.0 / equity + 1e-12


@given(equity=st.integers(-(10**17), 10**17), start=st.integers(-(10**17), 10**17))
def test_a_loss_is_never_negative_and_is_total_without_a_start(equity: int, start: int) -> None:
    loss = loss_of(equity, start)
    assert loss >= 0.0 and not math.isnan(loss)
    if start <= 0:
        assert loss == 1.0
    elif equity >= start:
        assert loss == 0.0
    else:
        assert loss == pytest.approx((start - equity) / start, rel=1e-12)


def test_a_tripped_breaker_blocks_even_when_the_number_recovers() -> None:
    assert broken(0.0, DAILY, 1) == (0.0, DAILY, BLOCK)
    assert broken(0.02, DAILY, 0) == (0.02, DAILY, PASS)


def test_a_loss_of_everything_leaves_a_floor_of_nothing_though_large_money_rounds_up() -> None:
    large = 2**60 - 1
    assert int(float(large)) > large  # what a share of it is taken from
    assert floor_of(large, 1.0) == 0


def test_the_smallest_equity_can_be_lost_like_any_other() -> None:
    assert loss_of(1, 1) == 0.0 and loss_of(0, 1) == 1.0
    assert loss_of(0, 0) == 1.0 and loss_of(5, -1) == 1.0


def test_all_that_reset_with_a_week_are_told_at_once() -> None:
    breakers = opened()
    assert watch(breakers, 900_000) == 1 + 4
    assert watch(breakers, 850_000) == 2
    assert begin_day(breakers, int(breakers.next_week_ns), 850_000, DAILY, WEEKLY, DRAWDOWN) == 1 + 2 + 4


def test_once_the_day_is_lost_the_next_floor_is_watched() -> None:
    breakers = opened()
    assert breakers.floor == 970_000
    assert watch(breakers, 960_000) == 1 and breakers.floor == 940_000
    assert not must_watch(breakers, 1, 940_001)
    assert watch(breakers, 930_000) == 4 and breakers.floor == 850_000
    assert watch(breakers, 850_000) == 2
    assert not must_watch(breakers, 1, -(10**18))  # nothing is left that could trip
