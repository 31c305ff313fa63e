"""Sizing: one formula by example and by its laws."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.risk.sizing import BY_FRACTION, BY_NOTIONAL, BY_QUANTITY, BY_VOLATILITY, UNKNOWN_SIZE, drawdown_scale, wanted_lots
from tests.covering import covers

MONEY = 10**8  # one dollar
LOT = 50 * MONEY  # 0.001 BTC at 50,000
EQUITIES = st.integers(-(10**15), 10**17)
FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def wanted(**changes: Any) -> int:
    """Half the book of 10,000 dollars, at a volatility of 60 % and a target of 15 %."""
    usual: dict[str, Any] = {
        "mode": BY_VOLATILITY,
        "alpha": 1.0,
        "share": 0.5,
        "equity": 10_000 * MONEY,
        "lot_money": LOT,
        "volatility": 0.6,
        "target": 0.15,
        "fraction": 1.0,
        "notional": 1_000 * MONEY,
        "lots": 7,
        "scale": 1.0,
        "kelly": math.inf,
    }
    return wanted_lots(*(usual | changes).values())


# -- the formula by example --------------------------------------------------------------------------------------------------


@covers("2.128")
def test_the_volatility_formula_by_hand() -> None:
    """0.5 x 1 x 0.15 / 0.6 x 10,000 = 1,250 dollars: 25 lots of 50."""
    assert wanted() == 25
    assert wanted(alpha=0.5) == 12  # 12.5, rounded down
    assert wanted(scale=0.4) == 10
    assert wanted(volatility=1.2) == 12


def test_the_fixed_sizes_by_hand() -> None:
    assert wanted(mode=BY_FRACTION) == 100  # half of 10,000 in lots of 50
    assert wanted(mode=BY_FRACTION, fraction=0.1) == 10
    assert wanted(mode=BY_NOTIONAL) == 20
    assert wanted(mode=BY_NOTIONAL, notional=49 * MONEY) == 0
    assert wanted(mode=BY_QUANTITY) == 7


@covers("A13")
def test_unknown_volatility_is_an_unknown_size_and_only_where_it_is_needed() -> None:
    assert wanted(volatility=math.nan) == UNKNOWN_SIZE
    assert wanted(mode=BY_FRACTION, volatility=math.nan) == 100
    assert wanted(mode=BY_NOTIONAL, volatility=math.nan) == 20
    assert wanted(mode=BY_QUANTITY, volatility=math.nan) == 7


@pytest.mark.parametrize(
    "changes", [{"alpha": 0.0}, {"scale": 0.0}, {"equity": 0}, {"equity": -(10**12)}, {"alpha": math.nan}, {"volatility": math.inf}]
)
def test_nothing_is_wanted_without_an_opinion_or_without_equity(changes: dict[str, Any]) -> None:
    assert wanted(**changes) == 0


def test_no_edge_wants_nothing_and_an_unknown_one_has_no_size() -> None:
    assert wanted(kelly=0.0) == 0 and wanted(alpha=0.0, volatility=0.0) == 0  # nothing is divided by a volatility that nobody needs
    assert wanted(kelly=0.0, volatility=0.0) == 0
    assert wanted(kelly=math.nan) == UNKNOWN_SIZE
    assert wanted(kelly=0.1) == 10 and wanted(kelly=0.3) == 25  # the smaller of Kelly's size and the volatility's


def test_one_lot_is_the_least_that_is_wanted() -> None:
    assert wanted(mode=BY_NOTIONAL, notional=50 * MONEY) == 1
    assert wanted(mode=BY_NOTIONAL, notional=75 * MONEY) == 1
    assert wanted(alpha=1.0, kelly=1.0) == 25


# -- laws ------------------------------------------------------------------------------------------------------------------------


@covers("A13", "2.128")
@given(calm=st.floats(0.01, 5), wild=st.floats(0.01, 5), equity=EQUITIES)
def test_more_volatility_never_means_more_size(calm: float, wild: float, equity: int) -> None:
    calm, wild = min(calm, wild), max(calm, wild)
    assert wanted(volatility=calm, equity=equity) >= wanted(volatility=wild, equity=equity)


@given(small=st.floats(0, 1), large=st.floats(0, 1), name=st.sampled_from(["alpha", "scale", "target"]))
def test_size_rises_with_opinion_with_scale_and_with_the_target(small: float, large: float, name: str) -> None:
    small, large = min(small, large), max(small, large)
    assert wanted(**{name: small}) <= wanted(**{name: large})


@given(equity=st.integers(1, 10**14), times=st.integers(2, 50))
def test_size_grows_in_proportion_to_equity(equity: int, times: int) -> None:
    one, many = wanted(equity=equity), wanted(equity=equity * times)
    assert times * one - 1 <= many <= times * (one + 1)


@given(mode=st.integers(0, 2), alpha=FLOATS, share=FLOATS, equity=EQUITIES, lot=st.integers(1, 2**62), volatility=FLOATS, scale=FLOATS)
def test_no_input_makes_a_size_negative_or_overflow(
    mode: int, alpha: float, share: float, equity: int, lot: int, volatility: float, scale: float
) -> None:
    if volatility == 0.0:
        volatility = 5e-324  # zero volatility is reported as unknown before it comes here
    size = wanted(mode=mode, alpha=alpha, share=share, equity=equity, lot_money=lot, volatility=volatility, scale=scale)
    assert 0 <= size <= 4 * 10**18 or size == UNKNOWN_SIZE
    assert (size == UNKNOWN_SIZE) == (mode == BY_VOLATILITY and math.isnan(volatility))


# -- drawdown scale -----------------------------------------------------------------------------------------------------------------


@given(drawdown=st.floats(-1, 5), deeper=st.floats(-1, 5), most=st.floats(0.01, 1), least=st.floats(0, 1))
def test_size_shrinks_from_the_peak_towards_the_largest_drawdown_and_never_below_its_floor(
    drawdown: float, deeper: float, most: float, least: float
) -> None:
    drawdown, deeper = min(drawdown, deeper), max(drawdown, deeper)
    assert least <= drawdown_scale(deeper, most, least) <= drawdown_scale(drawdown, most, least) <= 1.0


def test_the_scale_is_one_at_the_peak_half_on_the_way_and_its_floor_at_the_end() -> None:
    assert [drawdown_scale(at, 0.2, 0.0) for at in (0.0, 0.1, 0.2, 0.9)] == [1.0, 0.5, 0.0, 0.0]
    assert [drawdown_scale(at, 0.2, 0.25) for at in (0.0, 0.1, 0.14, 0.16, 0.9)] == [1.0, 0.5, pytest.approx(0.3), 0.25, 0.25]
