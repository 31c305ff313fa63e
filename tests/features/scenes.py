"""Markets that have everything a feature can ask for: generated from a seed, mirrored, or recorded."""

from __future__ import annotations

import numpy as np
import polars as pl

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import layout, rows
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS
from metastackerbandit.features.batch import FeatureTable, features_over
from metastackerbandit.features.higher import WEEK_NS
from tests.shared import shared_data

FRAME = 5 * MINUTE_NS
START_NS = 2_869 * WEEK_NS  # 2024-12-26 00:00 UTC: every higher bar opens here


def market(seed: int, count: int, *, frame_ns: int = FRAME, start_ns: int = START_NS, ticks: float = 1e7, holes: float = 0.0) -> np.ndarray:
    """Bars (count,) with volatility that comes and goes, jumps, volume, taker volume and trades."""
    rng = np.random.default_rng(seed)
    level = np.exp(0.4 * np.sin(np.arange(count) / 90.0) + 0.2 * rng.normal(size=count))
    moves = 0.002 * level * rng.normal(size=count) + (rng.random(count) < 0.01) * rng.normal(0.0, 0.01, count)
    closes = np.log(ticks) + np.cumsum(moves)
    opens = np.concatenate(([np.log(ticks)], closes[:-1])) + rng.normal(0.0, 0.0001, count)
    highs = np.maximum(opens, closes) + 0.001 * level * rng.exponential(size=count)
    lows = np.minimum(opens, closes) - 0.001 * level * rng.exponential(size=count)
    bars = rows(Bar, count)
    bars["opened_ns"] = start_ns + np.arange(count) * frame_ns
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + frame_ns
    for name, logs in (("open", opens), ("high", highs), ("low", lows), ("close", closes)):
        bars[name] = np.rint(np.exp(logs))
    bars["volume"] = level * rng.gamma(2.0, 50.0, count)
    bars["quote_volume"] = bars["volume"] * bars["close"]
    bars["taker_volume"] = bars["volume"] * rng.beta(8.0, 8.0, count)
    bars["trades"] = 1 + rng.poisson(200.0 * level)
    bars["parts"] = bars["parts_due"] = 1
    return bars[rng.random(count) >= holes] if holes else bars


def funding_for(bars: np.ndarray, seed: int = 0, every_ns: int = 8 * HOUR_NS) -> np.ndarray:
    """Settlements from four days before the bars until their end."""
    first = (bars["opened_ns"][0] - 4 * DAY_NS) // every_ns * every_ns
    at = np.arange(first, bars["closed_ns"][-1] + 1, every_ns)
    funding = rows(FundingRow, len(at))
    funding["at_ns"] = at
    funding["rate"] = np.random.default_rng(seed).integers(-30_000, 30_000, len(at))
    return funding


def mirrored_market(bars: np.ndarray, product: float = 1e19) -> np.ndarray:
    """Prices p -> product / p (rounded to ticks of the new scale), highs and lows exchanged, buyers sellers."""
    other = bars.copy()
    for name, source in (("open", "open"), ("high", "low"), ("low", "high"), ("close", "close")):
        other[name] = np.rint(product / bars[source])
    other["taker_volume"] = bars["volume"] - bars["taker_volume"]
    return other


def mirrored_funding(funding: np.ndarray) -> np.ndarray:
    """Longs receive what they paid."""
    other = funding.copy()
    other["rate"] = -funding["rate"]
    return other


def full(bars: np.ndarray, frame_ns: int = FRAME, funding: np.ndarray | None = None, seconds: np.ndarray | None = None) -> FeatureTable:
    """Features over bars that have everything, the book only where its seconds are given; funding is made up where it is not given."""
    return features_over(bars, frame_ns, funding_for(bars) if funding is None else funding, has_volume=True, has_flow=True, seconds=seconds)


def ruler(count: int) -> np.ndarray:
    """Bars whose highs (odd bars) and lows (even bars) are as high as the ruler's marks: every second swing is one of the next level."""
    bars = market(1, count)
    for i in range(count):
        mark = ((i + 1) // 2) if i % 2 else i // 2
        size = 10_000 * (1 + (mark & -mark).bit_length())
        bars["open"][i] = 10_000_000
        bars["high"][i] = 10_000_000 + (size if i % 2 else 1_000)
        bars["low"][i] = 10_000_000 - (1_000 if i % 2 else size)
        bars["close"][i] = 10_000_000 + (500 if i % 2 else -500)
    return bars


def recorded(folder: str, name: str, tick: float, frame_ns: int, first: int, count: int) -> np.ndarray:
    """A slice of recorded candles, with the taker's columns where the file has them."""
    frame = pl.read_parquet(shared_data() / "klines" / folder / f"{name}.parquet")[first : first + count]
    bars = np.zeros(len(frame), layout(Bar))
    bars["opened_ns"] = frame["open_time"].dt.epoch("ns").to_numpy()
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + frame_ns
    for price in ("open", "high", "low", "close"):
        bars[price] = np.rint(frame[price].to_numpy() / tick)
    bars["volume"] = frame["volume"].to_numpy()
    for field, column in (("quote_volume", "quote_volume"), ("taker_volume", "taker_buy_volume"), ("trades", "count")):
        bars[field] = frame[column].to_numpy() if column in frame.columns else np.nan
    bars["parts"] = bars["parts_due"] = 1
    return bars
