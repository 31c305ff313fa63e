"""How late things are: quantiles of counts are those of the numbers themselves, as near as the bounds lie."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.market_rows import DEPTH, TRADES
from metastackerbandit.exchanges.decoded import empty_decoded
from metastackerbandit.runtime.lags import BOUNDS_NS, HANDLED, LOOP, RECEIVED, TAKEN, at_most, empty_lags, late_of, note, note_frame, probe

LATE = st.integers(-(10**9), 10**12)


@given(late=st.lists(LATE, min_size=1, max_size=200))
def test_quantiles_lie_at_most_a_seventh_above_those_of_the_numbers(late: list[int]) -> None:
    lags = empty_lags()
    for one in late:
        note(lags, TAKEN, one)
    told = late_of(lags.counts[TAKEN], int(lags.longest[TAKEN]))
    assert told is not None and told.count == len(late) and told.max_ms == max(0, *late, 0) / 1e6
    for told_ms, share in ((told.p50_ms, 0.5), (told.p99_ms, 0.99)):
        exact = max(float(np.quantile(late, share, method="inverted_cdf")), 0.0)
        assert exact / 1e6 <= told_ms <= max(exact * 8 / 7, float(BOUNDS_NS[0])) / 1e6 or told_ms == told.max_ms
    assert (lags.counts.sum(), lags.counts[TAKEN].sum()) == (len(late), len(late)), "nothing else was counted"


@given(late=st.lists(LATE, max_size=100), bound=st.sampled_from([1, 5, 50, 1_000]))
def test_counts_at_a_bound_are_exact(late: list[int], bound: int) -> None:
    lags = empty_lags()
    for one in late:
        note(lags, LOOP, one)
    assert at_most(lags.counts[LOOP], bound * 10**6) == sum(one <= bound * 10**6 for one in late)


def test_of_nothing_there_is_nothing_to_tell() -> None:
    assert late_of(empty_lags().counts[LOOP], 0) is None


def test_a_quicker_clock_is_told_in_our_time() -> None:
    lags = empty_lags()
    note(lags, TAKEN, 600 * 10**6)
    told = late_of(lags.counts[TAKEN], int(lags.longest[TAKEN]), per_ms=60e6)
    assert told is not None and (told.max_ms, told.p50_ms) == (10.0, 10.0)


@pytest.mark.parametrize(("stamp_ns", "counted"), [(100, [1, 1, 1, 0]), (0, [0, 1, 0, 0])])
def test_a_frame_is_late_three_times_over_where_the_venue_stamps_it(stamp_ns: int, counted: list[int]) -> None:
    lags, decoded = empty_lags(), empty_decoded()
    decoded.found[0]["rows"] = 1
    decoded.trades[0]["exchange_ns"] = stamp_ns
    note_frame(lags, decoded, TRADES, 5_000_100, 7_000_100)
    assert lags.counts.sum(axis=1).tolist() == counted
    assert lags.longest[HANDLED] == 2_000_000
    if stamp_ns:
        assert (lags.longest[RECEIVED], lags.longest[TAKEN]) == (5_000_000, 7_000_000)


@pytest.mark.parametrize(("is_whole", "counted"), [(0, 3), (1, 3), (2, 0)])
def test_a_book_that_was_asked_for_is_not_late(is_whole: int, counted: int) -> None:
    lags, decoded = empty_lags(), empty_decoded()
    decoded.depth[0]["is_whole"], decoded.depth[0]["exchange_ns"] = is_whole, 100
    note_frame(lags, decoded, DEPTH, 200, 300)
    assert lags.counts.sum() == counted


def test_a_sleeper_of_the_loop_is_counted_until_it_is_cancelled() -> None:
    lags = empty_lags()

    async def work() -> None:
        probing = asyncio.ensure_future(probe(lags, 0.001))
        while lags.counts[LOOP].sum() < 3:
            await asyncio.sleep(0.001)
        probing.cancel()

    asyncio.run(work())
    assert lags.counts[LOOP].sum() >= 3 and lags.counts[:LOOP].sum() == 0
