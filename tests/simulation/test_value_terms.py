"""Terms keep what the settings promise in the long run: volatility, jumps and the market's share add up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.simulation.settings import MARKETS, GeneratorSettings, ListingSettings
from metastackerbandit.simulation.value_terms import activities, listed_terms, quote_terms, regime_shares, value_terms
from tests.markets import instrument

HOURS = st.floats(0.1, 100.0)
SHARES = st.floats(0.0, 1.0)
MADE = st.builds(
    GeneratorSettings,
    calm_hours=HOURS,
    normal_hours=HOURS,
    storm_hours=HOURS,
    calm_chance=SHARES,
    calm_volatility=st.floats(0.1, 1.0),
    storm_volatility=st.floats(1.0, 20.0),
    common_share=SHARES,
    jumps_a_day=st.just(0.0) | st.floats(1e-3, 100.0),
    jump_share=st.floats(0.0, 0.9),
)


@given(MADE)
def test_regimes_keep_the_long_run_volatility(made):
    shares, rates = regime_shares(made), activities(made)
    assert sum(shares) == pytest.approx(1.0)
    assert sum(share * rate for share, rate in zip(shares, rates, strict=True)) == pytest.approx(1.0)
    assert rates[0] <= rates[1] <= rates[2]


@given(MADE)
def test_diffusion_and_jumps_have_a_variance_of_one_a_second(made):
    terms = value_terms(made)
    assert terms.diffusion + terms.jump_rate * terms.jump_deviation * terms.jump_deviation == pytest.approx(1.0)
    assert terms.common * terms.common + terms.own * terms.own == pytest.approx(1.0)
    assert terms.drift_deviation * terms.per_drift == pytest.approx(1.0)


def test_shares_of_regimes_are_worked_out_by_hand():
    made = GeneratorSettings(calm_hours=10.0, normal_hours=6.0, storm_hours=2.0, calm_chance=0.5)
    assert regime_shares(made) == pytest.approx((5 / 12, 6 / 12, 1 / 12))
    assert activities(made) == pytest.approx(tuple(square / (0.25 * 5 / 12 + 6 / 12 + 9 / 12) for square in (0.25, 1.0, 9.0)))


def test_without_predictability_the_drift_leans_nowhere():
    assert value_terms(GeneratorSettings(predictability=0.0)).per_drift == 0.0


def test_units_of_rates_and_spans():
    terms = value_terms(GeneratorSettings())
    assert (terms.calm_stay_s, terms.normal_stay_s, terms.storm_stay_s) == (36_000.0, 21_600.0, 7_200.0)
    assert terms.funding_ns == 8 * 3_600 * 10**9
    assert (terms.funding_rate, terms.funding_lean, terms.most_funding) == (10_000.0, 10_000.0, 300_000.0)
    assert terms.jump_rate * 86_400.0 == pytest.approx(2.0)
    assert math.exp(-terms.noise_pull * 900.0) == pytest.approx(0.5)
    assert math.exp(-terms.follow_pull * 60.0) == pytest.approx(math.exp(-1.0))
    assert terms.per_press == pytest.approx(math.sqrt(2.0 / 60.0))


def test_a_listing_scales_volatility_and_trades_and_sizes_are_in_its_own_steps():
    made = GeneratorSettings(annual_volatility=0.5, trades_a_second=3.0, trade_notional=1_000.0)
    terms = listed_terms(made, ListingSettings(price=10.0, volatility=2.0, flow=4.0), instrument(tick_size="0.1", lot_size="0.001"))
    assert terms.volatility * math.sqrt(365.25 * 86_400.0) == pytest.approx(1.0)
    assert terms.trades == 12.0
    assert terms.size_turnover == pytest.approx(1_000.0 / 0.0001)


def test_presets_differ_where_their_names_say():
    normal, wild, busy = MARKETS["normal"], MARKETS["high-volatility"], MARKETS["high-volume"]
    assert wild.annual_volatility > 2.0 * normal.annual_volatility and regime_shares(wild)[2] > 2.0 * regime_shares(normal)[2]
    assert busy.trades_a_second == 10.0 * normal.trades_a_second
    assert normal == GeneratorSettings()


def test_quotes_are_shares_of_the_value_and_sizes_in_the_instrument_s_own_steps():
    terms = quote_terms(GeneratorSettings(spread_bps=2.0, level_bps=0.5, level_notional=10_000.0, refill_seconds=4.0, reach_bps=7.0), instrument())
    assert (terms.half_spread, terms.level_step, terms.taker_reach, terms.refill_rate) == pytest.approx((1e-4, 0.5e-4, 7e-4, 0.25))
    assert terms.level_turnover == pytest.approx(10_000.0 / 0.0001)
    assert (terms.levels, terms.level_growth, terms.quotes) == (30, 0.1, 10.0)
