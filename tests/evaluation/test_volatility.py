"""Volatility over the horizon: the same at both speeds, from the past alone, right for a known walk, and floored by its own history."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.label import LabelSpec
from metastackerbandit.evaluation.volatility import LEAST, VolatilityStream, horizon_volatility
from tests.covering import covers
from tests.evaluation.candles import drawn, stepped
from tests.markets import walk

SPECS = st.builds(
    LabelSpec,
    horizon=st.integers(1, 60),
    span=st.integers(2, 40),
    floor_quantile=st.floats(0.0, 0.5),
    floor_bars=st.integers(10, 80),
)
QUICK = settings(max_examples=40)


@covers("A34")
@QUICK
@given(seed=st.integers(0, 10_000), spec=SPECS, count=st.integers(0, 150), stop=st.integers(0, 150))
def test_a_stream_with_a_restart_gives_the_block_to_the_bit(seed, spec, count, stop):
    bars = walk(seed, count, holes=0.1)
    stream, given = VolatilityStream(spec), []
    for place in range(len(bars)):
        if place == stop:
            state = stream.state()
            stream = VolatilityStream(spec)
            stream.restore(state)
        given.append(stream.on_bar(bars, place))
    assert np.array(given, np.float64).tobytes() == horizon_volatility(bars, spec).tobytes()


@covers("K4", "B20")
@QUICK
@given(seed=st.integers(0, 10_000), spec=SPECS, cut=st.integers(1, 119))
def test_later_bars_change_nothing(seed, spec, cut):
    one, other = walk(seed, 120), walk(seed, 120)
    other[cut:] = walk(seed + 1, 120, step=0.03)[cut:]
    assert horizon_volatility(one, spec)[:cut].tobytes() == horizon_volatility(other, spec)[:cut].tobytes()


@QUICK
@given(seed=st.integers(0, 10_000), spec=SPECS)
def test_it_is_unknown_until_a_span_of_bars_was_seen_and_never_after(seed, spec):
    volatility = horizon_volatility(walk(seed, 120), spec)
    assert np.isnan(volatility[: spec.span - 1]).all()
    assert (volatility[spec.span - 1 :] >= LEAST).all()


@QUICK
@given(seed=st.integers(0, 10_000), spec=SPECS)
def test_the_floor_is_the_trailing_quantile_to_a_fifth_of_a_percent(seed, spec):
    bars = walk(seed, 160)
    bars[80:] = walk(seed, 160, step=0.0001)[80:]  # it grows quiet, so that the floor binds
    floored = horizon_volatility(bars, spec)
    raw = _unfloored(bars, spec)
    for n in range(len(bars)):
        before = raw[max(n - spec.floor_bars, 0) : n]
        before = np.sort(before[np.isfinite(before)])
        if math.isnan(raw[n]):
            continue
        floor = before[int(spec.floor_quantile * (len(before) - 1))] if len(before) else 0.0
        exact = max(raw[n], floor)
        assert exact * (1 - 1 / 500) <= floored[n] <= exact * (1 + 1e-9)


def _unfloored(bars, spec):
    """The definition, bar by bar: weights that fall by 1 - 2 / (span + 1), scaled by the root of the horizon."""
    log = {name: np.log(bars[name].astype(np.float64)) for name in ("open", "high", "low", "close")}
    variance = (log["high"] - log["close"]) * (log["high"] - log["open"]) + (log["low"] - log["close"]) * (log["low"] - log["open"])
    keep = 1 - 2 / (spec.span + 1)
    out = np.full(len(bars), np.nan)
    for n in range(spec.span - 1, len(bars)):
        weights = keep ** np.arange(n, -1, -1)
        out[n] = max(math.sqrt(np.sum(weights * variance[: n + 1]) / weights.sum() * spec.horizon), LEAST)
    return out


def test_a_walk_of_known_volatility_is_measured():
    # 200 steps a bar of 20 in 1e6: sd of a bar 2.83e-4, of 12 bars 9.80e-4. Rogers-Satchell sees extremes between steps too near:
    # about 0.9 / sqrt(200) = 6 % of a volatility too little (Garman and Klass 1980, table 1); the mean over 8,000 bars errs by 0.5 %.
    bars = stepped(3, 8_000, steps=200, step=20.0)
    spec = LabelSpec(horizon=12, floor_quantile=0.0)
    measured = np.nanmean(horizon_volatility(bars, spec)) * np.nanmean(bars["close"]) / 1e6
    assert measured == pytest.approx(math.sqrt(200 * 12) * 20 / 1e6, rel=0.08)
    assert measured < math.sqrt(200 * 12) * 20 / 1e6


def test_a_market_that_stands_still_counts_as_moving_a_millionth():
    volatility = horizon_volatility(drawn([(500, 500, 500, 500)] * 60), LabelSpec(span=5))
    assert (volatility[4:] == LEAST).all()


def test_a_snapshot_of_another_specification_is_refused():
    with pytest.raises(DataRefused):
        VolatilityStream(LabelSpec(floor_bars=20)).restore(VolatilityStream(LabelSpec(floor_bars=30)).state())
