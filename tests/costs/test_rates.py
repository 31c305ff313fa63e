"""Costs as whole rates of 1e-8: each from its own setting, exact to a ten thousandth of a basis point."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.costs.rates import CostRates, rates_of, round_trip_bps
from metastackerbandit.costs.settings import CostSettings

FEW = settings(max_examples=50)


def test_basis_points_become_rates_of_1e_8() -> None:
    costs = CostSettings(taker_fee_bps=4.5, maker_fee_bps=1.5, half_spread_bps=0.5, slippage_bps=1.25, impact_coefficient=0.7)
    assert rates_of(costs) == CostRates(taker=45_000, maker=15_000, touch=17_500, impact_coefficient=0.7)


@FEW
@given(steps=st.integers(0, 10_000_000))
def test_rates_are_exact_to_a_ten_thousandth_of_a_basis_point(steps: int) -> None:
    rates = rates_of(CostSettings(taker_fee_bps=steps / 10_000, maker_fee_bps=steps / 10_000, half_spread_bps=steps / 10_000, slippage_bps=0.0))
    assert rates.taker == rates.maker == rates.touch == steps


@FEW
@given(fee=st.integers(0, 10_000), spread=st.integers(0, 10_000), slippage=st.integers(0, 10_000))
def test_a_round_trip_is_twice_the_rate_and_the_touch(fee: int, spread: int, slippage: int) -> None:
    costs = CostSettings(taker_fee_bps=fee / 16, half_spread_bps=spread / 16, slippage_bps=slippage / 16)
    rates = rates_of(costs)
    assert round_trip_bps(costs) == 2 * (rates.taker + rates.touch) / 10_000
