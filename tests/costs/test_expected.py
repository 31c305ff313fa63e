"""Expected funding: what one side pays the other receives, in proportion to the time held."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.costs.expected import FUNDING_NS, expected_funding
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS

FEW = settings(max_examples=50)
BPS = st.floats(-300, 300)
HOLDS = st.integers(0, 365 * DAY_NS)


@FEW
@given(funding_bps=BPS, hold_ns=HOLDS)
def test_a_long_pays_what_a_short_receives(funding_bps: float, hold_ns: int) -> None:
    assert expected_funding(funding_bps, 1, hold_ns) == -expected_funding(funding_bps, -1, hold_ns)
    assert expected_funding(funding_bps, 0, hold_ns) == 0.0


@FEW
@given(funding_bps=BPS, hold_ns=HOLDS, more_ns=HOLDS)
def test_two_holds_one_after_the_other_cost_what_one_long_one_does(funding_bps: float, hold_ns: int, more_ns: int) -> None:
    parts = expected_funding(funding_bps, 1, hold_ns) + expected_funding(funding_bps, 1, more_ns)
    assert expected_funding(funding_bps, 1, hold_ns + more_ns) == pytest.approx(parts, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("funding_bps", "side", "hold_ns", "bps"),
    [
        (1.0, 1, FUNDING_NS, 1.0),  # the usual hundredth of a percent every eight hours
        (1.0, 1, DAY_NS, 3.0),
        (2.0, -1, 4 * HOUR_NS, -1.0),
        (-3.0, 1, 2 * DAY_NS, -18.0),  # a long receives a negative rate
        (-3.0, -1, HOUR_NS, 0.375),
        (5.0, 1, 0, 0.0),
    ],
)
def test_by_hand(funding_bps: float, side: int, hold_ns: int, bps: float) -> None:
    assert expected_funding(funding_bps, side, hold_ns) == bps


def test_an_unknown_rate_is_an_unknown_cost() -> None:
    assert math.isnan(expected_funding(math.nan, 1, HOUR_NS))
