"""Blocks of time: long against labels, few enough to be told apart, and intervals from the spread of what falls into each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.evaluation.bootstrap import UNKNOWN
from metastackerbandit.evaluation.time_blocks import FEWEST_BLOCKS, MOST_BLOCKS, around, margin, mean_around, spread, time_blocks

SPANS = st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 30)), min_size=1, max_size=80)


@given(SPANS, st.integers(-(10**18), 10**18))
def test_only_time_between_starts_counts_not_the_date_nor_the_order_of_rows(spans: list[tuple[int, int]], at: int) -> None:
    start = np.array([first for first, _ in spans], np.int64)
    end = start + np.array([length for _, length in spans])
    block = time_blocks(start, end)
    order = np.random.default_rng(len(spans)).permutation(len(spans))
    assert block.dtype == np.int64 and time_blocks(start + at, end + at).tolist() == block.tolist()
    assert time_blocks(start[order], end[order]).tolist() == block[order].tolist()
    assert all(a <= b for (_, a), (_, b) in zip(sorted(zip(start, block, strict=True)), sorted(zip(start, block, strict=True))[1:], strict=False))


@given(count=st.integers(1, 400), length=st.integers(1, 60))
def test_blocks_are_long_against_labels_and_at_most_a_hundred(count, length):
    start = np.arange(count)
    block = time_blocks(start, start + length)
    blocks = int(block.max()) + 1
    assert blocks <= MOST_BLOCKS and set(block.tolist()) == set(range(blocks)) and (np.diff(block) >= 0).all()
    if blocks > 1:
        assert (count - 1) / blocks >= 2 * length - 1
    if blocks < FEWEST_BLOCKS:
        found = mean_around(start.astype(float), np.ones(count), block)
        assert math.isnan(found.low) and found.value == pytest.approx((count - 1) / 2)


@pytest.mark.parametrize(
    ("last", "length", "bars_a_block"),
    [
        (16_000, 8, 161),  # a hundred blocks although labels would allow 250
        (4_000, 8, 65),  # 62 blocks, each eight labels and more
        (1_280, 8, 65),  # twenty, just enough of the long ones
        (1_279, 8, 64),  # nineteen long ones are too few: twenty of the short ones, which may be two labels long
        (319, 8, 17),  # nineteen of two labels
        (15, 8, 16),  # less than two labels: one block
        (100, 0, 6),  # labels that end where they start count as one long, and twenty short blocks have room
        (30, 0, 3),  # fifteen of two
    ],
)
def test_blocks_are_eight_labels_long_or_two_where_time_is_short(last: int, length: int, bars_a_block: int) -> None:
    start = np.arange(last + 1)
    assert time_blocks(start, start + length).tolist() == (start // bars_a_block).tolist()


def test_empty_blocks_are_not_counted_and_no_rows_have_none() -> None:
    start = np.array([0, 1, 5_000, 9_999, 10_000])
    assert time_blocks(start, start + 1).tolist() == [0, 0, 1, 2, 2]
    nothing = time_blocks(start[:0], start[:0])
    assert nothing.dtype == np.int64 and len(nothing) == 0


def test_a_hundred_blocks_give_the_quantile_of_student() -> None:
    assert margin(100) == pytest.approx(1.9842, abs=1e-4) and margin(10) == pytest.approx(2.2622, abs=1e-4)  # any table of t


@given(st.lists(st.floats(-50.0, 50.0), min_size=FEWEST_BLOCKS, max_size=60))
@settings(max_examples=40)
def test_rows_in_blocks_of_their_own_have_students_interval(values: list[float]) -> None:
    given_values, count = np.array(values), len(values)
    found = mean_around(given_values, np.full(count, 3.0), np.arange(count))
    half = margin(count) * given_values.std(ddof=1) / math.sqrt(count)
    assert (found.value, found.low, found.high) == pytest.approx(
        (given_values.mean(), given_values.mean() - half, given_values.mean() + half), abs=1e-9
    )


@given(st.integers(0, 10_000), st.integers(10, 15))
@settings(max_examples=40)
def test_the_spread_of_a_mean_is_that_of_its_jackknife_over_blocks(seed: int, blocks: int) -> None:
    """Each block weighs a little more in turn: how the mean moves is the block's influence."""
    rng = np.random.default_rng(seed)
    block = np.concatenate((np.arange(blocks), rng.integers(0, blocks, 40)))
    values, weight, more = rng.normal(size=len(block)), rng.gamma(2.0, 1.0, len(block)), 1e-6
    found = mean_around(values, weight, block)
    assert found.value == pytest.approx(np.average(values, weights=weight))
    moved = np.array([np.average(values, weights=weight * (1.0 + more * (block == b))) - found.value for b in range(blocks)]) / more
    half = margin(blocks) * math.sqrt(float((moved**2).sum()) * blocks / (blocks - 1))
    assert (found.value - found.low, found.high - found.value) == pytest.approx((half, half), rel=1e-3)


def test_the_spread_sums_what_happens_together() -> None:
    block = np.repeat(np.arange(10), 2)
    assert spread(np.tile([1.0, -1.0], 10), block) == 0.0
    assert spread(np.ones(20), block) == pytest.approx(10 * 4 * 10 / 9)
    assert math.isnan(spread(np.ones(18), block[:18]))


def test_what_does_not_exist_has_no_interval_and_too_little_time_no_bounds() -> None:
    block, influence = np.arange(10), np.full(10, 0.1)
    assert around(math.nan, influence, block) == around(math.inf, influence, block) == UNKNOWN
    few = around(0.5, influence[:9], block[:9])
    assert few.value == 0.5 and math.isnan(few.low) and math.isnan(few.high)
    half = 2.262157 * math.sqrt(0.1 * 10 / 9)  # Student's t of nine degrees
    found = around(0.5, influence, block)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=1e-6)
    assert mean_around(influence, np.zeros(10), block) == mean_around(influence[:0], influence[:0], block[:0]) == UNKNOWN
    assert MOST_BLOCKS == 100
