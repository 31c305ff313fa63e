"""Walls: one that is dealt away was not pulled, one that vanishes was; age and refills of one that stands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.market.walls import WallRow, follow_wall, middle, pulled, usual_size
from tests.market.micro_worlds import SECOND, SECOND_NS, Change, Deal, Driven
from tests.market.test_near import SIDES, held

SIZES = (10, 12, 9, 11, 10, 8, 13, 10, 9, 12)


def walled(wall: int = 400) -> Driven:
    """Ten levels of about ten lots a side; the seventh bid (94) is a wall."""
    bids = {100 - n: wall if n == 6 else lots for n, lots in enumerate(SIZES)}
    return Driven(Change(SECOND * SECOND_NS, bids, {102 + n: lots for n, lots in enumerate(SIZES)}))


@given(values=st.lists(st.integers(0, 1_000), min_size=1, max_size=20))
def test_the_middle_is_the_median(values: list[int]) -> None:
    scratch = np.array([float(value) for value in values])
    assert middle(scratch, len(values)) == np.median(values)


@given(side=SIDES, sign=st.sampled_from([1, -1]))
def test_the_usual_size_is_the_median_level(side: dict[int, int], sign: int) -> None:
    near, levels = held(side, sign)
    nearest = [side[ticks] for ticks in sorted(side, key=lambda ticks: -sign * ticks)[:20]]
    assert usual_size(near[0], levels, np.zeros(20)) == np.median(nearest)


@given(before=SIDES, after=SIDES, sign=st.sampled_from([1, -1]), share=st.floats(0.0, 1.0))
def test_more_trades_never_make_a_larger_pull(before: dict[int, int], after: dict[int, int], sign: int, share: float) -> None:
    (old, olds), (near, levels) = held(before, sign), held(after, sign)
    none, some = np.zeros(20, np.int64), (share * olds[:, 1]).astype(np.int64)
    free, dealt = (pulled(old[0], olds, near[0], levels, sign, traded, np.zeros(20)) for traded in (none, some))
    if min(len(before), 20) < 5:
        assert math.isnan(free) and math.isnan(dealt)
    else:
        assert 0.0 <= dealt <= free
        assert pulled(old[0], olds, old[0], olds, sign, none, np.zeros(20)) == 0.0


def test_a_wall_that_vanishes_without_a_trade_was_pulled_and_one_that_was_dealt_was_not() -> None:
    market = walled()
    market.take(Change(SECOND * SECOND_NS + 1, {94: 0}, {}))
    second = market.close(SECOND)
    usual = float(np.median([400, *SIZES[:6], *SIZES[7:]]))
    assert second["bid_pulled"] == pytest.approx(math.log((400 + usual) / usual)) and second["ask_pulled"] == 0.0
    dealt = walled()
    dealt.take(Deal(SECOND * SECOND_NS + 1, 94, 400, -1))
    dealt.take(Change(SECOND * SECOND_NS + 2, {94: 0}, {}))
    assert dealt.close(SECOND)["bid_pulled"] == 0.0


def test_the_pull_of_a_small_order_is_small_whatever_the_lot() -> None:
    for scale in (1, 1_000):
        bids = {100 - n: lots * scale for n, lots in enumerate(SIZES)}
        market = Driven(Change(SECOND * SECOND_NS, bids, {102: scale}))
        market.take(Change(SECOND * SECOND_NS + 1, {96: 0}, {}))
        assert market.close(SECOND)["bid_pulled"] == pytest.approx(math.log(2.0))  # a level of the median's size


def test_a_wall_grows_old_until_it_goes_and_is_refilled_when_dealt_against_without_becoming_smaller() -> None:
    market = walled()
    told = []
    for second in range(SECOND, SECOND + 6):
        at_ns = second * SECOND_NS
        if second == SECOND + 2:
            market.take(Deal(at_ns + 1, 94, 50, -1))  # filled up again: its size is as before
        if second == SECOND + 3:
            market.take(Deal(at_ns + 1, 94, 50, -1))
            market.take(Change(at_ns + 2, {94: 350}, {}))
        if second == SECOND + 5:
            market.take(Change(at_ns + 1, {94: 0}, {}))
        row = market.close(second)[0]
        told.append((float(row["bid_wall_age"]), float(row["bid_wall_refills"])))
        assert math.isnan(row["ask_wall_bps"]) and (row["ask_wall_age"], row["ask_wall_refills"]) == (0.0, 0.0)
        if second < SECOND + 5:
            assert row["bid_wall"] > 6.0 and row["bid_wall_bps"] == pytest.approx(7.0 / 101.0 * 1e4)
    assert told == [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0), (0.0, 0.0)]


def test_levels_of_one_size_have_no_deviation_and_too_few_levels_no_usual_size() -> None:
    for side in (dict.fromkeys(range(1, 11), 7), {1: 5, 2: 500}):
        near, levels = held(side, 1)
        wall = rows(WallRow, 1)
        follow_wall(wall[0], near[0], levels, near[0], levels, np.zeros(20, np.int64), 1, np.zeros(20))
        assert math.isnan(wall[0]["excess"]) and wall[0]["ticks"] == 0
