"""A rule with fees over a million one-minute bars, beside the engines that can play the same trades."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from metastackerbandit.bench.candles import START_NS, Market, minutes
from metastackerbandit.bench.interleaved import timed
from metastackerbandit.bench.matched import Trades, equal, job_of, playing
from metastackerbandit.bench.spec import Asked, Benchmark, Prepared, Target
from metastackerbandit.bench.wide import Rule
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import MINUTE_NS

BARS = 1_000_000
PART = {"vectorbt": BARS, "backtesting": 100_000, "backtrader": 20_000, "nautilus": 20_000}  # bars that each plays in about a second
CROSS = Rule("sma_cross", fast=10, slow=50)
BARRIERS = Rule("breakout", length=60, stop_bps=80.0, target_bps=160.0)
TIMES = 5  # that the bare loop runs
EVERY, NEARLY = 0.0, 0.02  # share of trades that may differ: none; those where a candle does not tell which barrier was reached first


def prepare(stack: ExitStack, data: Path | None, *, rule: Rule, most_different: float) -> Prepared:
    """Peers read the same candles from a file; a peer's trades are compared in full, and timed telling their count and profit."""
    market = minutes(data, BARS)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    candles = str(market.write(folder / "candles.parquet"))

    def facts() -> dict[str, float]:
        bare = partial(bare_cross, market.bars, rule.fast, rule.slow)
        return {"bare_loop_bars_a_second": BARS / min(timed(bare).cpu_s for _ in range(TIMES))}

    return Prepared(
        run=playing(rule, market),
        amount=float(BARS),
        unit="bars",
        peers={name: _asked(name, rule, candles, bars) for name, bars in PART.items()},
        equal=partial(_equal, most_different=most_different),
        facts=facts if rule.arm == "sma_cross" else None,
        notes=(market.note, *_parts(market)),
    )


@kernel
def bare_cross(bars: Any, fast: int, slow: int) -> float:
    """The least that a crossing of two averages of closes can be: their sums, a side, and its profit without costs, orders or rows (ticks)."""
    short, long, side, entry, profit = 0, 0, 0, 0, 0.0
    for t in range(len(bars)):
        close = bars[t].close
        short += close - (bars[t - fast].close if t >= fast else 0)
        long += close - (bars[t - slow].close if t >= slow else 0)
        if t >= slow:
            wanted = 1 if short * slow > long * fast else -1
            if wanted != side:
                profit += side * (close - entry)
                side, entry = wanted, close
    return profit


def _asked(name: str, rule: Rule, candles: str, bars: int) -> Asked:
    job = job_of(rule, candles, bars)
    return Asked(name, rule.arm, {**job, "quiet": True}, check=job, amount=float(bars))


def _equal(name: str, ours: Trades, answer: Any, *, most_different: float) -> str:
    return equal(name, ours, answer, START_NS + (PART[name] - 1) * MINUTE_NS, most_different)


def _parts(market: Market) -> tuple[str, ...]:
    slow = ", ".join(f"{name} {bars:,}" for name, bars in PART.items() if bars < len(market.bars))
    return (f"slow engines play the first bars alone, and rates are compared: {slow}",)


BENCHMARK = Benchmark(
    "backtest",
    "SMA cross 10/50 with fees over 1 M one-minute bars, from bars to trades, equal trade for trade",
    partial(prepare, rule=CROSS, most_different=EVERY),
    Target("ratio", 10.0, "at least 10 times the best peer"),
)
WITH_BARRIERS = Benchmark(
    "backtest_stops",
    "breakout of 60 bars with stop, target and fees over 1 M one-minute bars",
    partial(prepare, rule=BARRIERS, most_different=NEARLY),
    Target("ratio", 10.0, "at least 10 times the best peer"),
)
