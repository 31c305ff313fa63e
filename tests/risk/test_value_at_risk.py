"""The figures: every method at every level and horizon, their samples, errors and refusals; correlations, returns and the caps in use."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS
from metastackerbandit.risk.correlation import Matrix, Pair, Trail, correlation_terms, follow, refresh
from metastackerbandit.risk.joint_correlation import correlations, linked_under, stressed
from metastackerbandit.risk.joint_returns import joint_returns, over_horizon
from metastackerbandit.risk.loss_laws import METHODS
from metastackerbandit.risk.settings import RiskSettings
from metastackerbandit.risk.tail import NORMAL
from metastackerbandit.risk.usage import Bet, Use, uses
from metastackerbandit.risk.value_at_risk import LEVELS, Figure, figures, variance_ratios
from tests.covering import covers
from tests.risk.portfolios import BEGIN_NS, QUICK, garch, past_of

RISK = RiskSettings()


def figures_of(returns: np.ndarray, exposures: np.ndarray, settings=QUICK) -> dict[tuple[str, int, float], Figure]:
    """Every figure by method, horizon in hours and level."""
    past, terms = past_of(returns, exposures, settings)
    return {(one.method, one.horizon_ns // HOUR_NS, one.level): one for one in figures(past, terms, HOUR_NS, settings)}


@covers("2.129")
def test_every_method_says_or_refuses_every_figure_with_its_sample_and_interval() -> None:
    found = figures_of(garch(1, 7_000, 2, tails=9.0), np.array([1_000.0, -500.0]))
    assert set(found) == {(method, hours, level) for method in METHODS for hours in (1, 24) for level in LEVELS}
    for (method, hours, _), one in found.items():
        assert one.observations > 0 and one.independent == one.observations / hours
        if one.refused:
            assert math.isnan(one.value_at_risk) and math.isnan(one.shortfall_high)
            continue
        assert 0.0 < one.value_at_risk < one.shortfall
        if method == "cornish_fisher" and math.isnan(one.value_at_risk_low):
            continue  # resamples whose shape lies outside the domain
        assert one.value_at_risk_low < one.value_at_risk < one.value_at_risk_high
        assert one.shortfall_low < one.shortfall < one.shortfall_high
    for method in ("filtered", "historical", "normal", "stress"):
        assert found[method, 1, 0.99].value_at_risk > found[method, 1, 0.95].value_at_risk
        assert found[method, 24, 0.95].value_at_risk > 3.0 * found[method, 1, 0.95].value_at_risk
    assert found["stress", 24, 0.99].value_at_risk > found["normal", 24, 0.99].value_at_risk  # the hedge of the short leg has gone


@covers("2.129")
def test_the_same_history_has_the_same_figures_and_another_seed_other_intervals() -> None:
    market, held = garch(2, 1_500), np.array([100.0])
    one, again = figures_of(market, held), figures_of(market, held)
    assert msgspec.json.encode(list(one.values())) == msgspec.json.encode(list(again.values()))
    other = figures_of(market, held, msgspec.structs.replace(QUICK, seed=9))
    assert other["filtered", 1, 0.95].value_at_risk == one["filtered", 1, 0.95].value_at_risk
    assert other["filtered", 1, 0.95].value_at_risk_low != one["filtered", 1, 0.95].value_at_risk_low


@covers("2.129")
def test_a_short_history_refuses_the_tail_that_it_cannot_tell_and_says_why() -> None:
    found = figures_of(garch(3, 1_500), np.array([100.0]))
    assert found["filtered", 24, 0.95].refused == "" and found["historical", 1, 0.99].refused == ""
    for method in ("filtered", "historical"):
        assert "leave 0.6 beyond 99%, 2.5 are needed" in found[method, 24, 0.99].refused
    assert "tell no kurtosis" in found["cornish_fisher", 24, 0.95].refused
    assert found["normal", 24, 0.99].refused == ""
    young = figures_of(garch(3, 60), np.array([100.0]))
    assert all(one.refused and math.isnan(one.value_at_risk) for one in young.values())


@covers("2.129")
def test_heavy_tails_are_refused_by_cornish_and_fisher_alone() -> None:
    found = figures_of(garch(4, 6_000, tails=2.5), np.array([100.0]))
    assert "quantiles would cross" in found["cornish_fisher", 1, 0.99].refused
    assert found["filtered", 1, 0.99].refused == ""


def test_candles_longer_than_the_horizon_say_nothing_of_it() -> None:
    past, terms = past_of(garch(5, 1_000), np.array([100.0]))
    found = {(one.method, one.horizon_ns): one for one in figures(past, terms, DAY_NS, QUICK, (HOUR_NS, DAY_NS, 36 * HOUR_NS))}
    assert "longer than this horizon" in found["filtered", HOUR_NS].refused
    assert "no multiple" in found["normal", 36 * HOUR_NS].refused
    assert found["filtered", DAY_NS].refused == ""


@covers("2.129")
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    settings = msgspec.structs.replace(QUICK, resamples=200)
    truth = {level: NORMAL.inv_cdf(level) for level in LEVELS}
    held = dict.fromkeys(("filtered", "normal"), 0)
    for seed in range(60):
        found = figures_of(np.random.default_rng(seed).normal(size=(1_200, 1)) * 0.01, np.array([100.0]), settings)
        for method in held:
            one = found[method, 1, 0.95]
            held[method] += one.value_at_risk_low <= truth[0.95] <= one.value_at_risk_high
    # of 60, a coverage of 95 % has a standard error of 2.8 %; random weights are known to be a little narrow
    assert all(count >= 51 for count in held.values()), held


def test_overlapping_days_count_as_the_few_days_that_they_are() -> None:
    found = figures_of(np.random.default_rng(21).normal(size=(7_000, 1)) * 0.01, np.array([100.0]))
    widths = {
        hours: (one.value_at_risk_high - one.value_at_risk_low) / one.value_at_risk for hours in (1, 24) if (one := found["historical", hours, 0.95])
    }
    assert widths[24] > 2.5 * widths[1]  # the root of 24 is 4.9; drawn one by one, both would be as narrow


def test_random_weights_leave_a_constant_alone_and_spread_by_the_effective_sample() -> None:
    rng = np.random.default_rng(6)
    assert variance_ratios(np.full(500, 0.3), 0.99, 50, rng) == pytest.approx(np.ones(50))
    assert (variance_ratios(np.zeros(10), 0.99, 5, rng) == 1.0).all()
    ratios = variance_ratios(rng.normal(size=20_000), 0.99, 2_000, rng)
    assert ratios.mean() == pytest.approx(1.0, abs=0.02)
    assert ratios.std() == pytest.approx(math.sqrt(2.0 * 0.01 / 1.99), rel=0.3)  # var z^2 times the sum of squared weights


# -- returns and correlations ----------------------------------------------------------------------------------------


def test_returns_are_of_closes_on_the_clock_and_a_hole_leaves_two_unknown() -> None:
    five = HOUR_NS // 12
    times = BEGIN_NS + five * np.arange(1, 61, dtype=np.int64)  # five hours of 5m closes
    closes = 1_000 + np.arange(60, dtype=np.int64)
    kept = np.arange(60) != 23  # the close at 02:00
    found = joint_returns([times, times[kept]], [closes, closes[kept]], HOUR_NS)
    assert list((found.ended_ns - BEGIN_NS) // HOUR_NS) == [2, 3, 4, 5]
    assert found.returns[:, 0] == pytest.approx(12 / (closes[11:-12:12]))
    assert list(np.isnan(found.returns[:, 1])) == [True, True, False, False]
    assert found.until(BEGIN_NS + 3 * HOUR_NS).returns.shape == (2, 2)
    with pytest.raises(DataRefused):
        joint_returns([times[:0]], [closes[:0]], HOUR_NS)


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=12), st.integers(1, 4))
def test_a_horizon_compounds_its_returns(changes: list[float], steps: int) -> None:
    returns = np.array(changes)[:, None]
    found = over_horizon(returns, steps)
    assert len(found) == max(len(returns) - steps + 1, 0)
    for place, one in enumerate(found[:, 0]):
        assert one == pytest.approx(np.prod(1.0 + returns[place : place + steps]) - 1.0, abs=1e-12)


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


# -- caps ------------------------------------------------------------------------------------------------------------

BETS = st.lists(
    st.builds(Bet, st.integers(0, 2), st.integers(-500, 500).filter(bool).map(float), st.sampled_from((math.nan, 0.0, 12.0)), st.just(0.02)),
    max_size=6,
)


def by_name(bets: list[Bet], equity: float = 1_000.0) -> dict[str, Use]:
    """The caps of some bets on three unrelated symbols."""
    return {use.name: use for use in uses(bets, 3, np.eye(3), equity, RISK)}


@covers("2.129")
@given(BETS)
def test_the_mirrored_account_uses_as_much_of_every_cap(bets: list[Bet]) -> None:
    mirrored = [msgspec.structs.replace(bet, notional=-bet.notional) for bet in bets]
    one, other = by_name(bets), by_name(mirrored)
    assert {name: use.used for name, use in one.items()} == pytest.approx({name: use.used for name, use in other.items()})
    assert one["net_exposure"].used <= one["side_exposure"].used <= one["gross_exposure"].used
    assert one["correlated_heat"].used <= one["heat"].used + 1e-12


def test_the_caps_by_hand() -> None:
    bets = [Bet(0, 400.0, 10.0, 0.02), Bet(0, -100.0, math.nan, 0.03), Bet(1, -200.0, 8.0, 0.05)]
    found = by_name(bets)
    assert found["symbol_exposure"].used == 0.4 and found["gross_exposure"].used == 0.7
    assert found["side_exposure"].used == 0.4 and found["net_exposure"].used == pytest.approx(0.1)
    assert found["heat"].used == pytest.approx((10.0 + 3.0 + 8.0) / 1_000.0)  # without a stop: one deviation of a day
    assert found["correlated_heat"].used == pytest.approx(math.sqrt(7.0**2 + 8.0**2) / 1_000.0)
    assert found["gross_exposure"].share == pytest.approx(0.7 / RISK.max_gross_exposure)
    assert math.isinf(by_name(bets, equity=0.0)["gross_exposure"].used)
    assert math.isnan(by_name([Bet(0, 10.0, math.nan, math.nan)])["heat"].used)
    assert all(use.used == 0.0 for use in by_name([]).values())
