"""Conformal sets: the promised share of misses, kept up while volatility doubles and halves."""

from __future__ import annotations

import itertools
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ModelRefused, TrainingRefused
from metastackerbandit.domain.prediction import IN_DOWN, IN_FLAT, IN_UP
from metastackerbandit.stacking.conformal import Conformal, fit_conformal, moved_level
from metastackerbandit.stacking.settings import ConformalSettings
from tests.covering import covers
from tests.stacking.worlds import drawn, of_lead

WARM, BEFORE, WILD, AFTER = 500, 1_500, 1_000, 1_500


def made(seed: int, rows: int = 400) -> tuple[Conformal, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = of_lead(rng.normal(0.0, 0.8, 2 * rows))
    side = drawn(rng, truth)
    return fit_conformal(truth[:rows], side[:rows]), truth[rows:], side[rows:]


def misses(seed: int, gamma: float) -> np.ndarray:
    """Misses (T,) of a 90 % interval on returns whose volatility doubles and then halves; the calibration rows stay those from before."""
    volatility = np.concatenate((np.ones(WARM + BEFORE), np.full(WILD, 2.0), np.ones(AFTER)))
    far = np.abs(np.random.default_rng(seed).normal(0.0, 1.0, len(volatility)) * volatility) / 12.0
    chances = np.column_stack([1.0 - far, far / 2.0, far / 2.0])  # the more unusual the return, the less likely its class was held
    promised = fit_conformal(chances[:WARM], np.zeros(WARM, np.int64), settings=ConformalSettings(alpha=0.1))
    return kept_up(promised.p_values(chances[WARM:])[:, 0], 0.1, gamma)


def kept_up(p_values: np.ndarray, target: float, gamma: float) -> np.ndarray:
    """Misses (T,) of sets whose level moves after each."""
    level, missed = target, np.zeros(len(p_values), np.int64)
    for t, p_value in enumerate(p_values):
        missed[t] = 1 if p_value <= level else 0
        level = moved_level(level, target, gamma, missed[t])
    return missed


@covers("K14")
def test_coverage_is_kept_when_volatility_doubles_and_halves():
    """Mean of 40 streams; measured .900 overall, .861 in the first 250 after it doubles, and .58 there with a level that stays."""
    adaptive = np.mean([misses(seed, 0.01) for seed in range(40)], axis=0)
    fixed = np.mean([misses(seed, 0.0) for seed in range(40)], axis=0)
    shift = slice(BEFORE, BEFORE + 250)
    assert abs(1.0 - adaptive.mean() - 0.90) <= 0.01
    assert 1.0 - adaptive[shift].mean() >= 0.85 > 0.75 > 1.0 - fixed[shift].mean()


@covers("K14")
@given(seed=st.integers(0, 1_000))
def test_whatever_comes_the_share_of_misses_returns_to_the_promise(seed):
    """Gibbs and Candes 2021, proposition 4.1: |misses - alpha| <= (max(alpha, 1 - alpha) + gamma) / (T gamma), for any sequence at all."""
    rng = np.random.default_rng(seed)
    missed = kept_up(rng.random(1_000) ** np.exp(rng.normal(0.0, 1.0, 1_000).cumsum() * 0.1), 0.2, 0.05)
    assert abs(missed.mean() - 0.2) <= (0.8 + 0.05) / (1_000 * 0.05)


def test_sets_miss_as_seldom_as_promised():
    """Mean over 40 draws of 400 + 400 rows: coverage of at least .8, and not far above; its standard error is .004."""
    covered, sizes = [], []
    for seed in range(40):
        conformal, truth, side = made(seed)
        bits = conformal.sets(truth)
        covered.append(np.mean(bits >> side & 1))
        sizes.append(np.mean([bin(int(one)).count("1") for one in bits]))
    assert 0.79 <= np.mean(covered) <= 0.82
    assert np.mean(sizes) < 2.5


def test_p_values_are_the_share_of_calibration_rows_that_fitted_as_badly():
    """A score that equals one of theirs fits as badly as that one."""
    conformal, truth, _ = made(1, 50)
    truth[:50, 0] = 1.0 - conformal.scores
    for probabilities, p_values in zip(truth, conformal.p_values(truth), strict=True):
        for k in range(3):
            worse = sum(score >= 1.0 - probabilities[k] for score in conformal.scores)
            assert p_values[k] == (1 + worse) / 51


@given(seed=st.integers(0, 1_000))
def test_each_row_stands_alone_and_mirrored_chances_give_the_mirrored_set(seed):
    conformal, truth, _ = made(seed % 7, 60)
    at = seed % len(truth)
    alone = truth[at : at + 1]
    bits = conformal.sets(alone)[0]
    assert bits == conformal.sets(truth)[at]
    assert conformal.credibility(alone)[0] == conformal.p_values(alone).max()
    down_up = conformal.sets(alone[:, ::-1])[0]
    assert down_up & IN_FLAT == bits & IN_FLAT and (down_up & IN_UP > 0) == (bits & IN_DOWN > 0) and (down_up & IN_DOWN > 0) == (bits & IN_UP > 0)


def test_a_smaller_alpha_never_excludes_more():
    conformal, truth, _ = made(2)
    for row in truth[:50]:
        sets = [int(msgspec.structs.replace(conformal, alpha_now=alpha).sets(row[None])[0]) for alpha in (1.1, 0.9, 0.5, 0.3, 0.1, 0.0, -0.2)]
        assert sets[0] == 0 and sets[-1] == 7 and all(one & other == one for one, other in itertools.pairwise(sets))


def test_confidence_is_how_firmly_the_runner_up_is_excluded():
    conformal, truth, _ = made(3)
    assert conformal.confidence(truth)[5] == 1.0 - sorted(conformal.p_values(truth)[5])[1]


def test_what_is_not_known_excludes_nothing():
    conformal, _, _ = made(4)
    unknown = np.full((1, 3), np.nan)
    assert conformal.sets(unknown)[0] == 7 and math.isnan(conformal.credibility(unknown)[0])


def test_what_is_unlike_calibration_has_little_credibility():
    """The calibration rows were never less sure than .9 of what came."""
    sure = np.tile([0.03, 0.02, 0.95], (100, 1))
    conformal = fit_conformal(sure, np.full(100, 2))
    assert conformal.credibility(np.array([[0.33, 0.34, 0.33]]))[0] < 0.05 < conformal.credibility(sure[:1])[0]


def test_bytes_give_it_back():
    conformal, truth, _ = made(5, 700)
    again = Conformal.unpack(conformal.pack())
    assert (again.scores == conformal.scores).all() and (again.alpha, again.alpha_now) == (0.2, 0.2)
    assert (again.p_values(truth) == conformal.p_values(truth)).all()


def test_damaged_bytes_and_too_few_rows_are_refused():
    conformal, truth, side = made(6)
    data = bytearray(conformal.pack())
    data[40] ^= 1
    with pytest.raises(ModelRefused):
        Conformal.unpack(bytes(data))
    with pytest.raises(TrainingRefused, match="cannot promise"):
        fit_conformal(truth[:4], side[:4], settings=ConformalSettings(alpha=0.2))
