"""The probability of backtest overfitting: the paper's algorithm by brute force, and worlds with known truth."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.evaluation.overfitting import overfitting_probability
from tests.covering import covers


def noise(seed: int, rows: int = 1_000, trials: int = 50) -> np.ndarray:
    """Trials without skill."""
    return np.random.default_rng(seed).normal(0.0, 0.01, (rows, trials))


def planted(seed: int, sharpe: float) -> np.ndarray:
    """Fifty trials of a thousand bars, of which one has this Sharpe ratio a bar."""
    made = noise(seed)
    made[:, 7] += sharpe * 0.01
    return made


def by_the_book(returns: np.ndarray, slices: int) -> float:
    """CSCV as the paper writes it, in vectorised steps that share nothing with the kernels."""
    cut = np.array_split(returns, slices)
    lost = []
    for half in combinations(range(slices), slices // 2):
        chosen = np.concatenate([cut[s] for s in half])
        judged = np.concatenate([cut[s] for s in range(slices) if s not in half])
        one, other = (part.mean(axis=0) / part.std(axis=0) for part in (chosen, judged))
        best = int(one.argmax())
        share = (1 + np.count_nonzero(other < other[best])) / (returns.shape[1] + 1)
        lost.append(math.log(share / (1.0 - share)) <= 0.0)
    return float(np.mean(lost))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([4, 6, 8]), st.integers(2, 9), st.integers(5, 12))
def test_it_is_the_papers_algorithm(seed, slices, trials, each):
    returns = noise(seed, slices * each, trials)
    assert overfitting_probability(returns, slices, resamples=2).value == pytest.approx(by_the_book(returns, slices), abs=1e-12)


@covers("K10")
def test_of_skill_less_trials_the_best_is_an_even_bet():
    found = [overfitting_probability(noise(seed), resamples=2).value for seed in range(20)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


@covers("K10")
def test_a_planted_edge_is_not_called_overfitting():
    found = [overfitting_probability(planted(seed, 0.2), resamples=2).value for seed in range(10)]
    assert np.mean(found) < 0.05
    assert np.mean([overfitting_probability(planted(seed, 0.05), resamples=2).value for seed in range(10)]) > 0.25


def test_the_interval_is_wide_for_noise_and_below_a_half_for_a_strong_edge():
    """Without skill the estimate itself ranges from .25 to .7, and the interval says so."""
    null = overfitting_probability(noise(3))
    assert null.low < null.high and null.high - null.low > 0.2 and null.low <= 0.5 <= null.high
    assert overfitting_probability(planted(3, 0.3)).high < 0.2


@given(st.integers(0, 1_000), st.floats(0.01, 100.0))
@settings(max_examples=15)
def test_neither_the_order_of_trials_nor_their_scale_matters(seed, scale):
    returns = noise(seed, 160, 6)
    own = overfitting_probability(returns, resamples=2).value
    assert overfitting_probability(returns[:, ::-1], resamples=2).value == own
    assert overfitting_probability(returns * scale, resamples=2).value == own


def test_trials_with_the_same_returns_are_one():
    returns = noise(1, 320, 5)
    twice = np.concatenate((returns, returns), axis=1)
    assert overfitting_probability(twice) == overfitting_probability(returns)
    assert math.isnan(overfitting_probability(returns[:, [0, 0, 0]]).value)


def test_a_trial_that_never_traded_counts_with_a_ratio_of_zero():
    losing = noise(5, 320, 4) - 0.05
    losing[:, 2] = 0.0
    assert overfitting_probability(losing).value == 0.0


@pytest.mark.parametrize("shape", [(0, 0), (1_000, 1), (31, 5)])
def test_too_little_is_unknown(shape):
    assert math.isnan(overfitting_probability(np.random.default_rng(0).normal(size=shape)).value)


def test_an_odd_number_of_slices_is_refused():
    with pytest.raises(DataRefused):
        overfitting_probability(noise(1), 15)


def test_same_inputs_same_bits():
    assert overfitting_probability(noise(9), seed=4) == overfitting_probability(noise(9), seed=4)
    assert overfitting_probability(noise(9), seed=4) != overfitting_probability(noise(9), seed=5)
