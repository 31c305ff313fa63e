"""Fractional Kelly of a shrunk estimate: a closed form on a known coin, and ruin kept rare where the edge is only guessed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.risk.kelly import kelly_fraction, posterior_sharpe
from tests.covering import covers

PRIOR = 0.05


def test_a_known_coin_gets_its_closed_form() -> None:
    edge, deviation = 20.0, 100.0  # bps: mean over variance, when nothing is uncertain
    assert kelly_fraction(edge, 0.0, deviation, PRIOR, 1.0) == pytest.approx((edge / 1e4) / (deviation / 1e4) ** 2)


@given(edge=st.floats(-200, 200), error=st.floats(0, 200), deviation=st.floats(1, 1_000), share=st.floats(0, 1))
def test_an_edge_that_is_not_positive_gets_nothing_and_doubt_only_shrinks(edge: float, error: float, deviation: float, share: float) -> None:
    size = kelly_fraction(edge, error, deviation, PRIOR, share)
    assert size >= 0.0
    assert edge > 0.0 or size == 0.0
    assert kelly_fraction(edge, 2.0 * error + 1.0, deviation, PRIOR, share) <= size


@given(edge=st.floats(0.1, 200), error=st.floats(0, 200), deviation=st.floats(1, 1_000), scale=st.floats(0.1, 10))
def test_a_trade_with_everything_twice_as_wide_gets_half_the_size(edge: float, error: float, deviation: float, scale: float) -> None:
    size = kelly_fraction(edge, error, deviation, PRIOR, 0.25)
    assert kelly_fraction(scale * edge, scale * error, scale * deviation, PRIOR, 0.25) == pytest.approx(size / scale)


def test_what_is_not_known_has_no_size() -> None:
    assert math.isnan(kelly_fraction(math.nan, 1.0, 100.0, PRIOR, 0.25))
    assert math.isnan(kelly_fraction(5.0, math.nan, 100.0, PRIOR, 0.25))
    assert math.isnan(kelly_fraction(-5.0, math.nan, 100.0, PRIOR, 0.25))
    assert math.isnan(kelly_fraction(math.nan, 1.0, 100.0, PRIOR, 0.0))
    assert math.isnan(kelly_fraction(5.0, 1.0, 0.0, PRIOR, 0.25))


@covers("K18")
@pytest.mark.parametrize("estimated_on", [50, 200])
def test_a_quarter_of_the_posterior_rarely_loses_half(estimated_on: int) -> None:
    """Method 11.1's world: Sharpe a trade drawn from N(.02, .05), 1,000 trades of a 1 % risk unit; 2 % there, 4 % allowed."""
    rng = np.random.default_rng(3)
    worlds, trades, unit = 4_000, 1_000, 0.01
    true = rng.normal(0.02, 0.05, worlds)
    guessed = true + rng.normal(0.0, 1.0 / math.sqrt(estimated_on), worlds)
    shrunk = np.array([posterior_sharpe(float(one), 1.0 / math.sqrt(estimated_on), PRIOR) for one in guessed])

    def lost_half(sizes: np.ndarray) -> float:
        growth = np.cumsum(np.log(np.maximum(1.0 + sizes[:, None] * unit * (true[:, None] + rng.normal(0, 1, (worlds, trades))), 1e-9)), axis=1)
        peaks = np.maximum.accumulate(np.maximum(growth, 0.0), axis=1)
        return float(np.mean((growth - peaks).min(axis=1) < math.log(0.5)))

    careful = lost_half(np.maximum(0.25 * shrunk / unit, 0.0))
    naive = lost_half(np.maximum(0.25 * guessed / unit, 0.0))
    assert careful < 0.04
    assert naive > 2.0 * careful
