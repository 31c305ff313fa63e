"""The square-root law: four times the size has twice the impact, nothing has none, and no impact passes its cap."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.costs.impact import MOST_IMPACT, impact_rate
from tests.covering import covers

FEW = settings(max_examples=50)
SHARES = st.floats(1e-9, 10.0)


@covers("A42")
@FEW
@given(volatility=st.floats(1e-4, 0.2), participation=st.floats(1e-6, 0.01))
def test_four_times_the_size_has_twice_the_impact(volatility: float, participation: float) -> None:
    one, four = impact_rate(1.0, volatility, participation), impact_rate(1.0, volatility, 4 * participation)
    assert four < MOST_IMPACT
    assert abs(four - 2 * one) <= 2  # both are cut to 1e-8 of price
    assert abs(impact_rate(1.0, 2 * volatility, participation) - 2 * one) <= 2
    assert abs(impact_rate(2.0, volatility, participation) - 2 * one) <= 2


@FEW
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


def test_the_last_rate_below_the_cap_is_reached() -> None:
    """A coefficient of 3/2 on a whole day's volume: the volatility itself, here a hundredth of a rate below 10 %."""
    assert impact_rate(1.5, 0.0999999999, 1.0) == MOST_IMPACT - 1


def test_switched_off_means_that_nothing_is_asked() -> None:
    assert impact_rate(0.0, math.inf, 1.0) == 0
