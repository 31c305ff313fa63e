"""The input's bars: rows on the clock, scaled by the bars before them, and a ring that was filled anew is read from its beginning."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import HOUR_NS, MINUTE_NS
from metastackerbandit.features.input_bars import FLOW, LOG_RETURN, PRESENT, RANGE, VOLUME, take_history, write_bars
from metastackerbandit.features.input_state import LEAST_SEEN, InputState, empty_state
from metastackerbandit.features.model_input import InputStream
from metastackerbandit.features.stream import FeatureStream
from metastackerbandit.market.bar_ring import refill
from metastackerbandit.market.bars import BAR_FRAMES
from tests.features.inputs import ONE, empty_market
from tests.features.scenes import START_NS, market

FRAMES = tuple(BAR_FRAMES.values())


def shown(state: InputState, k: int, at_ns: int, grace_ns: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Block k (300, 6) and its mask."""
    out, valid = np.empty((300, 6), np.float32), np.empty((300, 6), np.bool_)
    write_bars(state, k, at_ns, grace_ns, out, valid)
    return out, valid


@settings(max_examples=10)
@given(seed=st.integers(0, 999), count=st.integers(2, 500), holes=st.sampled_from((0.0, 0.1)))
def test_rows_are_what_plain_arithmetic_gives_of_the_bars_before(seed: int, count: int, holes: float) -> None:
    bars, state = market(seed, count, frame_ns=HOUR_NS, holes=holes), empty_state(FRAMES)
    at_ns = START_NS + count * HOUR_NS
    take_history(state, 2, bars, at_ns)
    out, valid = shown(state, 2, at_ns)
    assert np.array_equal(valid, ~np.isnan(out))
    square, seen, mean, variance, close, index = 0.0, 0, 0.0, 0.0, math.nan, -1
    for volumes, bar in enumerate(bars):
        place = int(bar["opened_ns"] - START_NS) // HOUR_NS
        row, log = out[300 - count + place] if place >= count - 300 else None, math.log(bar["close"])
        change = log - close if place == index + 1 and index >= 0 else math.nan
        volume = math.log1p(bar["quote_volume"])
        if row is not None:
            sigma = math.sqrt(square) if seen >= LEAST_SEEN else math.nan
            assert row[LOG_RETURN] == pytest.approx(change / sigma, rel=1e-5, abs=1e-6, nan_ok=True)
            assert row[RANGE] == pytest.approx((math.log(bar["high"]) - math.log(bar["low"])) / sigma, rel=1e-5, nan_ok=True)
            spread = math.sqrt(variance) if volumes >= LEAST_SEEN else math.nan
            assert row[VOLUME] == pytest.approx((volume - mean) / spread, rel=1e-4, abs=1e-5, nan_ok=True)
            assert row[FLOW] == pytest.approx(2 * bar["taker_volume"] / bar["volume"] - 1, rel=1e-4, abs=1e-6)
            assert row[PRESENT] == (0.0 if math.isnan(row[RANGE]) else 1.0)
        if not math.isnan(change):
            seen += 1
            square += max(2 / 49, 1 / seen) * (change**2 - square)
        share = max(2 / 49, 1 / (volumes + 1))
        off = volume - mean
        mean, variance, close, index = mean + share * off, (1 - share) * (variance + share * off * off), log, place


@settings(max_examples=10)
@given(seed=st.integers(0, 999), at=st.integers(1, 399))
def test_bars_that_are_not_known_yet_cannot_be_seen(seed: int, at: int) -> None:
    bars, other = market(seed, 400, frame_ns=MINUTE_NS), market(seed + 1, 400, frame_ns=MINUTE_NS, ticks=3e4)
    at_ns = int(bars["known_ns"][at - 1])
    poisoned = np.concatenate((bars[:at], other[at:]))
    found = []
    for history in (bars, poisoned):
        state = empty_state(FRAMES)
        take_history(state, 1, history, at_ns)
        found.append((shown(state, 1, at_ns)[0].tobytes(), state.indicated.values.tobytes()))
    assert found[0] == found[1]


def test_the_indicators_are_the_features_of_the_newest_minute() -> None:
    bars, state = market(3, 300, frame_ns=MINUTE_NS), empty_state(FRAMES)
    stream = FeatureStream(MINUTE_NS, has_volume=True, has_flow=True, has_funding=True, has_book=True)
    for place in range(len(bars)):
        stream.on_bar(bars, place)
    take_history(state, 1, bars, int(bars["known_ns"][-1]))
    assert state.indicated.values[0].tobytes() == stream.values.tobytes() and np.array_equal(state.indicated.valid[0], stream.valid)


def test_rows_lie_on_the_clock_and_part_bars_are_masked() -> None:
    bars, state = market(4, 340, frame_ns=MINUTE_NS), empty_state(FRAMES)
    bars["parts"][330] = 0
    end_ns = START_NS + 340 * MINUTE_NS
    take_history(state, 1, bars, end_ns)
    out, valid = shown(state, 1, end_ns)
    assert not valid[290, :4].any() and valid[291, RANGE] and out[:, PRESENT].sum() == 299
    later, known = shown(state, 1, end_ns + 5 * MINUTE_NS)
    assert not known[-5:, :4].any() and np.array_equal(later[:-5, :4], out[5:, :4], equal_nan=True)
    early, _ = shown(state, 1, end_ns, grace_ns=1)  # by the clock the newest is not over yet
    assert np.array_equal(early[1:, :4], out[:-1, :4], equal_nan=True)
    assert out[-1, 4] == pytest.approx(1 / 300) and out[0, 4] == 1.0


def test_a_ring_that_was_filled_anew_is_read_from_its_beginning() -> None:
    bars, cob = empty_market()
    stream, whole = InputStream(ONE, 0, bars, cob), market(5, 700, frame_ns=HOUR_NS)
    place = FRAMES.index(HOUR_NS)
    refill(bars, 0, place, whole[200:400])
    stream.advance(int(whole["known_ns"][399]))
    refill(bars, 0, place, whole)
    at_ns = int(whole["known_ns"][-1])
    stream.advance(at_ns)
    anew, state = shown(stream.state, 2, at_ns)[0], empty_state(FRAMES)
    take_history(state, 2, whole, at_ns)
    assert anew.tobytes() == shown(state, 2, at_ns)[0].tobytes()
