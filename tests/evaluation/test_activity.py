"""Turnover and exposure: means of what was done, with bounds from blocks drawn again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.chance import advance, words_of
from metastackerbandit.evaluation.activity import activity_block, activity_scores, sum_up, walk_means
from metastackerbandit.evaluation.blocks import block_bars, longest_block
from metastackerbandit.evaluation.bootstrap import UNKNOWN, interval
from metastackerbandit.evaluation.equity import History
from metastackerbandit.evaluation.path import OFFSET, PATH_COLUMNS, walk_path
from tests.evaluation.books import autoregressive


def history(exposure: np.ndarray, traded: np.ndarray) -> History:
    """An account that neither earned nor lost."""
    return History(1.0, np.ones(len(exposure)), np.zeros(len(exposure)), exposure, traded, False)


def sums_of(columns: np.ndarray) -> np.ndarray:
    """Running sums (T + 1, K), from 0."""
    sums = np.full((len(columns) + 1, columns.shape[1]), 7.0)
    sum_up(columns, sums)
    return sums


def walked(columns: np.ndarray, block: float, times: int, words: np.ndarray) -> np.ndarray:
    """Means (R, K) of histories walked bar by bar: blocks of geometric length from random places, the end joined to the start."""
    state = tuple(int(word) for word in words)
    count, found = len(columns), []
    for _ in range(times):
        bars: list[int] = []
        while len(bars) < count:
            draw, *rest = advance(*state)
            start = int(draw / 2**32 * count)
            draw, *rest = advance(*rest)
            state = tuple(rest)
            chance = (draw + 0.5) / 2**32
            length = 1 + math.floor(math.log(chance) / math.log(1.0 - 1.0 / block)) if block > 1.0 else 1
            bars += [(start + k) % count for k in range(min(length, count - len(bars)))]
        found.append(columns[bars].mean(axis=0))
    return np.array(found)


@given(seed=st.integers(0, 1_000), count=st.integers(1, 40), block=st.sampled_from([1.0, 1.5, 4.0, 30.0]))
@settings(max_examples=40)
def test_means_are_those_of_histories_walked_bar_by_bar(seed: int, count: int, block: float) -> None:
    columns = np.random.default_rng(seed).normal(size=(count, 2))
    sums, means = sums_of(columns), np.full((5, 2), 9.0)
    assert sums == pytest.approx(np.concatenate((np.zeros((1, 2)), np.cumsum(columns, axis=0))))
    walk_means(sums, block, words_of(seed, 1), means)
    assert means == pytest.approx(walked(columns, block, 5, words_of(seed, 1)), abs=1e-12)


@pytest.mark.parametrize("seed", [1, 2])
def test_means_of_blocks_spread_as_the_path_walk_does(seed: int) -> None:
    returns = autoregressive(seed, 200, 0.5, 0.0, 1e-3)
    path, means, sums = np.zeros((500, PATH_COLUMNS)), np.zeros((500, 1)), np.zeros((201, 1))
    walk_path(returns, 0.0, 8.0, words_of(seed, 0), path)
    sum_up(returns.reshape(-1, 1), sums)
    walk_means(sums, 8.0, words_of(seed, 1), means)
    assert means[:, 0].std() == pytest.approx(path[:, OFFSET].std(), rel=0.15)
    assert means[:, 0].mean() == pytest.approx(returns.mean(), abs=4.5 * means[:, 0].std() / math.sqrt(500))


@given(seed=st.integers(0, 1_000), count=st.integers(10, 300), memory=st.floats(0.0, 0.95))
@settings(max_examples=25)
def test_the_block_is_that_of_the_more_persistent_and_never_a_short_one(seed: int, count: int, memory: float) -> None:
    slow, fast = autoregressive(seed, count, memory, 0.0, 1.0), autoregressive(seed + 1, count, 0.0, 0.0, 1.0)
    asked = (block_bars(np.abs(slow)), block_bars(np.abs(fast)), 8.0)
    for exposure, traded in ((slow, np.abs(fast)), (fast, np.abs(slow))):
        assert activity_block(history(exposure, traded)) == min(max(asked), longest_block(count))


@pytest.mark.parametrize("is_slow", ["exposure", "traded"])
def test_a_position_that_lasts_asks_for_a_long_block(is_slow: str) -> None:
    slow, still = np.repeat(np.random.default_rng(1).normal(size=20), 50), np.ones(1_000)
    found = activity_block(history(slow, still) if is_slow == "exposure" else history(still, np.abs(slow)))
    assert found == block_bars(np.abs(slow)) > 30.0


def test_scores_are_means_a_bar_with_the_bounds_of_the_walk() -> None:
    rng = np.random.default_rng(2)
    exposure, traded = np.where(rng.random(60) < 0.3, 0.0, rng.normal(0.0, 0.5, 60)), rng.random(60)
    found = activity_scores(history(exposure, traded), 365.25, 6.0, 200, 11)
    columns = np.column_stack((traded * 365.25, np.abs(exposure), exposure != 0.0))
    drawn = walked(columns, 6.0, 200, words_of(11, 1))
    assert list(found) == ["turnover", "exposure", "in_market"]
    for k, one in enumerate(found.values()):
        told = interval(float(columns[:, k].mean()), drawn[:, k])
        assert (one.value, one.low, one.high) == pytest.approx((told.value, told.low, told.high))
        assert one.low < one.value < one.high


def test_the_smallest_draw_is_a_length_too() -> None:
    """The generator's next but one draw from these words is 0: a block of 57 bars where the mean is three."""
    words, columns, means = np.array([1, 3, 2, 5], np.int64), np.arange(200.0).reshape(-1, 1), np.zeros((1, 1))
    walk_means(sums_of(columns), 3.0, words, means)
    assert advance(*advance(1, 3, 2, 5)[1:])[0] == 0
    assert means == pytest.approx(walked(columns, 3.0, 1, words))


def test_one_bar_is_known_and_none_is_not() -> None:
    one = activity_scores(history(np.array([-0.5]), np.array([0.25])), 4.0, 1.0, 50, 0)
    assert [found.value for found in one.values()] == [1.0, 0.5, 1.0]
    nothing = activity_scores(history(np.zeros(0), np.zeros(0)), 365.25, 1.0, 50, 0)
    assert nothing == dict.fromkeys(("turnover", "exposure", "in_market"), UNKNOWN)
