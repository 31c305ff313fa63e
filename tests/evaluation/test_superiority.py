"""The test of superior predictive ability: its size without skill, its power with it, and what it cannot answer."""

from __future__ import annotations

import math

import numpy as np
import pytest

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.evaluation.superiority import superiority_over_all, superiority_p
from tests.covering import covers

FEW = 200  # resamples in simulations: p moves in steps of half a percent


def noise(seed: int, rows: int = 250, trials: int = 5) -> np.ndarray:
    """Candidates without skill."""
    return np.random.default_rng(seed).normal(0.0, 0.01, (rows, trials))


@covers("K11")
def test_without_skill_it_rejects_seldom():
    """Nominal 5 %; the binomial's 97.5 % bound for 200 runs is 8 %."""
    found = [superiority_p(np.zeros(250), noise(seed), resamples=FEW) for seed in range(200)]
    assert np.mean(np.array(found) < 0.05) <= 0.08


@covers("K11")
def test_a_planted_edge_is_found():
    """One candidate with a Sharpe ratio of .2 a bar over 500: reported power 93 %."""
    found = [superiority_p(np.zeros(500), noise(seed, 500, 1) + 0.002, resamples=FEW) for seed in range(60)]
    assert np.mean(np.array(found) < 0.05) > 0.8


def test_losers_do_not_hide_a_winner():
    """The consistent p-value leaves clearly losing candidates out of the luck of the best."""
    returns = noise(8, 500, 1) + 0.002
    alone = superiority_p(np.zeros(500), returns, resamples=FEW)
    crowd = np.concatenate((returns, noise(9, 500, 30) - 0.005), axis=1)
    assert superiority_p(np.zeros(500), crowd, resamples=FEW) < 0.05 and alone < 0.05


def test_more_candidates_ask_for_more():
    returns = noise(12, 500, 1) + 0.001
    many = np.concatenate((returns, noise(13, 500, 60)), axis=1)
    assert superiority_p(np.zeros(500), many) > superiority_p(np.zeros(500), returns)


def test_who_is_behind_has_no_case():
    assert superiority_p(np.zeros(250), noise(1) - 0.01) == 1.0
    assert superiority_over_all(noise(1)[:, 0] - 0.01, {"flat": np.zeros(250)}) == (1.0, "flat")


def test_a_certain_case_is_not_given_a_chance_of_zero():
    assert superiority_p(np.zeros(250), noise(1, 250, 1) + 0.05, resamples=FEW) == 1.0 / (FEW + 1)


def test_what_cannot_be_told_is_unknown():
    assert math.isnan(superiority_p(np.zeros(20), noise(1, 20)))
    assert math.isnan(superiority_p(noise(1)[:, 0], noise(1)[:, :1]))
    assert math.isnan(superiority_p(np.zeros(0), np.zeros((0, 0))))
    assert math.isnan(superiority_over_all(noise(1)[:, 0], {})[0])
    with pytest.raises(DataRefused):
        superiority_p(np.zeros(10), noise(1))


def test_the_hardest_baseline_decides_at_equal_risk():
    """A baseline of the same Sharpe ratio is as hard at ten times the risk as at the strategy's own."""
    own = noise(3, 500, 1)[:, 0] + 0.003
    rival = noise(4, 500, 1)[:, 0] + 0.0028
    easy = {"flat": np.zeros(500), "loser": noise(5, 500, 1)[:, 0] - 0.01}
    p, name = superiority_over_all(own, {**easy, "rival": rival}, resamples=FEW)
    assert name == "rival" and p > 0.05
    assert superiority_over_all(own, {**easy, "rival": 10.0 * rival}, resamples=FEW) == (p, name)
    assert superiority_over_all(own, easy, resamples=FEW)[0] < 0.05


def test_same_inputs_same_bits():
    returns = noise(2) + 0.0008
    assert superiority_p(np.zeros(250), returns, seed=1) == superiority_p(np.zeros(250), returns, seed=1)
