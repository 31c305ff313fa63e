"""Joint returns: closes on one clock, holes that stay unknown, and horizons that compound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.risk.joint_returns import joint_returns, over_horizon
from tests.risk.portfolios import BEGIN_NS, joint


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


def test_a_close_off_the_clock_tells_nothing() -> None:
    times = BEGIN_NS + HOUR_NS * np.arange(1, 4, dtype=np.int64)
    late = times + np.array([0, 1, 0])
    found = joint_returns([times, late], [np.array([100, 110, 121]), np.array([100, 300, 121])], HOUR_NS)
    assert found.returns[:, 0] == pytest.approx([0.1, 0.1])
    assert np.isnan(found.returns[:, 1]).all() and found.step_ns == HOUR_NS


def test_the_grid_goes_from_the_first_close_of_any_symbol_to_the_last() -> None:
    early, later = BEGIN_NS + HOUR_NS * np.array([1, 2, 3], np.int64), BEGIN_NS + HOUR_NS * np.array([3, 4, 5], np.int64)
    found = joint_returns([later, early], [np.array([1, 2, 4]), np.array([1, 3, 9])], HOUR_NS)
    assert list((found.ended_ns - BEGIN_NS) // HOUR_NS) == [2, 3, 4, 5]
    assert found.returns[:, 0] == pytest.approx([math.nan, math.nan, 1.0, 1.0], nan_ok=True)
    assert found.returns[:, 1] == pytest.approx([2.0, 2.0, math.nan, math.nan], nan_ok=True)


def test_one_close_has_no_return() -> None:
    found = joint_returns([np.array([BEGIN_NS], np.int64)], [np.array([5])], HOUR_NS)
    assert found.returns.shape == (0, 1) and len(found.ended_ns) == 0
    between = joint_returns([np.array([BEGIN_NS + 1], np.int64)], [np.array([5])], HOUR_NS)
    assert between.returns.shape == (0, 1)


def test_a_symbol_without_candles_is_named_as_what_is_wrong_here() -> None:
    times, closes = np.array([BEGIN_NS], np.int64), np.array([5])
    for one in ([], [times[:0]], [times, times[:0]]):
        with pytest.raises(DataRefused, match="a symbol has no candles") as refused:
            joint_returns(one, [closes[: len(stamps)] for stamps in one], HOUR_NS)
        assert refused.value.where == "risk" and "symbols that have candles" in refused.value.mend


def test_the_past_the_newest_and_some_symbols_are_cuts_of_the_whole() -> None:
    whole = joint(np.arange(12.0).reshape(4, 3))
    second = int(whole.ended_ns[1])
    assert (whole.until(second).returns == whole.returns[:2]).all() and len(whole.until(second - 1).ended_ns) == 1
    assert (whole.last(1).returns == whole.returns[3:]).all() and list(whole.last(3).ended_ns) == list(whole.ended_ns[1:])
    assert (whole.of([2, 0]).returns == whole.returns[:, [2, 0]]).all() and whole.of([1]).returns.flags.c_contiguous
    assert {cut.step_ns for cut in (whole.until(second), whole.last(2), whole.of([0]))} == {HOUR_NS}
    assert (whole.of([2, 0]).ended_ns == whole.ended_ns).all()


def test_one_step_is_the_returns_themselves_to_the_bit() -> None:
    returns = joint(np.array([[0.1], [math.nan], [0.3]])).returns
    assert over_horizon(returns, 1).tobytes() == returns.tobytes()
    assert np.isnan(over_horizon(returns, 2)).all() and over_horizon(returns, 4).shape == (0, 1)
    assert over_horizon(returns[:, [0, 0]], 4).shape == (0, 2)
