"""Correlations of recorded returns: the engine's own steps, and what a crash makes of them."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.risk.correlation import Matrix, Pair, Trail, correlation_terms, follow, refresh
from metastackerbandit.risk.joint_correlation import correlations, linked_under, stressed
from metastackerbandit.risk.joint_returns import joint_returns
from metastackerbandit.risk.settings import RiskSettings
from tests.covering import covers
from tests.risk.portfolios import BEGIN_NS

RISK = RiskSettings()


@covers("2.129")
def test_correlations_of_recorded_returns_are_the_engine_s_own() -> None:
    rng = np.random.default_rng(8)
    closes = np.rint(1e7 * np.exp(np.cumsum(0.01 * (rng.normal(size=(400, 1)) + rng.normal(size=(400, 3))), axis=0))).astype(np.int64)
    times = BEGIN_NS + HOUR_NS * np.arange(1, 401, dtype=np.int64)
    terms = correlation_terms(RISK, HOUR_NS)
    trails, pairs, matrix = rows(Trail, 3), np.zeros((3, 3), rows(Pair, 1).dtype), rows(Matrix, 1)
    for t in range(400):
        for y in range(3):
            follow(trails, pairs, y, int(times[t]), int(closes[t, y]), row(terms)[0], matrix[0])
    refresh(pairs, 3, row(terms)[0], matrix[0])
    joint = joint_returns([times] * 3, list(closes.T), HOUR_NS)
    found = correlations(joint.returns, terms, np.array([50, 399]))
    assert np.isnan(found[0, 0, 1]) and found[0, 2, 2] == 1.0
    for i in range(3):
        for j in range(i + 1, 3):
            assert found[1, i, j] == found[1, j, i] == pairs[i, j].rho


@covers("2.129")
@given(st.lists(st.integers(-5, 5), min_size=3, max_size=3), st.lists(st.sampled_from((-0.4, 0.2, 0.7, 0.95, math.nan)), min_size=3, max_size=3))
def test_a_crash_is_never_milder_than_today(held: list[int], pairs: list[float]) -> None:
    exposures = np.array(held, np.float64)
    matrix = np.eye(3)
    matrix[0, 1] = matrix[1, 0] = pairs[0]
    matrix[0, 2] = matrix[2, 0] = pairs[1]
    matrix[1, 2] = matrix[2, 1] = pairs[2]
    calm, wild = linked_under(matrix, exposures, 0.9), stressed(matrix, exposures, 0.9)
    flat = np.full((3, 3), 0.9)
    np.fill_diagonal(flat, 1.0)
    told = exposures @ wild @ exposures
    assert told >= exposures @ calm @ exposures - 1e-9 and told >= exposures @ flat @ exposures - 1e-9
    assert told >= (exposures @ exposures) - 1e-9


def test_every_asked_moment_knows_the_returns_before_it_and_no_later_ones() -> None:
    returns = np.random.default_rng(1).normal(0.0, 0.01, (300, 3))
    returns[200, 1] = math.nan
    terms = correlation_terms(RISK, HOUR_NS)
    at = np.array([0, 120, 120, 201, 300])
    found = correlations(returns, terms, at)
    for place, until in enumerate(at):
        alone = correlations(returns[:until], terms, np.array([until]))[0]
        assert found[place].tobytes() == alone.tobytes()
        assert (found[place] == found[place].T).sum() == (~np.isnan(found[place])).sum() and (np.diag(found[place]) == 1.0).all()
    assert np.isnan(found[0][0, 1]) and np.isfinite(found[1:]).all()  # a return that is missing poisons nothing after it
    assert correlations(returns, terms, at[:0]).shape == (0, 3, 3)


def test_what_is_not_known_adds_up_at_the_stress_value_and_hedges_nothing() -> None:
    matrix = np.array([[1.0, math.nan, 0.3], [math.nan, 1.0, -0.2], [0.3, -0.2, 1.0]])
    held = np.array([10.0, 5.0, -2.0])
    assert (linked_under(matrix, held, 0.9) == [[1.0, 0.9, 0.3], [0.9, 1.0, -0.2], [0.3, -0.2, 1.0]]).all()
    assert (linked_under(matrix, held * [1, -1, 1], 0.9)[0] == [1.0, 0.0, 0.3]).all()
    assert linked_under(matrix, np.array([0.0, 5.0, 1.0]), 0.9)[0, 1] == 0.0  # nothing is held, so nothing adds up


def test_in_a_crash_what_adds_up_is_at_the_stress_value_at_least_and_hedges_are_gone() -> None:
    matrix = np.array([[1.0, 0.95, 0.3], [0.95, 1.0, -0.2], [0.3, -0.2, 1.0]])
    held = np.array([10.0, 5.0, -2.0])
    assert (stressed(matrix, held, 0.9) == [[1.0, 0.95, 0.0], [0.95, 1.0, -0.2], [0.0, -0.2, 1.0]]).all()
    assert (stressed(np.full((2, 2), math.nan), held[:2], 0.9) == [[1.0, 0.9], [0.9, 1.0]]).all()


def test_a_bet_of_cents_adds_up_like_one_of_millions() -> None:
    unknown = np.array([[1.0, math.nan], [math.nan, 1.0]])
    for scale in (1e-3, 1e6):
        held = scale * np.array([0.5, 0.5])
        assert linked_under(unknown, held, 0.9)[0, 1] == stressed(unknown, held, 0.9)[0, 1] == 0.9
