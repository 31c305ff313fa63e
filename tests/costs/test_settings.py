"""What trading costs, as a user states it: a round trip by market orders, and what no cost can be."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.costs.settings import CostSettings

CENTS = st.integers(0, 6_400).map(lambda steps: steps / 64)  # sums of such numbers are exact


@settings(max_examples=50)
@given(taker=CENTS, maker=CENTS, spread=CENTS, slippage=CENTS)
def test_a_round_trip_pays_fee_half_spread_and_slippage_twice_and_nothing_else(taker: float, maker: float, spread: float, slippage: float) -> None:
    costs = CostSettings(taker_fee_bps=taker, maker_fee_bps=maker, half_spread_bps=spread, slippage_bps=slippage, impact_coefficient=3.0)
    assert costs.round_trip_bps() == taker + taker + spread + spread + slippage + slippage


def test_examples_of_a_round_trip() -> None:
    assert CostSettings(taker_fee_bps=5.0, half_spread_bps=0.5, slippage_bps=1.0).round_trip_bps() == 13.0 == CostSettings().round_trip_bps()
    assert CostSettings(taker_fee_bps=0, half_spread_bps=0, slippage_bps=0, maker_fee_bps=9).round_trip_bps() == 0.0


@pytest.mark.parametrize(
    "given_",
    [{"taker_fee_bps": -1.0}, {"maker_fee_bps": 1_001}, {"half_spread_bps": -0.1}, {"slippage_bps": 2e3}, {"impact_coefficient": 11}, {"fee": 1.0}],
)
def test_a_cost_below_nothing_beyond_its_range_or_unknown_is_refused(given_: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given_, CostSettings)
