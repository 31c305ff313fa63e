"""A generated market to examine a pipeline on: a walk without any edge, with calm and stormy stretches, gaps, volumes and settlements."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.timeframe import HOUR_NS, MINUTE_NS
from metastackerbandit.training.leakage.pipeline import Market

_FIRST_NS = 1_704_067_200 * 10**9  # 2024-01-01 00:00 UTC
_INSTRUMENT = Instrument(
    symbol="GENERATED",
    base="GENERATED",
    quote="USDT",
    market="perp",
    venue="GENERATED",
    tick_size="0.1",
    lot_size="0.001",
    min_quantity="0.001",
    max_quantity="1000",
    min_notional="5",
)
_FIRST_TICKS = 500_000
_CANDLE = 0.003  # standard deviation of a candle's log return, on average
_PERSISTENCE, _RESTLESS = 0.98, 0.15  # of the log volatility: an AR(1) a candle, and its noise
_SETTLED_EVERY_NS = 8 * HOUR_NS
_LARGEST_RATE = 30_000  # of a settlement, in 1e-8
_LONGEST_GAP = 5  # candles
_PARTS = 5  # candles of a frame's bar


def candle_ns(frame_ns: int) -> int:
    """Length of the generated candles for bars of a frame: a fifth of it, so that bars are made of several, and at least a minute."""
    return frame_ns // _PARTS if frame_ns >= _PARTS * MINUTE_NS else frame_ns


def generated_market(
    seed: int, count: int, base_ns: int, frame_ns: int, *, holes: float = 0.01, has_flow: bool = True, symbol: str = "GENERATED"
) -> Market:
    """A market of so many candles, of which a share is missing in short gaps; the same seed gives the same market."""
    rng = np.random.default_rng((seed, count))
    logs = np.zeros(count)
    noise = rng.normal(0.0, _RESTLESS, count)
    for t in range(1, count):
        logs[t] = _PERSISTENCE * logs[t - 1] + noise[t]
    moves = _CANDLE * np.exp(logs - logs.var() / 2.0) * rng.standard_t(5, count) / np.sqrt(5.0 / 3.0)
    closes = np.rint(_FIRST_TICKS * np.exp(np.clip(np.cumsum(moves), -2.0, 2.0))).astype(np.int64)
    candles = rows(Bar, count)
    candles["opened_ns"] = _FIRST_NS // frame_ns * frame_ns + np.arange(count) * base_ns
    candles["closed_ns"] = candles["known_ns"] = candles["opened_ns"] + base_ns
    candles["open"] = np.concatenate(([_FIRST_TICKS], closes[:-1]))
    candles["close"] = closes
    wicks = _CANDLE * np.exp(logs) * closes
    candles["high"] = np.maximum(candles["open"], closes) + (wicks * rng.exponential(0.5, count)).astype(np.int64)
    candles["low"] = np.minimum(candles["open"], closes) - np.minimum((wicks * rng.exponential(0.5, count)).astype(np.int64), closes // 4)
    volumes = rng.gamma(2.0, 50.0, count) * np.exp(logs)
    candles["volume"] = volumes
    flow = {"quote_volume": volumes * closes, "taker_volume": volumes * rng.beta(8.0, 8.0, count), "trades": np.rint(1.0 + volumes)}
    for name, column in flow.items():
        candles[name] = column if has_flow else np.nan
    candles["parts"] = candles["parts_due"] = 1
    instrument = replace(_INSTRUMENT, symbol=symbol, base=symbol)
    whole = Market(instrument, candles, base_ns, frame_ns, _settlements(candles, rng), True, has_flow)
    return with_holes(whole, holes, seed) if holes else whole


def with_holes(market: Market, share: float, seed: int) -> Market:
    """The market without about that share of its candles, in gaps of one to a few; first and last candle stay."""
    rng = np.random.default_rng((seed, 1))
    count = len(market.candles)
    kept = np.ones(count, bool)
    for _ in range(round(share * count / ((1 + _LONGEST_GAP) / 2))):
        first = int(rng.integers(1, count - _LONGEST_GAP))
        kept[first : first + int(rng.integers(1, _LONGEST_GAP + 1))] = False
    kept[-1] = True
    return replace(market, candles=market.candles[kept])


def _settlements(candles: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    first, last = int(candles["opened_ns"][0]), int(candles["closed_ns"][-1])
    at_ns = np.arange(first // _SETTLED_EVERY_NS + 1, last // _SETTLED_EVERY_NS + 1) * _SETTLED_EVERY_NS
    settled = rows(FundingRow, len(at_ns))
    settled["at_ns"] = at_ns
    settled["rate"] = rng.integers(-_LARGEST_RATE, _LARGEST_RATE + 1, len(at_ns))
    return settled
