"""Columns of published indicator tables from our own steps: one function a table, giving pairs of a printed column and ours.

A `Pair` has to agree to half of each cell's last printed digit; where a table works from numbers that it prints rounded, `inputs` says how much
of that reaches the column.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.evaluation.path import drawdown_over
from tests.reference.steps import Floats, efficiency_of, market_of, place_in, taken, ticks_of

WILDER, TREND, WAY = 14, 20, 12  # lengths that our features have


class Published(Struct, frozen=True, eq=False):
    """A table as it is printed: its columns as text, by name."""

    text: dict[str, list[str]]

    def __getitem__(self, name: str) -> Floats:
        """A column as numbers, NaN where it is blank."""
        return np.array([float(cell) if cell.strip() else np.nan for cell in self.text[name]])

    def half_digit(self, name: str) -> Floats:
        """Half of each cell's own last digit: a cell may show fewer digits than the one above it."""
        return np.array([0.5 * 10.0 ** -len(cell.strip().partition(".")[2]) for cell in self.text[name]])


class Pair(Struct, frozen=True, eq=False):
    """One printed column and ours for it, (N,) each; rows before `first` are the warm-up. `inputs` is what rounded inputs leave in the column."""

    column: str
    ours: Floats
    first: int
    inputs: float = 0.0


def read(path: Path) -> Published:
    """A table, with the columns whose name is blank left out."""
    with path.open(newline="") as file:
        lines = list(csv.reader(file))
    width = len(lines[0])
    body = [line + [""] * (width - len(line)) for line in lines[1:] if any(line)]
    return Published({name: [line[n] for line in body] for n, name in enumerate(lines[0]) if name})


def tolerance(table: Published, pair: Pair) -> Floats:
    """Half of each cell's last digit, what its inputs' rounding leaves, and 1e-12 of the column's size for floats, (N,)."""
    return table.half_digit(pair.column) * (1.0 + 1e-6) + pair.inputs + 1e-12 * float(np.nanmax(np.abs(table[pair.column])))


def _behind(bars: NDArray[np.void], before: NDArray[np.void]) -> NDArray[np.void]:
    joined = np.concatenate((before, bars))
    length = bars["closed_ns"][0] - bars["opened_ns"][0]
    joined["opened_ns"] = np.arange(len(joined)) * length
    joined["closed_ns"] = joined["known_ns"] = joined["opened_ns"] + length
    return joined


def _ranges(table: Published, high: str = "High", low: str = "Low", close: str = "Close") -> Floats:
    """True ranges in prices; the first bar's is its own range, as in the tables that print one."""
    return taken("volatility", market_of(table[close], table[high], table[low])).true_range


def accumulation(table: Published) -> Iterator[Pair]:
    """A bar alone in the money flow's averages leaves its own place in the range and its volume."""
    market = market_of(table["Close"], table["High"], table["Low"], table["Volume"])
    alone = [taken("volume", type(market)(market.bars[n : n + 1], market.unit, market.lowest)).memory[0] for n in range(len(market.bars))]
    place = np.array([one["pressed"] / one["fast"] for one in alone])
    flow = np.array([one["pressed"] for one in alone])
    volume = float(table["Volume"].max())
    yield Pair("MF Multiplier", place, 0)
    yield Pair("MF Value", flow, 0)
    yield Pair("ADLine", np.cumsum(flow), 0, inputs=1e-9 * volume)


def direction(table: Published) -> Iterator[Pair]:
    market = market_of(table["Close"], table["High"], table["Low"])
    moved, spread = taken("direction", market), taken("volatility", market)
    yield Pair("TR", spread.true_range, 1)
    yield Pair("TR14", WILDER * spread.memory["true_range"] / market.unit, WILDER)
    yield Pair("+DM14", WILDER * moved.memory["up"] / market.unit, WILDER)
    yield Pair("-DM14", WILDER * moved.memory["down"] / market.unit, WILDER)
    yield Pair("DX", 100.0 * np.abs(moved.columns[:, 0]), WILDER)
    yield Pair("ADX", 100.0 * moved.columns[:, 1], 2 * WILDER - 1)


def wilder_range(table: Published) -> Iterator[Pair]:
    """These tables count the first bar's own range; ours begins with the second bar, so a bar that stands at the first close is put before it."""
    market = market_of(table["Close"], table["High"], table["Low"])
    first = market.bars[:1].copy()
    for name in ("open", "high", "low"):
        first[name] = first["close"]
    spread = taken("volatility", type(market)(_behind(market.bars, first), market.unit, market.lowest))
    yield Pair("TR", spread.true_range[1:], 0)
    yield Pair("ATR", spread.memory["true_range"][1:] / market.unit, WILDER - 1)


def true_range(table: Published) -> Iterator[Pair]:
    yield Pair("TR", _ranges(table), 0)


def bands(table: Published) -> Iterator[Pair]:
    band = taken("reversion", market_of(table["Close"])).columns[:, 1]
    yield Pair("PercentageBand", 0.5 * (1.0 + band), TREND - 1)
    yield Pair("CrossUp", (band > 1.0).astype(float), TREND - 1)
    yield Pair("CrossDown", (band < -1.0).astype(float), TREND - 1)


def channel(table: Published) -> Iterator[Pair]:
    place = taken("channel", market_of(table["close"], table["high"], table["low"])).columns[:, 0]
    yield Pair("dc_percentage", 0.5 * (1.0 + place), TREND - 1)


def channel_a_bar_late(table: Published) -> Iterator[Pair]:
    place = taken("channel", market_of(table["close"], table["high"], table["low"])).columns[:, 0]
    yield Pair("dc_percentage", 0.5 * (1.0 + np.concatenate(([np.nan], place[:-1]))), TREND)


def adaptive(table: Published) -> Iterator[Pair]:
    yield Pair("ER", np.abs(efficiency_of(market_of(table["Close"]), 10, WAY)), 10)


def keltner(table: Published) -> Iterator[Pair]:
    market = market_of(table["Close"], table["High"], table["Low"])
    gap = taken("reversion", market, old=True).memory["gap"] / market.unit
    yield Pair("true_range", _ranges(table), 0)
    yield Pair("middle_band", table["Close"] - gap, 0)


def crossing(table: Published) -> Iterator[Pair]:
    market = market_of(table["Close"])
    trend = taken("trend", market, old=True)
    yield Pair("short_ema", table["Close"] - trend.memory["fast_gap"] / market.unit, 0)
    yield Pair("long_ema", table["Close"] - trend.memory["macd_gap"] / market.unit, 0)
    yield Pair("MACD_line", trend.columns[:, 3] / market.unit, 1)
    yield Pair("MACD_signal", trend.memory["signal"] / market.unit, 112)
    yield Pair("MACD_diff", trend.columns[:, 4] / market.unit, 112)


def percentage_crossing(table: Published) -> Iterator[Pair]:
    market = market_of(table["Close"])
    memory = taken("trend", market, old=True).memory
    fast, slow = (table["Close"] - memory[name] / market.unit for name in ("fast_gap", "macd_gap"))
    yield Pair("12 day EMA", fast, 0)
    yield Pair("26 day EMA", slow, 0)
    yield Pair("PPO", 100.0 * (fast - slow) / slow, 0)


def volume_crossing(table: Published) -> Iterator[Pair]:
    volume = table["Volume"]
    market = market_of(np.arange(1.0, len(volume) + 1.0), volume=volume)
    yield Pair("12 day EMA", taken("volume", market, aged="volumes").memory["fast"], 0)


def stochastic(table: Published) -> Iterator[Pair]:
    yield Pair("SO", 50.0 * (1.0 + _place(table)), WILDER - 1)


def williams(table: Published) -> Iterator[Pair]:
    yield Pair("Williams_%R", 50.0 * (_place(table) - 1.0), WILDER - 1)


def _place(table: Published) -> Floats:
    """The place in the range of 14 bars; the close is blank before it is needed, and any price in the range does."""
    close = np.where(np.isnan(table["Close"]), table["High"], table["Close"])
    return place_in(market_of(close, table["High"], table["Low"]), WILDER, TREND)


def _strength(table: Published) -> Floats:
    """RSI from averages that begin at zero, as the tables' do."""
    return 50.0 * (1.0 + taken("reversion", market_of(table["Close"]), old=True).columns[:, 2])


def relative_strength(table: Published) -> Iterator[Pair]:
    market = market_of(table["Close"])
    memory = taken("reversion", market, old=True).memory
    yield Pair("Avg Gain", 0.5 * (memory["travel"] + memory["change"]) / market.unit, 0)
    yield Pair("Avg Loss", 0.5 * (memory["travel"] - memory["change"]) / market.unit, 0)
    yield Pair("RSI", _strength(table), WILDER)


def strength_in_its_range(table: Published) -> Iterator[Pair]:
    strength = _strength(table)
    place = place_in(market_of(strength[WILDER:]), WILDER, TREND)
    yield Pair("RSI", strength, WILDER, inputs=1e-6)
    yield Pair("StochRSI(14)", 0.5 * (1.0 + np.concatenate((np.full(WILDER, np.nan), place))), 2 * WILDER - 1)


def rate_of_change(table: Published) -> Iterator[Pair]:
    returns = taken("returns", ticks_of(table["Close"], 0.01)).columns[:, 2]
    yield Pair("ROC", 100.0 * np.expm1(returns), WAY)


def drawdown(table: Published) -> Iterator[Pair]:
    levels = table["Close"]
    now = [drawdown_over(np.array((peak, level)), peak)[0] for peak, level in zip(np.maximum.accumulate(levels), levels, strict=True)]
    yield Pair("percent_drawdown", -100.0 * np.array(now), 0)


def vortex(table: Published) -> Iterator[Pair]:
    yield Pair("TR", _ranges(table), 1)


def buying(table: Published) -> Iterator[Pair]:
    yield Pair("True Range", _ranges(table), 1)


def price_and_volume(table: Published) -> Iterator[Pair]:
    returns = taken("returns", ticks_of(table["Close"], 0.0001)).columns[:, 0]
    yield Pair("pct_change", np.expm1(returns), 1)


def weighted(table: Published) -> Iterator[Pair]:
    """The slope's exact sums over its first nine bars: of closes, and of closes weighted 0 to 8; adding both weighs 1 to 9."""
    close = table["Close"]
    found: Floats = np.full(len(close), np.nan)
    for n in range(8, len(close)):
        market = market_of(close[n - 8 : n + 1])
        memory = taken("trend", market).memory[-1]
        found[n] = market.lowest + ((int(memory["weighted"]) + int(memory["closes"])) * 2.0**-44 / 45.0 - 36.0) / market.unit
    yield Pair("WMA", found, 8)
