"""Frame bars of a history are what the resampling step gives as candles come, and nothing later can change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import FRAMES, MINUTE_NS
from metastackerbandit.market.frames import frame_bars
from tests.covering import covers
from tests.features.scenes import market


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_of_its_own_candles_is_those_candles(frame: str) -> None:
    candles = market(1, 50, frame_ns=FRAMES[frame])
    assert frame_bars(candles, FRAMES[frame], FRAMES[frame]).tobytes() == candles.tobytes()


def test_whole_bars_sum_up_their_candles_and_the_unfinished_one_is_left_out() -> None:
    candles = market(2, 15 * 40 + 7, frame_ns=MINUTE_NS)
    bars = frame_bars(candles, MINUTE_NS, 15 * MINUTE_NS)
    parts = candles[: 15 * 40].reshape(40, 15)
    assert len(bars) == 40
    assert np.array_equal(bars["opened_ns"], parts["opened_ns"][:, 0]) and np.array_equal(bars["known_ns"], parts["known_ns"][:, -1])
    assert np.array_equal(bars["high"], parts["high"].max(axis=1)) and np.array_equal(bars["low"], parts["low"].min(axis=1))
    assert np.array_equal(bars["open"], parts["open"][:, 0]) and np.array_equal(bars["close"], parts["close"][:, -1])
    for name in ("volume", "quote_volume", "taker_volume", "trades"):
        np.testing.assert_allclose(bars[name], parts[name].sum(axis=1), rtol=1e-12)
    assert (bars["parts"] == 15).all() and (bars["parts_due"] == 15).all()


def test_a_bar_without_its_last_candle_is_known_when_the_next_one_opens() -> None:
    candles = market(3, 90, frame_ns=MINUTE_NS)
    torn = np.concatenate((candles[:14], candles[40:]))
    bars = frame_bars(torn, MINUTE_NS, 15 * MINUTE_NS)
    assert bars["known_ns"][0] == candles["opened_ns"][40] > bars["closed_ns"][0] == candles["closed_ns"][14]
    assert bars["parts"][0] == 14 and bars["parts"][1] == 5 and bars["opened_ns"][1] == candles["opened_ns"][30]


@covers("K4")
@settings(max_examples=40)
@given(seed=st.integers(0, 1_000), cut=st.integers(1, 599), frame=st.sampled_from(["5m", "15m", "1h", "4h"]), holes=st.sampled_from([0.0, 0.3, 0.9]))
def test_a_longer_history_only_adds_bars(seed: int, cut: int, frame: str, holes: float) -> None:
    candles = market(seed, 600, frame_ns=MINUTE_NS, holes=holes)
    whole = frame_bars(candles, MINUTE_NS, FRAMES[frame])
    start = frame_bars(candles[:cut], MINUTE_NS, FRAMES[frame])
    assert whole[: len(start)].tobytes() == start.tobytes()
    assert (np.diff(whole["closed_ns"]) > 0).all() and (whole["known_ns"] >= whole["closed_ns"]).all()
    assert (whole["closed_ns"] % FRAMES[frame] == 0).all()
