"""The tail of a sample: laws of value at risk and shortfall, and closed forms of the normal and Student laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.risk.tail import beyond, normal_tail, tail_of, tail_of_ordered, tails_of
from tests.covering import covers

SAMPLES = st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=60).map(lambda given: np.array(given, np.float64))
LEVELS = st.sampled_from((0.5, 0.9, 0.95, 0.975, 0.99))


@covers("2.129")
@given(SAMPLES, LEVELS)
def test_shortfall_is_never_below_value_at_risk_and_never_above_the_worst(losses: np.ndarray, level: float) -> None:
    found = tail_of(losses, level)
    assert losses.min() <= found.value_at_risk <= found.shortfall <= losses.max() + 1e-9


@covers("2.129")
@given(SAMPLES, LEVELS, st.integers(1, 1_000))
def test_both_are_homogeneous_and_move_with_a_certain_gain(losses: np.ndarray, level: float, times: int) -> None:
    plain, scaled, moved = tail_of(losses, level), tail_of(losses * times, level), tail_of(losses - times, level)
    assert scaled.value_at_risk == plain.value_at_risk * times
    assert scaled.shortfall == pytest.approx(plain.shortfall * times, abs=1e-6)  # sums of 60 such numbers round by less
    assert moved.value_at_risk == plain.value_at_risk - times
    assert moved.shortfall == pytest.approx(plain.shortfall - times, abs=1e-6)


@covers("2.129")
@given(st.lists(st.tuples(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000)), min_size=1, max_size=60), LEVELS)
def test_shortfall_of_two_portfolios_together_is_at_most_that_of_each(pairs: list[tuple[int, int]], level: float) -> None:
    one, other = np.array(pairs, np.float64).T
    assert tail_of(one + other, level).shortfall <= tail_of(one, level).shortfall + tail_of(other, level).shortfall + 1e-6


@given(SAMPLES, LEVELS)
def test_the_share_of_losses_beyond_value_at_risk_is_at_most_what_is_left_of_the_level(losses: np.ndarray, level: float) -> None:
    assert (losses > tail_of(losses, level).value_at_risk).sum() <= beyond(len(losses), level)


@given(SAMPLES, LEVELS)
def test_the_worst_few_tell_the_tail_of_all(losses: np.ndarray, level: float) -> None:
    worst = np.sort(losses)[::-1]
    assert tail_of(losses, level) == tail_of_ordered(worst, level, len(losses))
    assert tails_of(losses, (level, 0.99)) == [tail_of(losses, level), tail_of(losses, 0.99)]


def test_a_tail_by_hand() -> None:
    found = tail_of(np.arange(1.0, 101.0), 0.95)  # 96 .. 100 lie beyond 95
    assert (found.value_at_risk, found.shortfall) == (95.0, 98.0)
    found = tail_of(np.arange(1.0, 51.0), 0.95)  # two and a half observations: 50, 49 and half of 48
    assert (found.value_at_risk, found.shortfall) == (48.0, (50.0 + 49.0 + 0.5 * 48.0) / 2.5)


@covers("2.129")
def test_a_normal_sample_has_the_closed_form_within_its_error() -> None:
    losses = np.random.default_rng(1).normal(0.0, 2.0, 400_000)
    for level, quantile, shortfall in ((0.95, 1.644854, 2.062713), (0.99, 2.326348, 2.665214)):
        told, exact = tail_of(losses, level), normal_tail(2.0, level)
        assert exact.value_at_risk == pytest.approx(2.0 * quantile, abs=1e-5)
        assert exact.shortfall == pytest.approx(2.0 * shortfall, abs=1e-5)
        # standard errors of a normal 99 % quantile and shortfall at this size: 2 x 0.0059 and 2 x 0.0068; four of them
        assert told.value_at_risk == pytest.approx(exact.value_at_risk, abs=0.048)
        assert told.shortfall == pytest.approx(exact.shortfall, abs=0.055)


@covers("2.129")
def test_a_student_sample_has_its_own_heavier_tail() -> None:
    losses = np.random.default_rng(2).standard_t(5.0, 400_000)
    quantile = 3.36493  # of Student's law with 5 degrees of freedom at 99 %
    density = math.gamma(3.0) / (math.sqrt(5.0 * math.pi) * math.gamma(2.5)) * (1.0 + quantile**2 / 5.0) ** -3.0
    shortfall = density / 0.01 * (5.0 + quantile**2) / 4.0  # McNeil, Frey and Embrechts 2015, Example 2.15
    told = tail_of(losses, 0.99)
    assert told.value_at_risk == pytest.approx(quantile, abs=0.06)  # standard error sqrt(.0099 / 400,000) / density = 0.0145
    assert told.shortfall == pytest.approx(shortfall, abs=0.12)  # simulated standard error 0.029


def test_of_one_loss_or_at_a_level_that_leaves_none_the_worst_is_both() -> None:
    alone = tail_of(np.array([7.0]), 0.99)
    assert (alone.value_at_risk, alone.shortfall) == (7.0, pytest.approx(7.0))
    rounded = tail_of(np.array([3.0, 9.0]), 1.0 - 1e-12)  # of two losses less than a billionth lies beyond: none
    assert (rounded.value_at_risk, rounded.shortfall) == (9.0, 9.0)


def test_half_an_observation_beyond_the_level_is_the_worst_one() -> None:
    found = tail_of(np.arange(1.0, 51.0), 0.99)
    assert (found.value_at_risk, found.shortfall) == (50.0, 50.0)


def test_a_level_that_leaves_everything_in_the_tail_has_the_mean_of_all() -> None:
    found = tail_of(np.array([4.0, 1.0, 3.0, 2.0]), 0.0)
    assert (found.value_at_risk, found.shortfall) == (1.0, 2.5)
