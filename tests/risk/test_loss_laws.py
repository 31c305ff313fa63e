"""The five methods: scale, mirror, order and closed form; and what they refuse."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.risk.loss_laws import (
    METHODS,
    Law,
    cornish_fisher_law,
    filtered_law,
    historical_law,
    moments,
    normal_law,
    paths_of,
    refusal,
    stress_law,
    tails,
)
from metastackerbandit.risk.tail import Tail
from tests.covering import covers
from tests.risk.portfolios import QUICK, SETTINGS, garch, past_of, terms

MARKET = garch(1, 1_600, 3, tails=9.0)
HELD = np.array([1_000.0, -400.0, 250.0])
SCALES = st.sampled_from((2.0, 0.5, 4.0, 1024.0))  # powers of two scale floats exactly


def tail(law: Law, level: float) -> Tail:
    """The tail at one level."""
    return tails(law, (level,))[0]


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


def test_a_run_as_long_as_the_horizon_takes_every_run_once_and_a_shorter_one_draws_by_the_seed() -> None:
    whole = paths_of(100, 24, 24, SETTINGS)
    assert whole.shape == (100, 24) and (whole[:, 0] == np.arange(100)).all() and (np.diff(whole, axis=1) % 100 == 1).all()
    drawn, again = paths_of(100, 24, 7, SETTINGS), paths_of(100, 24, 7, SETTINGS)
    assert drawn.shape == (SETTINGS.paths, 24) and (drawn == again).all()
    assert (drawn != paths_of(100, 24, 7, msgspec.structs.replace(SETTINGS, seed=2))).any()
    assert (np.diff(drawn[:, :7], axis=1) % 100 == 1).all()


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


def test_a_law_counts_its_stretches_and_those_that_do_not_overlap() -> None:
    past, given = past_of(MARKET, HELD)
    known = int((~np.isnan(past.standard)).all(axis=1).sum())
    for method, count in (("filtered", known), ("historical", 1_600 - 5), ("normal", known), ("stress", known)):
        law = METHODS[method](past, 6, given, SETTINGS)
        assert (law.method, law.steps, law.observations, law.independent) == (method, 6, count, count / 6)
        assert law.scales == (0 if method == "historical" else 1)  # plain history knows no volatility of today
    bent = cornish_fisher_law(past, 6, given, SETTINGS)
    assert (bent.method, bent.steps, bent.scales) == ("cornish_fisher", 6, 1) and bent.observations == len(bent.shape) == round(6 * bent.independent)


def test_plain_history_is_the_compounded_loss_of_every_stretch_that_is_known() -> None:
    market = MARKET[:600].copy()
    market[300, 1] = math.nan
    past, given = past_of(market, HELD)
    law = historical_law(past, 2, given, SETTINGS)
    grown = (1.0 + market[:-1]) * (1.0 + market[1:]) - 1.0
    assert law.losses == pytest.approx(np.delete(-(grown @ HELD), [299, 300])) and law.observations == 597


def test_normal_and_stressed_deviations_by_hand() -> None:
    past, given = past_of(MARKET, HELD)
    spread = HELD * np.sqrt(past.variance)
    square = float(spread @ past.correlation @ spread)
    assert normal_law(past, 4, given, SETTINGS).deviation == pytest.approx(math.sqrt(4 * square))
    one, other = past_of(MARKET[:, :2], np.array([500.0, 300.0]))[0], past_of(MARKET[:, :2], np.array([500.0, -300.0]))[0]
    for past in (one, other):
        spread = past.exposures * np.sqrt(past.variance)
        joint = max(0.9, past.correlation[0, 1]) if past is one else min(past.correlation[0, 1], 0.0)
        worst = math.sqrt(spread @ spread + 2.0 * joint * spread[0] * spread[1])
        assert stress_law(past, 1, given, SETTINGS).deviation == pytest.approx(worst)


def test_a_bet_on_an_unknown_pair_is_taken_for_stressed_by_the_normal_law() -> None:
    past, given = past_of(MARKET[:, :2], np.array([500.0, 300.0]))
    unknown = msgspec.structs.replace(past, correlation=np.array([[1.0, math.nan], [math.nan, 1.0]]))
    assert normal_law(unknown, 1, given, SETTINGS).deviation == stress_law(unknown, 1, given, SETTINGS).deviation


def test_the_shape_is_the_portfolio_s_own_losses_in_units_of_their_forecasts() -> None:
    """Sums over two steps, over the deviation forecast before the first of them; an unknown return is left out as if it had not been."""
    market = garch(3, 900)
    past, given = past_of(market, np.array([100.0]))
    law = cornish_fisher_law(past, 2, given, SETTINGS)
    losses, keep, warm = -100.0 * market[:, 0], given.keep, given.warm_up
    expected = []
    for t in range(warm, len(losses) - 1):
        weights = keep ** np.arange(t)[::-1]
        forecast = float(weights @ losses[:t] ** 2 / weights.sum())
        expected.append((losses[t] + losses[t + 1]) / math.sqrt(2.0 * forecast))
    assert law.shape == pytest.approx(np.array(expected), rel=1e-6)
    assert (law.skewness, law.kurtosis) == moments(law.shape)


def test_moments_are_those_of_known_laws() -> None:
    assert moments(np.array([-1.0, 1.0])) == (0.0, -2.0)  # a fair coin has the least kurtosis there is
    skewness, kurtosis = moments(np.array([0.0, 0.0, 0.0, 4.0]))
    assert skewness == pytest.approx(2.0 / math.sqrt(3.0)) and kurtosis == pytest.approx(1.0 / 3.0 - 1.0)  # one in four: (1 - 2p)/s, (1 - 6pq)/pq
    assert moments(np.full(5, 3.0)) == (0.0, 0.0)
    values = np.random.default_rng(1).exponential(size=200_000)
    assert moments(values) == (pytest.approx(2.0, abs=0.1), pytest.approx(6.0, abs=1.0))
    assert moments(5.0 * values + 7.0) == pytest.approx(moments(values))


def test_a_level_is_refused_where_too_few_independent_stretches_lie_beyond_it_and_said_where_just_enough_do() -> None:
    need = SETTINGS.least_tail  # 2.5
    enough = Law("historical", 1, 50, 50.0, 0, losses=np.arange(50.0))
    assert refusal(enough, 1.0 - need / 50.0, SETTINGS) == ""
    said = refusal(enough, 0.99, SETTINGS)
    assert said == "too little history: 50 independent stretches leave 0.5 beyond 99%, 2.5 are needed"
    assert refusal(msgspec.structs.replace(enough, refused="no"), 0.5, SETTINGS) == "no"
    assert refusal(Law("normal", 1, 5, 5.0, 1, deviation=1.0), 0.99, SETTINGS) == ""  # a formula has a tail at any level


def test_each_kind_of_law_has_its_own_tail() -> None:
    normal = Law("normal", 1, 100, 100.0, 1, deviation=2.0)
    bent = Law("cornish_fisher", 1, 100, 100.0, 1, deviation=2.0, skewness=0.3, kurtosis=1.0)
    straight = msgspec.structs.replace(bent, skewness=0.0, kurtosis=0.0)
    assert tail(normal, 0.95) == tail(straight, 0.95) != tail(bent, 0.95)
    assert [one.value_at_risk for one in tails(normal, (0.95, 0.99))] == [tail(normal, 0.95).value_at_risk, tail(normal, 0.99).value_at_risk]
    sample = Law("filtered", 1, 100, 100.0, 1, losses=np.arange(1.0, 101.0))
    assert tail(sample, 0.95) == Tail(95.0, 98.0)


@pytest.mark.parametrize("count", [499, 500])
def test_a_sample_needs_its_least_number_of_returns(count: int) -> None:
    past, given = past_of(MARKET[: count + 72], HELD)  # the filter knows nothing of the first 72
    assert (filtered_law(past, 1, given, SETTINGS).refused == "") is (count == 500)
    plain, _ = past_of(MARKET[:count], HELD)
    law = historical_law(plain, 1, given, SETTINGS)
    assert (law.refused == "") is (count == 500) and len(law.losses) == (0 if law.refused else 500)
    few = msgspec.structs.replace(SETTINGS, least_shape=430)
    told, _ = past_of(MARKET[: 72 + count - 70], HELD)
    assert (normal_law(told, 1, given, few).refused == "") is (count == 500)
    assert (cornish_fisher_law(told, 1, given, few).refused == "") is (count == 500)


def test_a_history_shorter_than_the_horizon_has_no_shape() -> None:
    past, given = past_of(MARKET[:10], HELD)
    law = cornish_fisher_law(past, 24, given, SETTINGS)
    assert len(law.shape) == law.observations == 0 and law.refused
