"""Generated markets and samples with known truth, for tests of training; never shown as data."""

from __future__ import annotations

import numpy as np

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.label import DOWN, FLAT, UP
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import HOUR_NS, MINUTE_NS
from metastackerbandit.features.catalog import NAMES
from metastackerbandit.training.sample import Sample
from metastackerbandit.training.settings import TrainingSettings
from tests.markets import START_NS, instrument

FIVE = 5 * MINUTE_NS
QUICK = TrainingSettings(most_versions=2, refit_days=4.0, processes=1)


def candles(seed: int, count: int, *, trend: float = 0.0, step: float = 0.003, base_ns: int = FIVE, start: int = 500_000) -> np.ndarray:
    """A market whose returns follow their own last twelve by `trend` standard deviations (0: a random walk), as candles of five prices each."""
    rng = np.random.default_rng(seed)
    parts = 4
    noise = rng.normal(0.0, 1.0, (count, parts))
    returns = np.zeros(count)
    for n in range(count):
        pull = np.tanh(returns[max(n - 12, 0) : n].sum() / np.sqrt(12.0)) if n else 0.0
        returns[n] = trend * pull + noise[n].sum() / np.sqrt(parts)
    inside = noise / np.sqrt(parts) + (returns - noise.sum(axis=1) / np.sqrt(parts))[:, None] / parts
    path = np.rint(start * np.exp(step * np.cumsum(inside.reshape(-1)))).astype(np.int64).reshape(count, parts)
    bars = np.zeros(count, layout(Bar))
    bars["opened_ns"] = START_NS + np.arange(count) * base_ns
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + base_ns
    bars["open"] = np.concatenate(([start], path[:-1, -1]))
    bars["close"] = path[:, -1]
    bars["high"] = np.maximum(path.max(axis=1), bars["open"])
    bars["low"] = np.minimum(path.min(axis=1), bars["open"])
    bars["volume"] = rng.gamma(2.0, 50.0, count)
    bars["parts"] = bars["parts_due"] = 1
    return bars


def market(*arrays: np.ndarray, base_ns: int = FIVE) -> Recording:
    """A recording of the given candles, a symbol each."""
    names = ("BTCUSDT", "ETHUSDT", "SOLUSDT")[: len(arrays)]
    count = len(arrays)
    return Recording(
        instruments=tuple(instrument(name) for name in names),
        base_ns=base_ns,
        bars=arrays,
        funding=(None,) * count,
        has_volume=(True,) * count,
        source="generated",
        digest="generated",
    )


def bull_sample(seed: int, count: int = 218, drift: float = 0.2) -> Sample:
    """Disjoint outcomes of a rising market (drift in deviations) beside features that say nothing."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(drift, 1.0, count)
    side = np.where(returns > 0.3, UP, np.where(returns < -0.3, DOWN, FLAT)).astype(np.int8)
    start = START_NS + np.arange(count) * 12 * HOUR_NS
    return Sample(
        rows=rng.normal(0.0, 1.0, (count, len(NAMES))),
        side=side,
        weight=np.ones(count),
        long=returns,
        short=-returns,
        net_long=0.01 * returns - 0.0013,
        net_short=-0.01 * returns - 0.0013,
        volatility=np.full(count, 0.01),
        start_ns=start,
        end_ns=start + 6 * HOUR_NS,
        symbol=np.zeros(count, np.int64),
        names=NAMES,
    )
