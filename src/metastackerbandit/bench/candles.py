"""The one-minute market that benchmarks run on: recorded perpetual minutes laid end to end, or a seeded walk where none are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import MINUTE_NS

FILES = ("NEARUSDT_2023", "NEARUSDT_2024", "NEARUSDT_2025")  # whole recorded months, all columns
FOLDER = "binance_usdm_1m_full"
INSTRUMENT = Instrument(
    symbol="NEARUSDT",
    base="NEAR",
    quote="USDT",
    market="perp",
    venue="BINANCE",
    tick_size="0.001",
    lot_size="1",
    min_quantity="1",
    max_quantity="1000000",
    min_notional="0",
)
START_NS = 1_675_209_600 * 10**9  # 2023-02-01 00:00 UTC
_SEED = 5  # of the walk


class Market(Struct, frozen=True, eq=False):
    """Bars (N,) in the layout of Bar, one a minute without holes, and what a reader must know of them."""

    bars: np.ndarray
    note: str

    def recording(self) -> Recording:
        """The same, as an engine reads it."""
        return Recording((INSTRUMENT,), MINUTE_NS, (self.bars,), (None,), (True,), "benchmark", "", has_flow=(True,))

    def write(self, path: Path) -> Path:
        """A candle file that peers read: prices and volumes as the venue gave them."""
        tick = float(INSTRUMENT.tick_size)
        columns = {"open_time": pl.Series(self.bars["opened_ns"] // 1_000_000).cast(pl.Datetime("ms", "UTC"))}
        columns |= {name: pl.Series(np.round(self.bars[name] * tick, 3)) for name in ("open", "high", "low", "close")}
        columns |= {name: pl.Series(self.bars[name]) for name in ("volume", "quote_volume")}
        columns |= {"count": pl.Series(self.bars["trades"]), "taker_buy_volume": pl.Series(self.bars["taker_volume"])}
        pl.DataFrame(columns).write_parquet(path)
        return path


def minutes(data: Path | None, count: int) -> Market:
    """The first `count` minutes. Recorded months are laid end to end on one clock, and again from the first where there are fewer than asked for."""
    bars = np.zeros(count, layout(Bar))
    bars["opened_ns"] = START_NS + np.arange(count) * MINUTE_NS
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + MINUTE_NS
    bars["parts"] = bars["parts_due"] = 1
    paths = [data / FOLDER / f"{name}.parquet" for name in FILES] if data is not None else []
    if not paths or not all(path.is_file() for path in paths):
        _walk(bars)
        return Market(bars, f"{count:,} generated minutes (a walk of seed {_SEED}): no recorded ones were at hand")
    frame = pl.concat([pl.read_parquet(path) for path in paths])
    place = np.arange(count) % len(frame)
    tick = float(INSTRUMENT.tick_size)
    for name in ("open", "high", "low", "close"):
        bars[name] = np.rint(frame[name].to_numpy() / tick).astype(np.int64)[place]
    for name, theirs in (("volume", "volume"), ("quote_volume", "quote_volume"), ("taker_volume", "taker_buy_volume"), ("trades", "count")):
        bars[name] = frame[theirs].to_numpy()[place]
    again = f", then again from the first ({len(frame):,} are recorded)" if count > len(frame) else ""
    return Market(bars, f"{count:,} recorded minutes of NEARUSDT perpetual, months of 2023 to 2025 laid end to end{again}")


def _walk(bars: np.ndarray) -> None:
    rng = np.random.default_rng(_SEED)
    count = len(bars)
    closes = np.maximum(np.rint(3_000 * np.exp(np.cumsum(rng.normal(0, 0.0008, count)))), 100).astype(np.int64)
    bars["close"] = closes
    bars["open"] = np.concatenate(([3_000], closes[:-1]))
    bars["high"] = np.maximum(bars["open"], closes) + rng.integers(0, 3, count)
    bars["low"] = np.minimum(bars["open"], closes) - rng.integers(0, 3, count)
    bars["volume"] = rng.gamma(2.0, 50_000.0, count).round()
    bars["quote_volume"] = bars["volume"] * closes * float(INSTRUMENT.tick_size)
    bars["taker_volume"] = np.floor(bars["volume"] * rng.uniform(0.2, 0.8, count))
    bars["trades"] = rng.integers(1, 900, count)
