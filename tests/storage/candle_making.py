"""Candle files made for tests: sound ones, and ways to break them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

MINUTE_MS = 60_000
START_MS = 1_700_000_100_000  # 2023-11-14T22:15:00Z, on the clock of 1m, 5m and 15m


def candle_table(rows: int = 30, step_ms: int = 5 * MINUTE_MS, start_ms: int = START_MS, seed: int = 1, tick: float = 0.01) -> pl.DataFrame:
    """A random walk on a grid of ticks, in the layout of the recordings."""
    rng = np.random.default_rng(seed)
    close = 10_000 + np.cumsum(rng.integers(-20, 21, rows))
    opened = np.concatenate(([10_000], close[:-1]))
    high = np.maximum(opened, close) + rng.integers(0, 10, rows)
    low = np.minimum(opened, close) - rng.integers(0, 10, rows)
    scale = round(1 / tick)
    times = pl.Series(start_ms + step_ms * np.arange(rows)).cast(pl.Datetime("ms", "UTC"))
    prices = {name: column / scale for name, column in (("open", opened), ("high", high), ("low", low), ("close", close))}
    return pl.DataFrame({"open_time": times, **prices, "volume": rng.integers(1, 1_000, rows) / 8})


def with_stamps(table: pl.DataFrame, unit: str = "ms") -> pl.DataFrame:
    """The same with whole numbers for times, as csv files have them."""
    scale = {"s": 1 / 1_000, "ms": 1, "us": 1_000, "ns": 1_000_000}[unit]
    return table.with_columns((pl.col("open_time").dt.epoch("ms") * scale).cast(pl.Int64))


def write(table: pl.DataFrame, path: Path) -> Path:
    """Write by the name's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith(".parquet"):
        table.write_parquet(path)
    elif path.name.endswith(".gz"):
        import gzip

        path.write_bytes(gzip.compress(with_stamps(table).write_csv().encode()))
    else:
        with_stamps(table).write_csv(path)
    return path
