"""A mixture that follows log scores, forgets, never loses anyone for good, and does not count a copy twice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.stacking.mixing import duplicates, first_weights, mix_into, reweigh
from tests.covering import covers

FORGET, TEMPER, FLOOR = 0.995, 0.5, 0.01


def follow(weights: np.ndarray, chances: np.ndarray, uniqueness: float = 1.0) -> np.ndarray:
    for one in chances:
        reweigh(weights, one, uniqueness, FORGET, TEMPER, FLOOR)
    return weights


@given(chances=st.lists(st.lists(st.floats(0.0, 1.0) | st.just(math.nan), min_size=4, max_size=4), max_size=30))
def test_weights_sum_to_one_and_none_falls_below_the_floor(chances):
    weights = follow(np.full(4, 0.25), np.array(chances).reshape(-1, 4))
    assert weights.sum() == pytest.approx(1.0) and weights.min() >= FLOOR * (1 - 1e-12)


def test_one_step_is_the_formula():
    weights = np.array([0.2, 0.3, 0.5])
    chances = np.array([0.6, 0.3, 0.1])
    raw = weights**FORGET * chances**TEMPER
    expected = FLOOR + (1 - 3 * FLOOR) * raw / raw.sum()
    assert follow(weights.copy(), chances[None]) == pytest.approx(expected)


def test_the_better_model_leads_and_the_other_comes_back_when_things_turn():
    first, then = np.tile([0.6, 0.3], (200, 1)), np.tile([0.3, 0.6], (60, 1))
    weights = follow(np.full(2, 0.5), first)
    assert weights[0] > 0.95
    assert follow(weights, then)[1] > 0.95


def test_without_news_weights_return_towards_equal():
    """Forgetting alone leaves exp(-5) of a lead after 1,000 outcomes."""
    weights = follow(np.array([0.9, 0.1]), np.full((1_000, 2), 0.4))
    assert np.log(weights[0] / weights[1]) == pytest.approx(0.0, abs=np.log(9) * math.exp(-5) * 1.1)


def test_a_tenth_of_an_outcome_counts_a_tenth():
    ten = follow(np.array([0.5, 0.5]), np.tile([0.5, 0.4], (10, 1)), 0.1)
    assert ten == pytest.approx(follow(np.array([0.5, 0.5]), np.array([[0.5, 0.4]])), abs=0.01)


def test_who_slept_keeps_its_share():
    weights = follow(np.array([0.3, 0.3, 0.4]), np.array([[0.5, 0.2, math.nan]]))
    awake = follow(np.array([0.3, 0.3, 0.4]), np.array([[0.5, 0.2, 0.35]]))  # .35 is what the two awake say together
    assert weights == pytest.approx(awake)
    assert follow(np.array([0.3, 0.7]), np.full((3, 2), math.nan)).tolist() == [0.3, 0.7]


def test_the_pool_is_of_the_awake():
    out, answers = np.empty(3), np.array([[0.2, 0.3, 0.5], [math.nan] * 3, [0.6, 0.3, 0.1]])
    assert mix_into(out, answers, np.array([0.25, 0.5, 0.25])) == 0.5
    assert out == pytest.approx([0.4, 0.3, 0.3])
    assert mix_into(out, np.full((2, 3), math.nan), np.full(2, 0.5)) == 0.0 and np.isnan(out).all()


@covers("A24")
def test_copies_are_found_and_share_one_weight():
    rng = np.random.default_rng(0)
    base, other = rng.dirichlet(np.ones(3), 50), rng.dirichlet(np.ones(3), 50)
    base[3] = np.nan
    woken = base.copy()
    woken[3] = 1 / 3
    groups = duplicates(np.stack((base, other, base + 1e-12, woken, other)))
    assert groups == ((0, 2), (1, 4), (3,))
    assert first_weights(groups) == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 3, 1 / 6])


@covers("A24")
def test_streams_that_differ_once_and_streams_without_a_word_are_not_copies():
    one = np.random.default_rng(0).random(50)
    other = one.copy()
    other[7] += 1e-6
    assert duplicates(np.stack((one, other))) == ((0,), (1,))
    assert duplicates(np.full((2, 5), np.nan)) == ((0,), (1,))


@covers("A24")
def test_a_mixture_of_copies_and_one_other_starts_as_a_mixture_of_two():
    rng = np.random.default_rng(1)
    one, other = rng.dirichlet(np.ones(3), 1), rng.dirichlet(np.ones(3), 1)
    crowd = np.concatenate((one, one, one, other))
    out, fair = np.empty(3), np.empty(3)
    mix_into(out, crowd, first_weights(duplicates(crowd[:, None, :])))
    mix_into(fair, np.concatenate((one, other)), np.full(2, 0.5))
    assert out == pytest.approx(fair)
