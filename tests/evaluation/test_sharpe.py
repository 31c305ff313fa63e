"""The Sharpe ratio's own statistics: the paper's example, laws between the formulas, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.sharpe import (
    Moments,
    below,
    deflated_sharpe,
    expected_best_sharpe,
    luck_of_best,
    minimum_track_length,
    moments_of,
    probabilistic_sharpe,
    sharpe_to_beat,
)
from tests.covering import covers

# Bailey and Lopez de Prado 2014, section "A numerical example": annual Sharpe 2.5 over 1,250 days of 250 a year, trial variance 1/2 annual.
YEAR = 250
PAPER = Moments(1250, 2.5 / math.sqrt(YEAR), -3.0, 10.0)
VARIANCE = 0.5 / YEAR

SHAPES = st.builds(Moments, st.integers(10, 100_000), st.floats(-0.5, 0.5), st.floats(-3.0, 3.0), st.floats(11.0, 60.0))


@covers("K9")
def test_the_papers_example():
    assert expected_best_sharpe(VARIANCE, 100) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(PAPER, expected_best_sharpe(VARIANCE, 100)) == pytest.approx(0.9004, abs=5e-4)
    assert deflated_sharpe(PAPER, expected_best_sharpe(VARIANCE, 46)) == pytest.approx(0.9505, abs=5e-4)
    normal = Moments(1250, PAPER.sharpe, 0.0, 3.0)
    assert deflated_sharpe(normal, expected_best_sharpe(VARIANCE, 88)) == pytest.approx(0.9505, abs=5e-4)


@given(SHAPES)
def test_a_sharpe_ratio_is_even_odds_to_exceed_itself(moments):
    assert probabilistic_sharpe(moments, moments.sharpe) == 0.5


@given(SHAPES, st.floats(-0.4, 0.4), st.floats(1e-3, 0.4))
def test_a_higher_benchmark_is_less_likely_exceeded(moments, benchmark, more):
    assert probabilistic_sharpe(moments, benchmark + more) <= probabilistic_sharpe(moments, benchmark)


@given(SHAPES, st.floats(0.01, 0.5), st.floats(0.6, 0.99))
def test_the_minimum_track_length_is_where_the_probability_reaches_the_confidence(moments, above, confidence):
    benchmark = moments.sharpe - above
    needed = minimum_track_length(moments, benchmark, confidence)
    if needed >= 2.0:
        long_enough = Moments(needed, moments.sharpe, moments.skew, moments.kurtosis)  # type: ignore[arg-type]
        assert probabilistic_sharpe(long_enough, benchmark) == pytest.approx(confidence, abs=1e-9)


@given(st.integers(1, 10_000), st.floats(1e-6, 1.0))
def test_more_trials_deflate_more(trials, variance):
    assert expected_best_sharpe(variance, trials) <= expected_best_sharpe(variance, trials + 1)
    assert expected_best_sharpe(variance, 1) == 0.0


def test_no_record_is_long_enough_for_no_edge():
    assert minimum_track_length(Moments(100, -0.1, 0.0, 3.0)) == math.inf
    assert minimum_track_length(Moments(100, 0.0, 0.0, 3.0)) == math.inf
    assert minimum_track_length(Moments(100, 0.1, 0.0, 3.0)) == pytest.approx(1.0 + (1.0 + 0.005) * (1.6449 / 0.1) ** 2, rel=1e-4)


def test_the_luck_of_the_best_is_that_of_simulated_draws():
    """The paper's extreme-value formula is asymptotic: within .03 of the simulated mean of the best from 10 draws on."""
    draws = np.random.default_rng(3).standard_normal((20_000, 200))
    for trials in (10, 50, 200):
        assert luck_of_best(trials) == pytest.approx(draws[:, :trials].max(axis=1).mean(), abs=0.04)


def test_moments_are_those_of_the_definition():
    xs = np.random.default_rng(1).gamma(2.0, 0.01, 5_000) - 0.015
    away = xs - xs.mean()
    found = moments_of(xs)
    assert found.count == 5_000
    assert found.sharpe == pytest.approx(xs.mean() / xs.std(ddof=1), rel=1e-12)
    assert found.skew == pytest.approx((away**3).mean() / xs.std() ** 3, rel=1e-10)
    assert found.kurtosis == pytest.approx((away**4).mean() / xs.var() ** 2, rel=1e-10)


@pytest.mark.parametrize("xs", [[], [0.01], [0.0, 0.0, 0.0], [0.01] * 50])
def test_returns_that_do_not_vary_have_no_sharpe_ratio(xs):
    found = moments_of(np.array(xs, np.float64))
    assert math.isnan(found.sharpe)
    assert math.isnan(probabilistic_sharpe(found)) and math.isnan(minimum_track_length(found))


def test_a_single_trial_has_nothing_to_beat_but_zero():
    assert sharpe_to_beat(np.array([0.08]), 1, 500) == 0.0


def test_what_must_be_beaten_is_never_less_than_luck_alone():
    """Twins show no variance and losers a low mean; neither hides that so many were tried."""
    luck = expected_best_sharpe(1.0 / 499, 20)
    assert sharpe_to_beat(np.full(20, 0.05), 20, 500) == luck
    assert sharpe_to_beat(np.concatenate((np.full(19, -2.0), [0.1])), 20, 500) == luck
    assert sharpe_to_beat(np.full(20, np.nan), 20, 500) == luck
    spread = np.linspace(-0.2, 0.2, 20)
    assert sharpe_to_beat(spread, 20, 500) == pytest.approx(expected_best_sharpe(float(spread.var(ddof=1)), 20))
    assert sharpe_to_beat(spread, 20, 500) > luck


def test_the_best_of_many_null_trials_seldom_survives_deflation():
    """200 families of 20 skill-less trials: the best one's DSR exceeds .95 in about 5 %; more than 20 of 200 has chance below .001."""
    rng = np.random.default_rng(11)
    passed = 0
    for _ in range(200):
        trials = [moments_of(column) for column in rng.normal(0.0, 0.01, (20, 300))]
        sharpes = np.array([moments.sharpe for moments in trials])
        passed += deflated_sharpe(trials[int(sharpes.argmax())], sharpe_to_beat(sharpes, 20, 300)) >= 0.95
    assert passed <= 20


@given(st.floats(-8.0, 8.0))
def test_the_normal_distribution_is_symmetric(z):
    assert below(z) + below(-z) == pytest.approx(1.0, abs=1e-15)
