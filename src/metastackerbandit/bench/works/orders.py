"""Whether a backtest stays linear when it trades much: from a thousand orders to a million, every decision with its trace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.bench.candles import Market, minutes
from metastackerbandit.bench.interleaved import timed
from metastackerbandit.bench.matched import matched_settings
from metastackerbandit.bench.spec import Benchmark, Prepared, Target
from metastackerbandit.bench.wide import Rule
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.simulation.settings import SimulationSettings

BARS = 1_030_000  # of which the rule makes a million orders
SIZES = (1_000, 10_000, 100_000, 1_000_000)  # orders
TIMES = 5
RULE = Rule("sma_cross", fast=1, slow=2)  # it changes its mind at about every second bar: two orders each


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """The run of a million is what is timed; the smaller ones are timed after it, by turns."""
    market = minutes(data, BARS)
    whole = _runner(market)
    orders = whole()

    def facts() -> dict[str, float]:
        found: dict[int, list[float]] = {}
        count: dict[int, int] = {}
        runners = {size: _runner(Market(market.bars[: max(round(BARS * size / orders), 100)], market.note)) for size in SIZES}
        for _ in range(TIMES):
            for size, runner in runners.items():
                count[size] = runner()
                found.setdefault(size, []).append(timed(runner).cpu_s)
        seconds = np.array([min(found[size]) for size in SIZES])
        made = np.array([count[size] for size in SIZES], np.float64)
        told = {f"ns_an_order_{size}": float(second / orders * 1e9) for size, second, orders in zip(SIZES, seconds, made, strict=True)}
        told["exponent"] = float(np.polyfit(np.log(made), np.log(seconds), 1)[0])
        told["last_exponent"] = float(np.log(seconds[-1] / seconds[-2]) / np.log(made[-1] / made[-2]))
        return told

    return Prepared(
        run=whole,
        amount=float(orders),
        unit="orders",
        facts=facts,
        notes=(market.note, "time is a power of the number of orders; exponent: over all sizes, last_exponent: from 100,000 to 1,000,000"),
    )


def _runner(market: Market) -> Callable[[], int]:
    recording = market.recording()
    plan, block = plan_of(recording, "1m", RULE.arm, matched_settings(RULE)), block_of(recording)
    return lambda: run(plan, block, SimulationSettings(), None).counts["orders"]


BENCHMARK = Benchmark(
    "orders",
    "a million orders, each from a decision with its full trace to fills and postings; and a thousand, ten and a hundred thousand",
    prepare,
    Target("last_exponent", 1.05, "time linear in orders: exponent at most 1.05", at_most=True),
    rounds=5,
)
