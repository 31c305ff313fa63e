"""Trades of one second by bucket: only what came in it, both sides alike, nothing where trades were not heard or the taker is not told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import TradeRow
from metastackerbandit.features.input_trades import flow_of
from metastackerbandit.market.tick_ring import empty_ticks, keep
from tests.features.inputs import FIRST, MIDDLE, REFLECTED, SECOND, UNIT, WIDTH, empty_market, lots_of

CENTRE = MIDDLE // WIDTH
BEGAN = FIRST * SECOND
trades = st.lists(st.tuples(st.integers(0, 999), st.integers(-70, 70), st.integers(1, 90), st.sampled_from((-1, 1))), max_size=12)
Told = tuple[int, int, int, int]  # received (ms in the second), ticks from the middle, money, side


def told(made: list[Told], *, width: int = WIDTH, heard_ns: int = BEGAN, most: int = 64) -> tuple[np.ndarray, tuple[float, ...]]:
    """Flow (41,) and sums of the first second, of trades by the time of their arrival in ms from its beginning."""
    bars, _ = empty_market()
    bars = bars._replace(ticks=empty_ticks(1, most))
    bars.tape[0]["heard_ns"] = heard_ns
    row = rows(TradeRow, 1)
    for place, (ms, away, money, side) in enumerate(sorted(made, key=lambda one: one[0])):
        at_ns = BEGAN + ms * 1_000_000
        row[0] = (0, place, place, at_ns, at_ns, at_ns, MIDDLE + away, lots_of(MIDDLE + away, money), side)
        keep(bars.ticks, 0, row[0])
    flow = np.empty(41)
    return flow, flow_of(bars, 0, FIRST, width, CENTRE, UNIT, flow)


@given(trades, st.lists(st.tuples(st.integers(1_000, 9_999), st.integers(-70, 70), st.integers(1, 10**6), st.sampled_from((-1, 0, 1))), max_size=6))
@settings(max_examples=25, deadline=None)
def test_what_comes_later_or_came_before_changes_nothing(made: list[Told], later: list[Told]) -> None:
    flow, sums = told(made)
    for others in (later, [(-ms, away, money, side) for ms, away, money, side in later]):
        again, again_sums = told([*made, *others])
        assert again.tobytes() == flow.tobytes() and again_sums == sums


@given(trades)
@settings(max_examples=25, deadline=None)
def test_exchanging_buyers_and_sellers_turns_sign_and_bucket(made: list[Told]) -> None:
    flow, (bought, sold, count, volume) = told(made)
    other, turned = told([(ms, REFLECTED - 2 * MIDDLE - away, money, -side) for ms, away, money, side in made])
    assert other == pytest.approx(-flow[::-1]) and turned == pytest.approx((sold, bought, count, volume))


@given(trades)
@settings(max_examples=25, deadline=None)
def test_buckets_and_sums_are_of_the_same_money(made: list[Told]) -> None:
    flow, (bought, sold, count, volume) = told([(ms, away % 80 - 40, money, side) for ms, away, money, side in made])
    assert flow.sum() == pytest.approx(bought - sold) and volume == pytest.approx(math.log1p(bought + sold)) and count == math.log1p(len(made))


def test_an_example_by_hand() -> None:
    """Bought 2 lots at 1,000,001 and sold 3 at 1,000,005, the bucket above, in ticks of 0.1 and lots of 0.001."""
    bars, _ = empty_market()
    row = rows(TradeRow, 2)
    row[0] = (0, 10, 12, BEGAN, BEGAN, BEGAN, 1_000_001, 2, 1)  # three trades of the venue in one
    row[1] = (0, 13, 13, BEGAN, BEGAN, BEGAN + 999_999_999, 1_000_005, 3, -1)
    for one in row:
        keep(bars.ticks, 0, one)
    bars.tape[0]["heard_ns"] = 1
    flow = np.empty(41)
    bought, sold, count, volume = flow_of(bars, 0, FIRST, WIDTH, CENTRE, UNIT, flow)
    assert (bought, sold) == pytest.approx((200.0002, 300.0015)) and (count, volume) == (math.log1p(4), pytest.approx(math.log1p(500.0017)))
    assert flow[20] == bought and flow[21] == -sold and np.count_nonzero(flow) == 2


@pytest.mark.parametrize("heard_ns", [0, BEGAN + 1])
def test_a_second_that_was_not_heard_from_its_beginning_is_not_known(heard_ns: int) -> None:
    flow, sums = told([(5, 0, 3, 1)], heard_ns=heard_ns)
    assert np.isnan(flow).all() and np.isnan(sums).all()
    assert not np.isnan(told([(5, 0, 3, 1)])[0]).any()


def test_a_second_of_which_trades_have_fallen_off_the_ring_is_not_known() -> None:
    made = [(ms, 0, 3, 1) for ms in range(6)]
    assert np.isnan(told(made, most=5)[0]).all() and np.isnan(told(made, most=5)[1]).all()
    flow, (bought, *_) = told([(-9, 0, 3, 1), *made], most=6)  # the one that fell off is told by one before the second only where that is there
    assert np.isnan(flow).all() and math.isnan(bought)
    assert not np.isnan(told([(-9, 0, 3, 1), *made], most=7)[0]).any()


def test_a_trade_whose_taker_is_not_told_hides_its_bucket_and_the_sides() -> None:
    flow, (bought, sold, count, volume) = told([(1, 0, 3, 1), (2, 8, 4, 0)])
    assert math.isnan(bought) and math.isnan(sold) and count == math.log1p(2) and volume > 0
    assert np.flatnonzero(np.isnan(flow)).tolist() == [22] and flow[20] > 0


@pytest.mark.parametrize(("ms", "is_in"), [(-1, False), (0, True), (999, True), (1_000, False)])
def test_a_second_begins_with_its_first_moment_and_ends_before_the_next_one_s(ms: int, is_in: bool) -> None:
    assert (told([(ms, 0, 3, 1)])[1][0] > 0) == is_in


@pytest.mark.parametrize(("bucket", "column"), [(-20, 0), (-1, 19), (0, 20), (20, 40)])
def test_buckets_lie_around_the_middle_s(bucket: int, column: int) -> None:
    for away in (bucket * WIDTH, bucket * WIDTH + WIDTH - 1):
        assert np.flatnonzero(told([(5, away, 3, -1)])[0]).tolist() == [column]


def test_without_a_width_and_beyond_the_buckets_only_sums_are_told() -> None:
    for flow, (bought, *_) in (told([(1, 0, 3, 1)], width=0), told([(1, 21 * WIDTH, 3, 1)]), told([(1, -20 * WIDTH - 1, 3, 1)])):
        assert not flow.any() and bought > 0
