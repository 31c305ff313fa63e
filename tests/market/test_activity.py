"""Volatility and volume: the running sums equal plain exponentially weighted means, and say NaN while they know nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, YEAR_NS
from metastackerbandit.market.activity import Activity, annual_volatility, daily_volume, observe, pace_of
from metastackerbandit.market.settings import MarketSettings
from tests.covering import covers
from tests.markets import recorded

SETTINGS = MarketSettings(fast_volatility_days=0.5, slow_volatility_days=3.0, volume_days=2.0, warm_up_returns=5)
CLOSES = st.lists(st.integers(1_000, 2_000), min_size=1, max_size=80)


def watched(closes: Any, volumes: Any, settings: MarketSettings = SETTINGS, frame_ns: int = HOUR_NS) -> tuple[float, float]:
    """Volatility and daily volume after a series."""
    activity, pace = rows(Activity, 1)[0], row(pace_of(settings, frame_ns))[0]
    for close, volume in zip(closes, volumes, strict=True):
        observe(activity, pace, int(close), float(volume))
    return annual_volatility(activity, pace), daily_volume(activity, pace)


def weighted(values: np.ndarray, half_life_bars: float) -> float:
    """Mean with weights that halve every so many bars, summing to one: no bias of young averages."""
    weights = 0.5 ** (np.arange(len(values))[::-1] / half_life_bars)
    return float((weights * values).sum() / weights.sum())


@given(closes=CLOSES)
def test_volatility_is_the_larger_of_two_weighted_means_of_squared_returns(closes: list[int]) -> None:
    found, _ = watched(closes, np.ones(len(closes)))
    squares = (np.array(closes[1:]) / np.array(closes[:-1]) - 1.0) ** 2
    if len(squares) < 5 or not squares.any():
        assert math.isnan(found)
        return
    variance = max(weighted(squares, 12), weighted(squares, 72))
    assert found == pytest.approx(math.sqrt(variance * YEAR_NS / HOUR_NS), rel=1e-9)


@given(volumes=st.lists(st.floats(0.01, 1e6), min_size=6, max_size=80))
def test_daily_volume_is_a_weighted_mean_times_the_bars_of_a_day(volumes: list[float]) -> None:
    _, found = watched(np.arange(1_000, 1_000 + len(volumes)), volumes)
    assert found == pytest.approx(24 * weighted(np.array(volumes), 48), rel=1e-9)


@given(volumes=st.lists(st.one_of(st.just(math.nan), st.floats(0.01, 1e6)), min_size=6, max_size=60))
def test_bars_of_unknown_volume_are_left_out_of_the_average(volumes: list[float]) -> None:
    _, found = watched(np.arange(1_000, 1_000 + len(volumes)), volumes)
    known = np.array([volume for volume in volumes if not math.isnan(volume)])
    if len(known):
        assert found == pytest.approx(24 * weighted(known, 48), rel=1e-9)
    else:
        assert math.isnan(found)


def test_nothing_is_known_before_the_warm_up_and_something_right_after() -> None:
    closes, volumes = [1_000, 1_001, 999, 1_003, 1_000, 1_002], np.ones(6)
    before = watched(closes[:5], volumes[:5])  # four returns
    after = watched(closes, volumes)  # five
    assert all(math.isnan(value) for value in before)
    assert all(value > 0 for value in after)


@covers("A13")
def test_a_price_that_never_moves_has_no_volatility_rather_than_zero() -> None:
    volatility, volume = watched([1_000] * 50, [2.0] * 50)
    assert math.isnan(volatility)
    assert volume == pytest.approx(48.0)


def test_volume_that_is_zero_or_never_known_is_unknown() -> None:
    assert math.isnan(watched(range(1_000, 1_050), [0.0] * 50)[1])
    assert math.isnan(watched(range(1_000, 1_050), [math.nan] * 50)[1])


@given(closes=st.lists(st.integers(1_000, 2_000), min_size=8, max_size=40), scale=st.integers(2, 1_000))
def test_volatility_does_not_depend_on_the_price_unit(closes: list[int], scale: int) -> None:
    one, _ = watched(closes, np.ones(len(closes)))
    other, _ = watched([close * scale for close in closes], np.ones(len(closes)))
    assert one == pytest.approx(other, rel=1e-6, nan_ok=True)


def test_half_lives_are_in_days_whatever_the_frame() -> None:
    for frame_ns in (5 * 60 * 10**9, HOUR_NS, DAY_NS):
        pace, bars_a_day = pace_of(SETTINGS, frame_ns), DAY_NS / frame_ns
        assert pace.fast_keep ** (bars_a_day * 0.5) == pytest.approx(0.5)
        assert pace.slow_keep ** (bars_a_day * 3.0) == pytest.approx(0.5)
        assert pace.volume_keep ** (bars_a_day * 2.0) == pytest.approx(0.5)
        assert pace.a_day == bars_a_day


def test_a_shock_shows_in_the_fast_average_at_once() -> None:
    calm = [1_000 + k % 2 for k in range(200)]
    before, _ = watched(calm, np.ones(200))
    after, _ = watched([*calm, 1_100], np.ones(201))
    assert after > 10 * before


def test_bitcoins_volatility_in_january_2025_is_that_of_bitcoin() -> None:
    """From 2024-12-31, two weeks of 5m perpetuals: annual volatility 20 % to 150 %, hundreds of thousands of coins a day."""
    bars = recorded(("BTCUSDT",), count=4_000).bars[0]
    volatility, volume = watched(bars["close"], bars["volume"], MarketSettings(), 300 * 10**9)
    assert 0.2 < volatility < 1.5
    assert 0.2 * bars["volume"].mean() * 288 < volume < 5 * bars["volume"].mean() * 288
