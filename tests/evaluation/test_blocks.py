"""Block lengths follow Politis and White: short for noise, long for memory, and the same as a published implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.blocks import autocovariance, block_bars, longest_block, mean_of
from tests.evaluation.books import autoregressive


@given(st.lists(st.floats(-1e3, 1e3), min_size=0, max_size=120))
def test_a_block_is_at_least_one_bar_and_at_most_a_third_or_three_roots(values):
    block = block_bars(np.array(values, np.float64))
    assert 1.0 <= block <= longest_block(len(values))


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=60), st.integers(0, 20))
def test_autocovariance_is_the_textbook_sum(values, lag):
    xs = np.array(values)
    lag = min(lag, len(xs) - 1)
    mean = mean_of(xs)
    plain = sum((xs[t] - mean) * (xs[t + lag] - mean) for t in range(len(xs) - lag)) / len(xs)
    assert autocovariance(xs, mean, lag) == pytest.approx(plain, rel=1e-9, abs=1e-6)


def test_a_constant_has_no_rhythm():
    assert block_bars(np.full(1_000, 0.1)) == 1.0


def test_memory_lengthens_blocks():
    blocks = [np.mean([block_bars(autoregressive(seed, 2_000, memory, 0.0, 1.0)) for seed in range(10)]) for memory in (0.0, 0.4, 0.8, 0.95)]
    assert blocks == sorted(blocks) and blocks[0] < 3.0 and blocks[-1] > 40.0


def test_the_block_of_an_ar1_stream_is_near_its_theory():
    # Optimal block (2 G^2 / D)^(1/3) T^(1/3) with G / spectrum = 2 a / (1 - a^2) for an AR(1) with memory a.
    memory, count = 0.5, 20_000
    theory = (count * (2 * memory / (1 - memory**2)) ** 2) ** (1 / 3)
    blocks = [block_bars(autoregressive(seed, count, memory, 0.0, 1.0)) for seed in range(10)]
    assert np.median(blocks) == pytest.approx(theory, rel=0.15)


def test_blocks_agree_with_arch():
    bootstrap = pytest.importorskip("arch.bootstrap", reason="arch is not installed: no second opinion on block lengths")
    agreed = 0
    for seed in range(40):
        xs = autoregressive(seed, (200, 1_000, 5_000)[seed % 3], (0.0, 0.3, 0.7, -0.4)[seed % 4], 0.0, 1.0)
        theirs = max(1.0, float(bootstrap.optimal_block_length(xs)["stationary"].iloc[0]))
        agreed += abs(block_bars(xs) / theirs - 1.0) < 1e-9
    # arch divides each autocorrelation by the deviations of its own stretch, which can move one over the bound in a short series.
    assert agreed >= 38
