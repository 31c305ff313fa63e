"""Candles for tests of labels: drawn by hand, walked from a seed (never shown as data), or recorded ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.timeframe import MINUTE_NS
from tests.markets import START_NS
from tests.shared import shared_data

TICKS = {"BTCUSDT": 0.1, "ETHUSDT": 0.01, "SOLUSDT": 0.01}


def drawn(prices: Sequence[tuple[int, int, int, int]], base_ns: int = 5 * MINUTE_NS, start_ns: int = START_NS) -> np.ndarray:
    """Candles from (open, high, low, close)."""
    candles = np.zeros(len(prices), layout(Bar))
    candles["opened_ns"] = start_ns + np.arange(len(prices)) * base_ns
    candles["closed_ns"] = candles["known_ns"] = candles["opened_ns"] + base_ns
    for place, name in enumerate(("open", "high", "low", "close")):
        candles[name] = [row[place] for row in prices]
    candles["volume"] = candles["parts"] = candles["parts_due"] = 1
    return candles


def stepped(seed: int, count: int, *, steps: int = 30, step: float = 60.0, start: int = 1_000_000, base_ns: int = 5 * MINUTE_NS) -> np.ndarray:
    """A random walk in ticks, normal steps, seen as candles without gaps: each opens where the last closed."""
    moves = np.random.default_rng(seed).normal(0.0, step, count * steps)
    path = np.rint(start + np.concatenate(([0.0], np.cumsum(moves)))).astype(np.int64)
    inside = np.lib.stride_tricks.sliding_window_view(path, steps + 1)[::steps]
    return drawn(np.column_stack((inside[:, 0], inside.max(axis=1), inside.min(axis=1), inside[:, -1])).tolist(), base_ns)


def settlements(rows: Iterable[tuple[int, int, int]]) -> np.ndarray:
    """Settlements from (time, rate, mark)."""
    return np.array(list(rows), layout(FundingRow))


def recorded_candles(folder: str, symbol: str, base_ns: int, first_ns: int = 0, last_ns: int = 2**62) -> np.ndarray:
    """Recorded perpetuals that opened in [first, last)."""
    frame = pl.read_parquet(shared_data() / "klines" / folder / f"{symbol}.parquet")
    opened = frame["open_time"].dt.epoch("ns").to_numpy()
    candles = np.zeros(len(frame), layout(Bar))
    candles["opened_ns"] = opened
    candles["closed_ns"] = candles["known_ns"] = opened + base_ns
    for name in ("open", "high", "low", "close"):
        candles[name] = np.rint(frame[name].to_numpy() / TICKS[symbol])
    candles["volume"], candles["parts"], candles["parts_due"] = frame["volume"].to_numpy(), 1, 1
    return candles[(opened >= first_ns) & (opened < last_ns)]
