"""Filtered historical simulation: what it draws, and that it covers a market whose volatility changes."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import strategies as st

from metastackerbandit.risk.filtered_history import simulated_losses, surprises
from metastackerbandit.risk.forecasts import foretold
from metastackerbandit.risk.loss_laws import Law, tails
from metastackerbandit.risk.past import seen_of
from metastackerbandit.risk.settings import RiskSettings
from metastackerbandit.risk.tail import Tail
from tests.covering import covers
from tests.risk.portfolios import QUICK, SETTINGS, garch, joint

MARKET = garch(1, 1_600, 3, tails=9.0)
HELD = np.array([1_000.0, -400.0, 250.0])
EYE = np.eye(3)


def tail(law: Law, level: float) -> Tail:
    """The tail at one level."""
    return tails(law, (level,))[0]


SCALES = st.sampled_from((2.0, 0.5, 4.0, 1024.0))  # powers of two scale floats exactly


def test_a_rising_past_makes_no_long_position_safer() -> None:
    vectors = surprises(np.random.default_rng(3).normal(1.0, 1.0, (600, 2)))
    assert np.abs(vectors.mean(axis=0)).max() < 1e-12


def test_vectors_are_drawn_whole() -> None:
    standard = np.array([[1.0, -1.0], [math.nan, 3.0], [2.0, -2.0], [-3.0, 3.0]])
    vectors = surprises(standard)
    assert vectors.shape == (3, 2)
    hedged = simulated_losses(vectors, np.ones(2), np.ones(2), 0.9, np.arange(3)[:, None].astype(np.int64), (1,))
    assert (hedged == 0.0).all()


def test_a_path_by_hand_carries_its_own_variance_on() -> None:
    vectors, keep = np.array([[1.0], [-2.0]]), 0.5
    losses = simulated_losses(vectors, np.array([4.0]), np.array([10.0]), keep, np.array([[0, 1]]), (1, 2))
    second = math.sqrt(0.5 * 4.0 + 0.5 * 4.0) * -2.0  # the first return, 2, leaves the variance at 4
    assert losses[0, 0] == -20.0 and losses[0, 1] == -(20.0 + 10.0 * second)
    wilder = simulated_losses(vectors, np.array([4.0]), np.array([10.0]), keep, np.array([[1, 0]]), (2,))
    assert wilder[0, 0] == pytest.approx(40.0 - 10.0 * math.sqrt(0.5 * 4.0 + 0.5 * 16.0))


@covers("2.129")
def test_it_covers_a_market_whose_volatility_changes_and_plain_history_is_late() -> None:
    market = garch(7, 9_000)
    seen = seen_of(joint(market), msgspec.structs.replace(SETTINGS, history_days=60.0))
    at = np.arange(2_000, 8_990, 2, dtype=np.int64)
    told = {one.method: one for one in foretold(seen, np.array([1.0]), at, 1, (0.95,), QUICK, RiskSettings(), ("filtered", "historical"))}
    hits = {name: one.loss > one.value_at_risk for name, one in told.items()}
    # 3,495 forecasts: the standard error of a 5 % rate is 0.37 %; three of them
    assert hits["filtered"].mean() == pytest.approx(0.05, abs=0.011)
    wild = seen.filtered.variance[at, 0] > np.quantile(seen.filtered.variance[at, 0], 0.8)
    # of 699 the standard error is 0.8 %
    assert hits["filtered"][wild].mean() == pytest.approx(0.05, abs=0.025)
    assert hits["historical"][wild].mean() > 0.075


def test_a_path_tells_its_loss_at_every_horizon_on_the_way() -> None:
    vectors = np.array([[1.0], [-2.0], [0.5]])
    places = np.array([[0, 1, 2, 1], [2, 2, 1, 0]])
    found = simulated_losses(vectors, np.array([4.0]), np.array([10.0]), 0.9, places, (1, 2, 4))
    assert found.shape == (2, 3)
    for steps, losses in zip((1, 2, 4), found.T, strict=True):
        alone = simulated_losses(vectors, np.array([4.0]), np.array([10.0]), 0.9, places[:, :steps].copy(), (steps,))
        assert losses.tolist() == alone[:, 0].tolist()


def test_a_resample_of_the_vectors_is_drawn_from_instead_of_all() -> None:
    vectors, places = np.array([[1.0], [-2.0], [0.5]]), np.array([[0], [1], [2]])
    found = simulated_losses(vectors, np.array([4.0]), np.array([10.0]), 0.9, places, (1,), np.array([2, 2, 0]))
    assert found[:, 0].tolist() == [-10.0, -10.0, -20.0]


def test_without_a_moment_in_which_every_symbol_is_known_there_is_no_surprise() -> None:
    assert surprises(np.array([[1.0, math.nan], [math.nan, 2.0]])).shape == (0, 2)
