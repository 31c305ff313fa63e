"""Filtered historical simulation: scale, mirror, order and past; what it draws; and that it covers a market whose volatility changes."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.risk.filtered_history import simulated_losses, surprises
from metastackerbandit.risk.filtering import filtered
from metastackerbandit.risk.forecasts import foretold, moments_of
from metastackerbandit.risk.loss_laws import METHODS, Law, filtered_law, historical_law, normal_law, paths_of, tails
from metastackerbandit.risk.past import past_at, seen_of
from metastackerbandit.risk.settings import RiskSettings
from metastackerbandit.risk.tail import Tail
from tests.covering import covers
from tests.risk.portfolios import QUICK, SETTINGS, STRESS, garch, joint, past_of, terms

MARKET = garch(1, 1_600, 3, tails=9.0)
HELD = np.array([1_000.0, -400.0, 250.0])
EYE = np.eye(3)


def tail(law: Law, level: float) -> Tail:
    """The tail at one level."""
    return tails(law, (level,))[0]


SCALES = st.sampled_from((2.0, 0.5, 4.0, 1024.0))  # powers of two scale floats exactly


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


@covers("2.129")
@pytest.mark.parametrize("steps", (1, 24))
@given(times=SCALES)
@settings(max_examples=4)
def test_twice_the_volatility_is_twice_the_value_at_risk(steps: int, times: float) -> None:
    past, given = past_of(MARKET, HELD)
    wild = msgspec.structs.replace(past, variance=past.variance * times * times)
    plain, scaled = (filtered_law(one, steps, given, SETTINGS) for one in (past, wild))
    assert tail(scaled, 0.99).value_at_risk == tail(plain, 0.99).value_at_risk * times
    assert tail(scaled, 0.99).shortfall == tail(plain, 0.99).shortfall * times


@covers("2.129")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("steps", (1, 6))
def test_every_method_is_homogeneous_in_the_positions(method: str, steps: int) -> None:
    for times in (2.0, 0.25):
        one, other = (
            METHODS[method](past, steps, given, QUICK) for past, given in (past_of(MARKET, HELD, QUICK), past_of(MARKET, HELD * times, QUICK))
        )
        assert one.refused == other.refused == ""
        assert tail(other, 0.95).value_at_risk == pytest.approx(tail(one, 0.95).value_at_risk * times, rel=1e-12)
        assert tail(other, 0.95).shortfall == pytest.approx(tail(one, 0.95).shortfall * times, rel=1e-12)


@covers("2.129")
@pytest.mark.parametrize("method", METHODS)
def test_short_in_the_mirrored_market_is_long_to_the_bit(method: str) -> None:
    for steps in (1, 6) if method != "historical" else (1,):  # over several hours plain history compounds, which no mirror of hours undoes
        (long, given), (short, _) = past_of(MARKET, HELD), past_of(-MARKET, -HELD)
        one, other = METHODS[method](long, steps, given, SETTINGS), METHODS[method](short, steps, given, SETTINGS)
        assert one.refused == other.refused == ""
        assert tail(one, 0.99) == tail(other, 0.99)


@covers("2.129")
@pytest.mark.parametrize("method", METHODS)
@given(order=st.permutations((0, 1, 2)))
@settings(max_examples=5)
def test_the_order_of_the_symbols_does_not_matter(method: str, order: list[int]) -> None:
    past, given = past_of(MARKET, HELD, QUICK)
    turned, _ = past_of(MARKET[:, order], HELD[order], QUICK)
    one, other = METHODS[method](past, 6, given, QUICK), METHODS[method](turned, 6, given, QUICK)
    assert one.refused == other.refused == ""
    assert tail(one, 0.95).value_at_risk == pytest.approx(tail(other, 0.95).value_at_risk, rel=1e-9)  # sums in another order


def test_symbols_without_a_position_change_nothing() -> None:
    past, given = past_of(MARKET, np.array([1_000.0, 0.0, 0.0]))
    alone, _ = past_of(MARKET[:, :1], np.array([1_000.0]))
    for method in METHODS.values():
        assert tail(method(past, 6, given, SETTINGS), 0.95) == tail(method(alone, 6, given, SETTINGS), 0.95)


@covers("2.129")
@pytest.mark.parametrize("method", METHODS)
def test_a_figure_knows_nothing_of_what_comes_after_it(method: str) -> None:
    at = 1_500
    poisoned = MARKET.copy()
    poisoned[at:] = 5.0
    found = []
    for market in (MARKET, poisoned):
        told = foretold(seen_of(joint(market), SETTINGS), HELD, np.array([at]), 6, (0.95,), SETTINGS, RiskSettings(), (method,))[0]
        found.append((told.value_at_risk[0], told.shortfall[0]))
    alone, given = past_of(MARKET[:at], HELD)
    law = METHODS[method](alone, 6, given, SETTINGS)
    assert found[0] == found[1] == (tail(law, 0.95).value_at_risk, tail(law, 0.95).shortfall)


def test_what_came_is_the_loss_of_who_held_on_after_the_forecast() -> None:
    seen = seen_of(joint(MARKET), SETTINGS)
    at = np.array([1_000, 1_594])
    told = foretold(seen, np.stack((HELD, np.array([0.0, 100.0, 0.0]))), at, 6, (0.95,), SETTINGS, RiskSettings(), ("normal",))[0]
    assert (told.at_ns == seen.joint.ended_ns[at - 1]).all()
    assert told.loss[0] == pytest.approx(-float((np.prod(1.0 + MARKET[1_000:1_006], axis=0) - 1.0) @ HELD))
    assert told.loss[1] == pytest.approx(-100.0 * (np.prod(1.0 + MARKET[1_594:, 1]) - 1.0))
    assert list(moments_of(seen, 6, 6)[:3]) == [0, 6, 12] and moments_of(seen, 6, 6)[-1] == 1_590  # 1,600 returns: the last six begin at 1,594
    flat = foretold(seen, np.zeros(3), at, 6, (0.95,), SETTINGS, RiskSettings())
    assert all(np.isnan(one.value_at_risk).all() and np.isnan(one.loss).all() for one in flat)


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


def test_a_run_as_long_as_the_horizon_takes_every_run_once_and_a_shorter_one_draws_by_the_seed() -> None:
    whole = paths_of(100, 24, 24, SETTINGS)
    assert whole.shape == (100, 24) and (whole[:, 0] == np.arange(100)).all() and (np.diff(whole, axis=1) % 100 == 1).all()
    drawn, again = paths_of(100, 24, 7, SETTINGS), paths_of(100, 24, 7, SETTINGS)
    assert drawn.shape == (SETTINGS.paths, 24) and (drawn == again).all()
    assert (drawn != paths_of(100, 24, 7, msgspec.structs.replace(SETTINGS, seed=2))).any()
    assert (np.diff(drawn[:, :7], axis=1) % 100 == 1).all()


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


@covers("2.129")
def test_a_normal_market_has_the_closed_form_by_every_method() -> None:
    settings_ = msgspec.structs.replace(SETTINGS, half_life_days=60.0, history_days=3_650.0)
    market = np.random.default_rng(5).normal(0.0, 0.01, (40_000, 1))
    past, given = past_of(market, np.array([1_000.0]), settings_)
    for name, law in METHODS.items():
        for level, quantile in ((0.95, 1.644854), (0.99, 2.326348)):
            found = tail(law(past, 1, given, settings_), level)
            # an EWMA with a half-life of 1,440 hours has the error of 4,155 returns, 1.1 %; the quantiles of 40,000 another 1.2 %; three of both
            assert found.value_at_risk == pytest.approx(10.0 * quantile, rel=0.05), name


def test_shortfall_of_history_is_sub_additive_over_portfolios() -> None:
    one, other = np.array([500.0, 0.0, -200.0]), np.array([-100.0, 300.0, 400.0])
    for law in (historical_law, filtered_law):
        for level in (0.95, 0.99):
            apart = [tail(law(past_of(MARKET, held)[0], 1, terms(), SETTINGS), level).shortfall for held in (one, other)]
            assert tail(law(past_of(MARKET, one + other)[0], 1, terms(), SETTINGS), level).shortfall <= sum(apart) + 1e-9


def test_too_little_history_is_refused_with_its_numbers_and_never_guessed() -> None:
    for count, said in ((10, "not known yet"), (300, "joint returns, 500 are needed")):
        past, given = past_of(MARKET[:count], HELD)
        assert said in filtered_law(past, 1, given, SETTINGS).refused
    past, given = past_of(MARKET[:10], HELD)
    assert "not known" in normal_law(past, 1, given, SETTINGS).refused
    seen = seen_of(joint(MARKET), SETTINGS)
    assert np.isnan(past_at(seen, HELD, 5, EYE, STRESS).variance).all() and seen.joint.step_ns == HOUR_NS
