"""Backtests of expected shortfall: bets on what was foretold, rarely won where it is true, and soon where it is too small."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.evaluation.shortfalls import MOST_STAKE, shortfalls, stakes
from tests.covering import covers

NORMAL_VAR, NORMAL_SHORTFALL = 1.644854, 2.062713  # of a standard normal loss at 95 %

DAYS = st.lists(st.tuples(st.floats(-5.0, 9.0), st.floats(0.1, 3.0), st.floats(0.05, 2.0)), min_size=1, max_size=40)


@given(days=DAYS, share=st.sampled_from((0.01, 0.05, 0.5)))
@settings(max_examples=40)
def test_evidence_is_the_product_of_bets_each_known_the_day_before(days: list[tuple[float, float, float]], share: float) -> None:
    """Wang, Wang and Ziegel's e-backtest day by day; Acerbi and Szekely's Z2 as its definition stands."""
    wealth, most, first, second, beyond = 1.0, 1.0, 0.0, 0.0, 0.0
    for loss, risk, more in days:
        stake = min(max(first / second, 0.0), 0.5) if second > 0.0 else 0.0
        e_value = max(loss - risk, 0.0) / (share * more)
        wealth *= 1.0 + stake * (e_value - 1.0)
        most = max(most, wealth)
        first, second = first + e_value - 1.0, second + (e_value - 1.0) ** 2
        beyond += loss / (risk + more) if loss > risk else 0.0
    losses, risk_told, more_told = np.array(days).T
    found = shortfalls(losses, risk_told, risk_told + more_told, share)
    assert (found.evidence, found.most_evidence) == pytest.approx((wealth, most), rel=1e-6)
    assert found.z2 == pytest.approx(1.0 - beyond / len(days) / share, rel=1e-6, abs=1e-9)


@covers("2.129")
def test_z2_is_zero_on_average_for_true_forecasts_and_negative_for_small_ones() -> None:
    rng = np.random.default_rng(12)
    told = [shortfalls(one, np.full(500, NORMAL_VAR), np.full(500, NORMAL_SHORTFALL), 0.05).z2 for one in rng.normal(size=(400, 500))]
    assert np.mean(told) == pytest.approx(0.0, abs=0.04)  # one has a deviation of 0.2, the mean of 400 of 0.01
    small = [shortfalls(one, np.full(500, 1.2), np.full(500, 1.5), 0.05).z2 for one in rng.normal(size=(50, 500))]
    assert max(small) < -0.5


@covers("2.129")
def test_the_evidence_rarely_reaches_twenty_for_true_forecasts_however_long_one_looks() -> None:
    losses = np.random.default_rng(13).normal(size=(1_000, 500))
    most = np.array([shortfalls(one, np.full(500, NORMAL_VAR), np.full(500, NORMAL_SHORTFALL), 0.05).most_evidence for one in losses])
    assert (most >= 20.0).mean() <= 0.05 + 0.02  # three standard errors of 1,000 above the promise


@covers("2.129")
def test_a_shortfall_a_third_too_small_is_found_within_years() -> None:
    losses = np.random.default_rng(14).normal(size=(60, 1_000))
    most = [shortfalls(one, np.full(1_000, NORMAL_VAR / 1.5), np.full(1_000, NORMAL_SHORTFALL / 1.5), 0.05).most_evidence for one in losses]
    assert np.mean(np.array(most) >= 20.0) > 0.95


@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=50))
def test_a_stake_is_bounded_and_known_before_what_it_is_staked_on(surprise: list[float]) -> None:
    values = np.array(surprise)
    found = stakes(values)
    assert found[0] == 0.0 and (found >= 0.0).all() and (found <= MOST_STAKE).all()
    changed = values.copy()
    changed[-1] += 7.0
    assert (stakes(changed) == found).all()


def test_nothing_foretold_is_no_evidence() -> None:
    found = shortfalls(np.zeros(0), np.zeros(0), np.zeros(0), 0.05)
    assert math.isnan(found.z2) and (found.evidence, found.most_evidence) == (1.0, 1.0)


def test_a_forecast_of_no_loss_that_was_not_passed_is_judged_in_silence() -> None:
    """A zero forecast divides by nothing: that is no answer where it was not passed, and no warning."""
    with np.errstate(all="raise"):
        found = shortfalls(np.array([-1.0, 0.0, 2.0]), np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.5]), 0.5)
    assert found.z2 == pytest.approx(1.0 - (2.0 / 1.5) / 3 / 0.5)
    assert found.evidence == found.most_evidence == 1.0


def test_three_days_by_hand() -> None:
    """Twice the promise, a quiet day, then twice again: stakes of nothing, half, and nothing since gain and loss were even."""
    losses, risk, shortfall = np.array([1.5, 0.0, 1.5]), np.full(3, 1.0), np.full(3, 1.5)
    assert stakes(np.array([2.0, 0.0, 2.0])).tolist() == [0.0, 0.5, 0.0]
    found = shortfalls(losses, risk, shortfall, 0.5)
    assert (found.evidence, found.most_evidence) == (0.5, 1.0)
    assert found.z2 == pytest.approx(1.0 - (2 / 3) / 0.5)


def test_a_shortfall_no_larger_than_its_value_at_risk_is_surprised_without_end_and_stays_a_number() -> None:
    losses, risk = np.array([0.5, 2.0, 0.5, 2.0, 2.0]), np.ones(5)
    found = shortfalls(losses, risk, risk, 0.05)
    assert math.isfinite(found.evidence) and 1.0 < found.evidence <= found.most_evidence < math.inf
    assert shortfalls(losses[:2], risk[:2], risk[:2], 0.05).evidence == 1.0  # nothing was staked yet when the first one came
