"""A thousand pairs of averages over a hundred thousand bars, net of fees, beside vectorbt's columns."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from metastackerbandit.backtest.run import block_of
from metastackerbandit.backtest.sweep import grid, sweep
from metastackerbandit.bench.candles import INSTRUMENT, minutes
from metastackerbandit.bench.matched import job_of, matched_settings
from metastackerbandit.bench.spec import Asked, Benchmark, Prepared, Target, Unequal
from metastackerbandit.bench.wide import Rule
from metastackerbandit.domain.money import money_digits
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.simulation.settings import SimulationSettings

BARS = 100_000
FASTS, SLOWS = range(5, 45, 2), range(50, 300, 5)  # a thousand pairs
PART = 10  # every so many-th pair is vectorbt's: a thousand columns at once would take 13 GB
CLOSE = 1e-6  # currency, and share of a drawdown


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """Amounts are bars times pairs."""
    market = minutes(data, BARS)
    recording = market.recording()
    rule = Rule("sma_cross")
    base = matched_settings(rule)
    plan, block = plan_of(recording, "1m", rule.arm, base), block_of(recording)
    settings = grid(base, rule.arm, fast=tuple(FASTS), slow=tuple(SLOWS))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    pairs = [(one.arms.sma_cross.fast, one.arms.sma_cross.slow) for one in settings][::PART]
    job = {**job_of(rule, str(market.write(folder / "candles.parquet")), BARS), "pairs": pairs}
    return Prepared(
        run=lambda: sweep(plan, block, SimulationSettings(), settings),
        amount=float(BARS * len(settings)),
        unit="bars",
        peers={"vectorbt": Asked("vectorbt", "sma_grid", job, "sweep.py", amount=float(BARS * len(pairs)))},
        equal=_equal,
        notes=(market.note, f"vectorbt takes every {PART}th pair in one call, and rates are compared"),
    )


def _equal(name: str, ours: np.ndarray, answer: Any) -> str:
    """Net, closed trades and drawdown of each pair that the peer was given."""
    theirs, mine = np.array(answer, np.float64), ours[::PART]
    money = 10.0 ** -money_digits(INSTRUMENT.quote)
    pairs = zip(mine, theirs, strict=True)
    for place, (one, (net, trades, fall)) in enumerate(pairs):
        if abs(one["net"] * money - net) > CLOSE or one["round_trips"] != trades or abs(one["drawdown"] - fall) > CLOSE:
            told = (float(one["net"] * money), int(one["round_trips"]), float(one["drawdown"]))
            raise Unequal(f"{name} differs from ours in pair {place}: net, trades and drawdown {[net, trades, fall]} against {told}")
    return f"net, trades and drawdown of all {len(theirs)} pairs equal"


BENCHMARK = Benchmark(
    "sweep",
    "1,000 pairs of averages over 100 k bars with fees: net, trades and drawdown of each",
    prepare,
    Target("ratio", 5.0, "at least 5 times vectorbt"),
    rounds=5,
)
