"""Trades for tests of bars: generated from a seed, and their bars by a plain group-by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import TradeRow
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.market.bar_ring import LENGTH, Bars
from metastackerbandit.market.bar_terms import bar_terms
from metastackerbandit.market.bars import empty_bars, listen, take_all, tick
from metastackerbandit.market.settings import BarSettings
from tests.markets import instrument

START_NS = 1_700_006_380 * SECOND_NS  # 2023-11-14 23:59:40 UTC: an hour, half a day and a day end soon
USUAL = BarSettings()
SHORT = (SECOND_NS, MINUTE_NS)
DAY = START_NS // MINUTE_NS * MINUTE_NS  # a minute begins here
FIELDS = ("opened_ns", "open", "high", "low", "close", "volume", "quote_volume", "taker_volume", "trades")


def tape(seed: int, count: int, *, mean_s: float = 0.4, start: int = 500_000) -> np.ndarray:
    """Trades (N,) in the order in which they were made, some at one time, received at once; one in five sums up several."""
    rng = np.random.default_rng(seed)
    made = rows(TradeRow, count)
    steps = np.where(rng.random(count) < 0.2, 0, rng.exponential(mean_s * SECOND_NS, count)).astype(np.int64)
    steps[rng.random(count) < 0.01] += 7 * SECOND_NS  # quiet seconds
    made["traded_ns"] = START_NS + np.cumsum(steps)
    made["received_ns"] = made["exchange_ns"] = made["traded_ns"]
    made["ticks"] = np.maximum(start + np.cumsum(rng.integers(-9, 10, count)), 1)
    made["lots"] = rng.integers(1, 9_999, count)
    made["side"] = rng.choice([-1, 1], count)
    made["last_id"] = np.cumsum(np.where(rng.random(count) < 0.2, rng.integers(1, 9, count), 1))
    made["first_id"] = np.concatenate(([1], made["last_id"][:-1] + 1))
    return made


def delayed(trades: np.ndarray, seed: int, most_s: float) -> np.ndarray:
    """The same in another order of arrival, each up to `most_s` after it was made."""
    came = trades.copy()
    came["received_ns"] += np.random.default_rng(seed).integers(0, round(most_s * SECOND_NS) + 1, len(trades))
    return came[np.argsort(came["received_ns"], kind="stable")]


def late(trades: np.ndarray, grace_s: float) -> np.ndarray:
    """Which of the trades (N,), in their order of arrival, were made more than the grace before the newest so far."""
    mask: np.ndarray = np.maximum.accumulate(trades["traded_ns"]) - trades["traded_ns"] > round(grace_s * SECOND_NS)
    return mask


def bars_from(trades: np.ndarray, frames: Sequence[int], settings: BarSettings = USUAL, *, ends: bool = True, heard_ns: int = 0) -> Bars:
    """Bars of one instrument; where it `ends`, the clock goes on until all are closed."""
    bars = empty_bars([bar_terms(instrument())], frames, settings)
    listen(bars, 0, heard_ns)
    take_all(bars, trades, np.zeros(len(trades), np.int64))
    if ends:
        tick(bars, int(trades["traded_ns"].max()) + max(frames) + 2 * round(settings.grace_s * SECOND_NS))
    return bars


def grouped(trades: np.ndarray, frame_ns: int) -> dict[str, np.ndarray]:
    """Bars of trades by a group-by, volumes from their whole numbers; those of the taker's side are all told."""
    columns = {name: np.asarray(trades[name]) for name in ("traded_ns", "first_id", "last_id", "ticks", "lots", "side")}
    found = (
        pl.DataFrame(columns)
        .sort("traded_ns", "first_id")
        .with_columns(opened_ns=pl.col("traded_ns") // frame_ns * frame_ns)
        .group_by("opened_ns", maintain_order=True)
        .agg(
            open=pl.col("ticks").first(),
            high=pl.col("ticks").max(),
            low=pl.col("ticks").min(),
            close=pl.col("ticks").last(),
            volume=pl.col("lots").sum(),
            quote_volume=(pl.col("ticks") * pl.col("lots")).sum(),
            taker_volume=pl.col("lots").filter(pl.col("side") > 0).sum(),
            trades=(pl.col("last_id") - pl.col("first_id") + 1).sum().cast(pl.Float64),
        )
    )
    over = {"volume": 1_000, "quote_volume": 10_000, "taker_volume": 1_000}  # here, since polars multiplies by the inverse
    return {name: found[name].to_numpy() / over[name] if name in over else found[name].to_numpy() for name in FIELDS}


def state(bars: Bars) -> list[bytes]:
    """Every byte of it."""
    return [array.tobytes() for array in (*bars[:-1], *bars.ticks)]


def trade_at(ns: int, ticks: int = 100, lots: int = 1, side: int = 1, first_id: int = 1, **changes: int) -> np.ndarray:
    """One trade (1,)."""
    made = rows(TradeRow, 1)
    values = {"traded_ns": ns, "received_ns": ns, "ticks": ticks, "lots": lots, "side": side, "first_id": first_id, "last_id": first_id}
    for name, value in (values | changes).items():
        made[name] = value
    return made


def one_symbol(settings: BarSettings = USUAL, frames: tuple[int, ...] = SHORT) -> Bars:
    """Bars of one instrument that heard nothing yet."""
    return empty_bars([bar_terms(instrument())], frames, settings)


def same(ours: np.ndarray, plain: dict[str, np.ndarray]) -> None:
    """Hold closed bars against a group-by, as far back as the ring goes, to the bit."""
    assert len(ours) == min(len(plain["opened_ns"]), LENGTH)
    for name in FIELDS:
        assert np.array_equal(ours[name], plain[name][-LENGTH:]), name
