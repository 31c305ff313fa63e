"""The figures: every method at every level and horizon, their samples, errors and refusals."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS
from metastackerbandit.risk.loss_laws import METHODS
from metastackerbandit.risk.settings import RiskSettings
from metastackerbandit.risk.tail import NORMAL
from metastackerbandit.risk.value_at_risk import LEVELS, Figure, figures, variance_ratios
from tests.covering import covers
from tests.risk.portfolios import QUICK, garch, past_of

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
    for one in figures(past, terms, DAY_NS, QUICK, (HOUR_NS,)):
        assert (one.horizon_ns, one.observations, one.independent) == (HOUR_NS, 0, 0.0) and one.level in LEVELS and math.isnan(one.value_at_risk)
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


def test_figures_stand_by_horizon_then_level_then_method() -> None:
    past, terms = past_of(garch(5, 1_000), np.array([100.0]))
    found = figures(past, terms, HOUR_NS, QUICK, (2 * HOUR_NS, HOUR_NS))
    assert [(one.horizon_ns, one.level, one.method) for one in found] == [
        (hours * HOUR_NS, level, method) for hours in (2, 1) for level in LEVELS for method in METHODS
    ]


def test_a_refusal_names_the_sample_that_was_too_small() -> None:
    past, terms = past_of(garch(3, 600), np.array([100.0]))
    refused = {(one.method, one.level): one for one in figures(past, terms, HOUR_NS, QUICK, (DAY_NS,)) if one.refused}
    plain = refused["historical", 0.99]
    assert (plain.observations, plain.independent) == (577, 577 / 24)  # stretches of 24 hours in 600


@pytest.mark.parametrize("change", [0.004, -0.004])
def test_a_past_that_never_differed_has_no_error(change: float) -> None:
    """Every hour the same return: plain history loses the same each time, drawn anew too; a gain is a loss below nothing."""
    past, terms = past_of(np.full((800, 1), change), np.array([1_000.0]))
    (found,) = [one for one in figures(past, terms, HOUR_NS, QUICK, (HOUR_NS,)) if (one.method, one.level) == ("historical", 0.95)]
    for told in (found.value_at_risk, found.value_at_risk_low, found.value_at_risk_high, found.shortfall, found.shortfall_low, found.shortfall_high):
        assert told == pytest.approx(-1_000.0 * change)


def test_a_law_by_formula_is_as_wrong_as_today_s_volatility() -> None:
    """Of a normal law nothing is drawn but the variance: value at risk and shortfall move together, and the middle half of the draws holds it."""
    past, terms = past_of(garch(6, 1_200), np.array([100.0]))
    for one in figures(past, terms, HOUR_NS, QUICK, (HOUR_NS,)):
        if one.method == "normal":
            low, high = one.value_at_risk_low / one.value_at_risk, one.value_at_risk_high / one.value_at_risk
            assert (one.shortfall_low / one.shortfall, one.shortfall_high / one.shortfall) == pytest.approx((low, high))
            assert 0.6 < low < 1.0 < high < 1.5  # 144 returns of weight: a deviation of 8 % in the variance, 4 % in its root, and fat tails


def test_what_is_forgotten_or_unknown_does_not_weigh_and_the_newest_return_weighs_most() -> None:
    """With half of the past kept a return, the 41st newest has a weight below 1e-12."""

    def ratios(losses: np.ndarray) -> np.ndarray:
        return variance_ratios(losses, 0.5, 200, np.random.default_rng(1))

    newest = np.random.default_rng(2).normal(size=60)
    long_ago = np.concatenate(([1e6] * 5, newest))
    holes = np.insert(newest, [0, 30, 60], math.nan)
    assert ratios(long_ago).tobytes() == ratios(newest).tobytes() == ratios(holes).tobytes()
    assert (ratios(np.full(3, math.nan)) == 1.0).all() and (ratios(np.zeros(0)) == 1.0).all()
    small = ratios(1e-9 * newest)
    assert small == pytest.approx(ratios(newest))  # a ratio knows no unit
    last, first = np.zeros(30), np.zeros(30)
    last[-1] = first[0] = 1.0
    assert ratios(first).std() > 3.0 * ratios(last).std()  # alone and nearly forgotten, it comes and goes
