"""What one number alone says: planted relations are found, none is made up, and luck among many is counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.evaluation.rank_skill import RankSkill, false_discovery_rates, rank_skill
from metastackerbandit.evaluation.skill import information_coefficient

COUNT = 1_500


def asked(score: np.ndarray, outcome: np.ndarray, *, hold: int = 1, seed: int = 0) -> RankSkill:
    start = np.arange(len(score), dtype=np.int64) * HOUR_NS
    return rank_skill(score, outcome, np.ones(len(score)), start, start + hold * HOUR_NS, seed=seed)


def test_a_planted_relation_is_found_in_its_size_and_its_mirror_in_the_other_sign() -> None:
    rng = np.random.default_rng(1)
    score = rng.normal(0.0, 1.0, COUNT)
    outcome = 0.3 * score + rng.normal(0.0, 1.0, COUNT)
    found, turned = asked(score, outcome), asked(-score, outcome)
    assert found.ic.low > 0.0 and found.p < 1e-6 and found.rows == COUNT
    assert found.ic.value == pytest.approx(0.275, abs=0.08)  # 6/pi asin(r/2) of r = .287, give or take three standard errors of 1 / sqrt(1,500)
    assert (turned.ic.value, turned.p) == pytest.approx((-found.ic.value, found.p))


def test_the_interval_is_as_wide_as_the_linearised_one() -> None:
    """Two ways to the same spread of 100 blocks: each is good to 7 %, so they agree to 25 %."""
    rng = np.random.default_rng(2)
    score, outcome = rng.normal(0.0, 1.0, (2, COUNT))
    start = np.arange(COUNT, dtype=np.int64) * HOUR_NS
    one, other = asked(score, outcome).ic, information_coefficient(score, outcome, np.ones(COUNT), start, start + HOUR_NS)
    assert one.value == pytest.approx(other.value, abs=1e-12)
    assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.25)


def test_noise_is_called_a_finding_as_often_as_promised() -> None:
    """200 worlds of overlapping outcomes and slow scores at 5 %: 10 expected, 20 are more than three standard errors above."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(200):
        steps = rng.normal(0.0, 1.0, (2, 2_500))
        score, outcome = (np.convolve(step, np.ones(6), "valid") for step in steps)
        found += asked(score, outcome, hold=6).p < 0.05
    assert found <= 20


def test_unknown_scores_are_left_out_and_what_never_changes_says_nothing() -> None:
    rng = np.random.default_rng(4)
    score, outcome = rng.normal(0.0, 1.0, (2, COUNT))
    holed = score.copy()
    holed[::3] = np.nan
    left = np.flatnonzero(~np.isnan(holed))
    start = np.arange(COUNT, dtype=np.int64)[left] * HOUR_NS
    alone = rank_skill(holed[left], outcome[left], np.ones(len(left)), start, start + HOUR_NS, seed=0)
    assert asked(holed, outcome) == alone and alone.rows == len(left)
    for still in (np.full(COUNT, np.nan), np.ones(COUNT)):
        found = asked(still, outcome)
        assert math.isnan(found.ic.value) and math.isnan(found.p)
    few = asked(score[:15], outcome[:15])
    assert math.isfinite(few.ic.value) and math.isnan(few.p) and math.isnan(few.ic.low)


def test_the_same_seed_draws_the_same_histories() -> None:
    score, outcome = np.random.default_rng(5).normal(0.0, 1.0, (2, COUNT))
    assert asked(score, outcome, seed=3) == asked(score, outcome, seed=3)
    assert asked(score, outcome, seed=3).ic.low != asked(score, outcome, seed=4).ic.low


def test_false_discovery_rates_by_hand() -> None:
    """Benjamini and Hochberg 1995, their definition on five tests, one of them unknown."""
    found = false_discovery_rates(np.array([0.01, 0.04, math.nan, 0.03, 0.5]))
    assert found == pytest.approx([0.04, 0.04 * 4 / 3, math.nan, 0.04 * 4 / 3, 0.5], nan_ok=True)
    assert not len(false_discovery_rates(np.zeros(0)))


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40))
def test_rates_keep_the_order_and_are_never_below_p_nor_above_one(given_p: list[float]) -> None:
    p = np.array(given_p)
    q = false_discovery_rates(p)
    assert (q >= p - 1e-12).all() and (q <= 1.0).all()
    assert (np.diff(q[np.argsort(p)]) >= 0.0).all()
    assert q.max() == pytest.approx(p.max())
