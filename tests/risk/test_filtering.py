"""The filter: a slow reference, what an unknown return leaves alone, and when a variance is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from metastackerbandit.risk.filtering import filtered
from tests.risk.portfolios import garch

MARKET = garch(1, 200, 3, tails=9.0)


def test_the_filter_is_the_slow_reference() -> None:
    returns = MARKET[:200, :1].copy()
    returns[50] = math.nan
    keep = 0.9
    found = filtered(returns, keep, 5)
    for t in (5, 30, 60, 200):
        known = returns[:t, 0][~np.isnan(returns[:t, 0])][::-1]
        weights = keep ** np.arange(len(known))
        assert found.variance[t, 0] == pytest.approx(float(weights @ known**2 / weights.sum()))
    assert np.isnan(found.variance[:5, 0]).all() and np.isnan(found.standard[50, 0])
    assert found.standard[100, 0] == returns[100, 0] / math.sqrt(found.variance[100, 0])


def test_each_symbol_is_filtered_as_if_it_were_alone() -> None:
    returns = MARKET.copy()
    returns[10:20, 1] = math.nan
    together = filtered(returns, 0.95, 10)
    assert together.variance.shape == (201, 3) and together.standard.shape == (200, 3)
    for y in range(3):
        alone = filtered(returns[:, [y]], 0.95, 10)
        assert together.variance[:, y].tobytes() == alone.variance[:, 0].tobytes()
        assert together.standard[:, y].tobytes() == alone.standard[:, 0].tobytes()


def test_a_variance_is_known_after_the_warm_up_s_last_return_and_once_something_moved() -> None:
    found = filtered(np.array([[0.01], [math.nan], [0.02], [0.03], [0.01]]), 0.9, 3)
    assert list(np.isnan(found.variance[:, 0])) == [True, True, True, True, False, False]
    still = filtered(np.array([[0.0], [0.0], [0.0], [0.01], [0.02]]), 0.9, 1)
    assert list(np.isnan(still.variance[:, 0])) == [True, True, True, True, False, False]
    assert np.isnan(filtered(np.zeros((3, 1)), 0.9, 1).variance).all()


def test_an_unknown_return_changes_no_forecast() -> None:
    returns = MARKET[:60, :1].copy()
    returns[40] = math.nan
    found, without = filtered(returns, 0.9, 5), filtered(np.delete(returns, 40, axis=0), 0.9, 5)
    assert found.variance[41, 0] == found.variance[40, 0]
    assert found.variance[42:, 0].tobytes() == without.variance[41:, 0].tobytes()


def test_a_constant_size_of_return_is_its_own_deviation() -> None:
    found = filtered(np.array([[0.02], [-0.02]] * 20), 0.9, 2)
    assert found.variance[2:, 0] == pytest.approx(4e-4) and np.abs(found.standard[2:, 0]) == pytest.approx(1.0)
