"""Thirty indicators over a million bars, the same columns from every side: ours by the kernels that a live bar takes, repeated."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from metastackerbandit.bench.candles import Market, minutes
from metastackerbandit.bench.seconds import ns_heard
from metastackerbandit.bench.spec import Asked, Benchmark, Prepared, Target, Unequal
from metastackerbandit.bench.works.book import FILE, FOLDER, session
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.features.batch import FeatureTable, columns_of, features_over

BARS = 1_000_000
FAMILIES = ("returns", "trend", "direction", "channel", "reversion", "efficiency", "moments", "candle", "vwap")  # thirty columns
PEERS = {"pandas": "frames", "polars": "frames", "talib": "talib"}
SETTLED = 3_000  # bars after which it no longer matters how an average began
JOIN = 0.5  # log return between months laid end to end, beyond which our powers of returns are cut
WINDOW = 64  # bars after a join in which a window may hold it
CLOSE = 1e-5  # allowed difference, of a column's largest value or of 1: sums of others drift
ENOUGH = 0.9  # share of a column that both sides must know


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """A table of columns is written by each peer once, and held against ours."""
    market = minutes(data, BARS)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    candles = str(market.write(folder / "candles.parquet"))
    peers = {
        name: Asked(
            home,
            name,
            {"candles": candles},
            "play.py" if home == "frames" else "features.py",
            {"candles": candles, "out": str(folder / f"{name}.npz")},
        )
        for name, home in PEERS.items()
    }
    return Prepared(
        run=partial(_batch, market),
        amount=float(BARS),
        unit="bars",
        peers=peers,
        equal=lambda name, ours, _: _equal(name, ours, market, folder / f"{name}.npz"),
        facts=lambda: {"columns": float(len(columns_of(FAMILIES)))} | _of_the_book(market, data),
        notes=(market.note, f"the columns of {', '.join(FAMILIES)} (docs/features.md), 64-bit, with a mask of what is valid"),
    )


def _of_the_book(market: Market, data: Path | None) -> dict[str, float]:
    """What the book's columns cost, on the recorded session beside the folder of candle folders; nothing where it is not at hand."""
    path = None if data is None else data.parent / FOLDER / FILE
    if path is None or not path.is_file():
        return {}
    given = session([path])
    return ns_heard(market, given.capture, given.instruments)


def _batch(market: Market) -> FeatureTable:
    return features_over(market.bars, MINUTE_NS, None, has_volume=True, has_flow=True, families=FAMILIES)


def _equal(name: str, ours: FeatureTable, market: Market, path: Path) -> str:
    """Every column of a peer where both sides know it, from where averages have settled on."""
    close = np.log(market.bars["close"])
    joins = np.flatnonzero(np.abs(np.diff(close)) > JOIN) + 1
    looked_at = np.ones(len(close), np.bool_)
    looked_at[:SETTLED] = False
    for join in joins:
        looked_at[join : join + WINDOW] = False
    columns = columns_of(FAMILIES)
    theirs = np.load(path)
    worst = 0.0
    for place, column in enumerate(columns):
        if column not in theirs:
            raise Unequal(f"{name} has no column {column}")
        worst = max(worst, _apart(name, column, ours.values[looked_at, place], np.asarray(theirs[column], np.float64)[looked_at]))
    return f"{len(columns)} columns equal to {worst:.0e}"


def _apart(name: str, column: str, ours: Any, theirs: Any) -> float:
    """The largest difference of a column in parts of its scale."""
    known = np.isfinite(ours) & np.isfinite(theirs)
    if known.mean() < ENOUGH:
        raise Unequal(f"{name} knows {column} in {np.isfinite(theirs).mean():.0%} of the bars, we in {np.isfinite(ours).mean():.0%}")
    scale = max(1.0, float(np.abs(ours[known]).max())) if column.startswith(("mom", "candle_range")) else max(float(np.abs(ours[known]).max()), 1e-9)
    apart = float(np.abs(ours[known] - theirs[known]).max()) / scale
    if apart > CLOSE:
        at = int(np.abs(np.where(known, ours - theirs, 0.0)).argmax())
        raise Unequal(f"{name} differs from ours in {column} by {apart:.1e} of its scale: {theirs[at]:.6g} against {ours[at]:.6g} at bar {at}")
    return apart


BENCHMARK = Benchmark(
    "features",
    "30 comparable indicators over 1 M one-minute bars, equal column for column",
    prepare,
    Target("ratio", 3.0, "at least 3 times the best of TA-Lib, polars and pandas"),
)
