"""Costs: a taker never does better than the reference, the square-root law, and rates exact to 1e-4 bps."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.costs.impact import MOST_IMPACT, impact_rate
from metastackerbandit.costs.price import taken_at
from metastackerbandit.costs.rates import rates_of, round_trip_bps
from metastackerbandit.costs.settings import CostSettings
from tests.covering import covers

PRICES = st.integers(1, 2**40)
RATES = st.integers(0, 30_000_000)
SHARES = st.floats(1e-9, 10.0)


@covers("A42")
@given(reference=PRICES, side=st.sampled_from([-1, 1]), rate=RATES)
def test_a_taker_pays_at_least_the_exact_price_and_less_than_one_tick_beyond_it(reference: int, side: int, rate: int) -> None:
    ticks = taken_at(reference, side, rate)
    exact = reference + side * Fraction(reference * rate, 10**8)
    assert ticks >= 1
    assert side * (ticks - reference) >= 0
    if exact > 1:
        assert 0 <= side * (ticks - exact) < 1


@given(reference=st.integers(1_000, 2**40), rate=RATES)
def test_buying_and_selling_are_equally_far_from_the_reference(reference: int, rate: int) -> None:
    assert taken_at(reference, 1, rate) - reference == reference - taken_at(reference, -1, rate)


def test_any_cost_at_all_is_a_whole_tick() -> None:
    assert taken_at(500_000, 1, 1) == 500_001
    assert taken_at(500_000, -1, 1) == 499_999
    assert taken_at(500_000, 1, 0) == 500_000
    assert taken_at(1, -1, 1) == 1  # a price stays positive


@covers("A42")
@given(volatility=st.floats(1e-4, 0.2), participation=st.floats(1e-6, 0.01))
def test_four_times_the_size_has_twice_the_impact(volatility: float, participation: float) -> None:
    one, four = impact_rate(1.0, volatility, participation), impact_rate(1.0, volatility, 4 * participation)
    assert four < MOST_IMPACT
    assert abs(four - 2 * one) <= 2  # both are cut to 1e-8 of price
    assert abs(impact_rate(1.0, 2 * volatility, participation) - 2 * one) <= 2
    assert abs(impact_rate(2.0, volatility, participation) - 2 * one) <= 2


@given(coefficient=st.floats(0, 10), volatility=st.floats(0, 1e6), small=SHARES, large=SHARES)
def test_impact_rises_with_size_and_stays_between_nothing_and_its_cap(coefficient: float, volatility: float, small: float, large: float) -> None:
    small, large = min(small, large), max(small, large)
    assert 0 <= impact_rate(coefficient, volatility, small) <= impact_rate(coefficient, volatility, large) <= MOST_IMPACT


@covers("A42")
def test_the_impact_of_a_tenth_of_a_percent_of_the_day_is_plausible() -> None:
    """Daily volatility 3 %, 0.1 % of the day's volume: (2/3) x 3 % x sqrt(0.001) = 6.3 bps."""
    assert impact_rate(1.0, 0.03, 0.001) == int(2 / 3 * 0.03 * math.sqrt(0.001) * 1e8) == 63_245


@pytest.mark.parametrize("unknown", [(1.0, math.nan, 0.1), (1.0, 0.03, math.nan), (0.0, math.nan, math.nan), (0.0, 0.03, 0.1), (1.0, 0.03, 0.0)])
def test_unknown_or_switched_off_impact_is_zero(unknown: tuple[float, float, float]) -> None:
    assert impact_rate(*unknown) == 0


@pytest.mark.parametrize("volatility", [1e9, 1e300, math.inf])
def test_absurd_impact_is_capped(volatility: float) -> None:
    assert impact_rate(10.0, volatility, 1.0) == MOST_IMPACT


def test_basis_points_become_rates_of_1e_8() -> None:
    rates = rates_of(CostSettings(taker_fee_bps=4.5, maker_fee_bps=1.5, half_spread_bps=0.5, slippage_bps=1.25, impact_coefficient=0.7))
    assert (rates.taker, rates.maker, rates.touch, rates.impact_coefficient) == (45_000, 15_000, 17_500, 0.7)


@given(steps=st.integers(0, 10_000_000))
def test_rates_are_exact_to_a_ten_thousandth_of_a_basis_point(steps: int) -> None:
    rates = rates_of(CostSettings(taker_fee_bps=steps / 10_000, maker_fee_bps=steps / 10_000, half_spread_bps=steps / 10_000, slippage_bps=0.0))
    assert rates.taker == rates.maker == rates.touch == steps


def test_a_round_trip_pays_fee_half_spread_and_slippage_twice() -> None:
    assert round_trip_bps(CostSettings(taker_fee_bps=5.0, half_spread_bps=0.5, slippage_bps=1.0)) == 13.0
    assert round_trip_bps(CostSettings(taker_fee_bps=0, half_spread_bps=0, slippage_bps=0, maker_fee_bps=9)) == 0.0
