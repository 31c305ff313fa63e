"""A made history is whole candles that agree over frames, goes on where it ended, and looks like the recorded market."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS
from metastackerbandit.market.resample import Forming, absorb
from metastackerbandit.simulation.history import History, made_history
from metastackerbandit.simulation.made_market import advance_market
from metastackerbandit.simulation.settings import MARKETS, GeneratorSettings
from tests.covering import covers
from tests.markets import START_NS
from tests.shared import shared_data
from tests.simulation.made import begun

FRAMES = [MINUTE_NS, 5 * MINUTE_NS, HOUR_NS]


def history(span_ns: int, frame_ns: int = 5 * MINUTE_NS, settings: GeneratorSettings | None = None) -> History:
    """So long a history of the three symbols."""
    return made_history(begun(settings), settings or GeneratorSettings(), START_NS + span_ns, frame_ns)


@kernel
def absorbed(bars: Any, frame_ns: int, forming: Any, done: Any) -> int:
    """Minutes resampled as everywhere else."""
    n = 0
    for k in range(len(bars)):
        if absorb(forming[0], bars[k], MINUTE_NS, frame_ns, done[n]):
            n += 1
    return n


@covers("0.30")
@pytest.mark.parametrize("frame_ns", FRAMES)
@pytest.mark.parametrize("preset", sorted(MARKETS))
def test_candles_are_whole_and_join(preset, frame_ns):
    made = history(2 * DAY_NS, frame_ns, MARKETS[preset])
    bars = made.bars
    assert bars.shape == (3, 2 * DAY_NS // frame_ns) and bars.dtype == rows(Bar, 0).dtype
    assert (bars["opened_ns"] == START_NS + np.arange(bars.shape[1]) * frame_ns).all()
    assert (bars["closed_ns"] == bars["opened_ns"] + frame_ns).all() and (bars["known_ns"] == bars["closed_ns"]).all()
    assert (bars["parts"] == frame_ns // MINUTE_NS).all() == (bars["parts_due"] == bars["parts"]).all() == np.True_
    assert (bars["low"] >= 1).all()
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all() and (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
    if frame_ns == MINUTE_NS:
        assert (bars["open"][:, 1:] == bars["close"][:, :-1])[(bars["trades"] > 0)[:, :-1]].all()
    assert ((bars["volume"] > 0.0) == (bars["trades"] > 0.0)).all() and (bars["trades"] > 0.0).mean() > 0.99
    assert (bars["taker_volume"] >= 0.0).all() and (bars["taker_volume"] <= bars["volume"]).all()
    assert bars["volume"] / 0.001 == pytest.approx(np.rint(bars["volume"] / 0.001))
    steps = np.array([[0.1], [0.1], [0.01]])
    dealt = bars["volume"] > 0.0
    prices = (bars["quote_volume"] / np.where(dealt, bars["volume"], 1.0) / steps)[dealt]
    assert (prices >= bars["low"][dealt] - 1e-6).all() and (prices <= bars["high"][dealt] + 1e-6).all()


@given(st.integers(0, 2_000), st.integers(0, 6), st.integers(0, 6))
@hypothesis_settings(max_examples=10)
def test_going_on_is_never_having_stopped(seed, first, second):
    settings = GeneratorSettings(seed=seed)
    whole, parted = begun(settings), begun(settings)
    until_ns = START_NS + (first + second) * HOUR_NS
    at_once = made_history(whole, settings, until_ns, 5 * MINUTE_NS)
    parts = [made_history(parted, settings, end, 5 * MINUTE_NS) for end in (START_NS + first * HOUR_NS, until_ns)]
    for name in ("bars", "funding", "drifts"):
        assert b"".join(getattr(part, name)[s].tobytes() for s in range(3) for part in parts) == getattr(at_once, name).tobytes()
    assert all(one.tobytes() == other.tobytes() for one, other in zip(whole, parted, strict=True))


def test_live_steps_go_on_where_the_last_candle_ended():
    """History is nothing but the steps that live time takes: the value it leaves is that of the same steps without candles."""
    told, plain = begun(), begun()
    bars = made_history(told, GeneratorSettings(), START_NS + HOUR_NS, 5 * MINUTE_NS).bars
    for _ in range(12 * 60):
        advance_market(plain, 5_000_000_000)
    assert told.market.tobytes() == plain.market.tobytes()
    assert told.values["log_ticks"].tolist() == plain.values["log_ticks"].tolist()
    assert bars["close"][:, -1].tolist() == [round(math.exp(log)) for log in plain.values["log_ticks"].tolist()]


@pytest.mark.parametrize("frame_ns", FRAMES[1:])
def test_longer_frames_are_the_same_minutes_resampled(frame_ns):
    minutes, longer = history(DAY_NS, MINUTE_NS), history(DAY_NS, frame_ns)
    for s in range(3):
        done = rows(Bar, DAY_NS // frame_ns)
        assert absorbed(minutes.bars[s], frame_ns, rows(Forming, 1), done) == len(done)
        assert done.tobytes() == longer.bars[s].tobytes()
    assert (minutes.drifts[:, frame_ns // MINUTE_NS - 1 :: frame_ns // MINUTE_NS] == longer.drifts).all()
    assert minutes.funding.tobytes() == longer.funding.tobytes()


def test_ten_times_the_flow_is_the_same_prices():
    normal, busy = history(DAY_NS, settings=MARKETS["normal"]).bars, history(DAY_NS, settings=MARKETS["high-volume"]).bars
    for name in ("open", "high", "low", "close"):
        assert (normal[name] == busy[name]).all()
    assert busy["trades"].sum() == pytest.approx(10.0 * normal["trades"].sum(), rel=0.02)
    assert busy["quote_volume"].sum() == pytest.approx(10.0 * normal["quote_volume"].sum(), rel=0.05)


def test_a_minute_without_trades_stands_still():
    settings = GeneratorSettings(trades_a_second=0.01)
    bars = history(6 * HOUR_NS, MINUTE_NS, settings).bars
    quiet = bars["trades"] == 0
    assert 0.3 < quiet.mean() < 0.9
    for name in ("open", "high", "low", "close"):
        assert (bars[name][:, 1:][quiet[:, 1:]] == bars["close"][:, :-1][quiet[:, 1:]]).all()
    for name in ("volume", "quote_volume", "taker_volume"):
        assert (bars[name][quiet] == 0.0).all() and (bars[name][~quiet] >= 0.0).all()
    assert (bars["volume"][~quiet] > 0.0).all()


def test_flow_is_what_the_settings_say():
    bars = history(60 * DAY_NS).bars
    minutes = bars.shape[1] * 5
    assert bars["trades"].sum(axis=1) / minutes / 60.0 == pytest.approx([2.0, 2.0, 1.0], rel=0.15)
    assert bars["quote_volume"].sum() / bars["trades"].sum() == pytest.approx(5_000.0, rel=0.02)
    assert bars["taker_volume"].sum() / bars["volume"].sum() == pytest.approx(0.5, abs=0.01)


def test_funding_is_settled_on_the_clock_at_the_value():
    made = history(30 * DAY_NS)
    assert made.funding.shape == (3, 90)
    assert (made.funding["at_ns"] == START_NS + np.arange(1, 91) * 8 * HOUR_NS).all()
    assert (made.funding["mark"] == made.bars["close"][:, 95::96]).all()
    assert made.funding["rate"].mean() == pytest.approx(10_000.0, abs=4_000.0)
    leans = made.drifts.reshape(3, 90, 96).mean(axis=2)
    assert np.corrcoef(leans[0], made.funding["rate"][0])[0, 1] > 0.99


@pytest.mark.parametrize(
    ("span_ns", "frame_ns", "what"),
    [
        (HOUR_NS, 30 * 10**9, "candles of 30 s"),
        (HOUR_NS, 90 * 10**9, "candles of 90 s"),
        (7 * MINUTE_NS, 5 * MINUTE_NS, "no whole number"),
        (-HOUR_NS, HOUR_NS, "no whole number"),
    ],
)
def test_a_span_that_is_no_whole_number_of_candles_is_refused(span_ns, frame_ns, what):
    made = begun()
    before = made.market.tobytes()
    with pytest.raises(ConfigRefused, match=what):
        made_history(made, GeneratorSettings(), START_NS + span_ns, frame_ns)
    assert made.market.tobytes() == before


def looks(logs: np.ndarray, ranges: np.ndarray, volume: np.ndarray) -> dict[str, float]:
    """What a year of five-minute candles looks like: figures that no single day decides."""
    moves = np.diff(logs)
    size = np.abs(moves)
    return {
        "volatility": moves.std() * math.sqrt(12 * 8_766),
        "median": float(np.median(size)) / moves.std(),
        "thousandth": float(np.quantile(size, 0.999)) / moves.std(),
        "range": ranges.mean() / moves.std(),
        "next move": float(np.corrcoef(moves[:-1], moves[1:])[0, 1]),
        "next size": float(np.corrcoef(size[:-1], size[1:])[0, 1]),
        "size an hour on": float(np.corrcoef(size[:-12], size[12:])[0, 1]),
        "size six hours on": float(np.corrcoef(size[:-72], size[72:])[0, 1]),
        "volume": volume.std() / volume.mean(),
        "volume and size": float(np.corrcoef(np.log(volume[1:] + 1e-9), np.log(size + 1e-6))[0, 1]),
    }


@covers("0.30", "0.22")
def test_a_made_year_resembles_the_recorded_one():
    """Figures of the made market beside those of BTCUSDT's five-minute candles of 2025, in bands that a Gaussian or a shuffled market misses."""
    recorded = pl.read_parquet(shared_data() / "klines" / "binance_usdm_5m" / "BTCUSDT.parquet")
    column = {name: recorded[name].to_numpy() for name in ("high", "low", "close", "volume")}
    real = looks(np.log(column["close"]), np.log(column["high"] / column["low"]), column["volume"])
    bars = history(365 * DAY_NS).bars[0]
    made = looks(np.log(bars["close"]), np.log(bars["high"] / bars["low"]), bars["volume"])
    for name, band in (("median", 0.1), ("thousandth", 0.2), ("range", 0.1), ("next size", 0.25), ("size an hour on", 0.35), ("volume", 0.35)):
        assert made[name] == pytest.approx(real[name], rel=band), name
    assert made["volatility"] == pytest.approx(0.48, rel=0.08) and made["volatility"] == pytest.approx(real["volatility"], rel=0.15)
    assert abs(made["next move"]) < 0.02 and abs(real["next move"]) < 0.03
    assert made["size six hours on"] > 0.02 and made["volume and size"] == pytest.approx(real["volume and size"], abs=0.15)


def digest() -> str:
    """Of an hour of all three presets."""
    total = hashlib.sha256()
    for preset in sorted(MARKETS):
        made = history(HOUR_NS, settings=MARKETS[preset])
        total.update(made.bars.tobytes() + made.funding.tobytes() + made.drifts.tobytes())
    return total.hexdigest()


def test_plain_python_makes_the_same_history():
    answer = subprocess.run(
        [sys.executable, "-c", "from tests.simulation.test_history import digest; print(digest())"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2_000:]
    assert answer.stdout.strip() == digest()
