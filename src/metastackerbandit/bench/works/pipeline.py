"""The whole chain of gates on every bar: prediction, arms chosen by their posterior, size, every gate's verdict and trace, orders, fills, ledger."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.bench.candles import Market, minutes
from metastackerbandit.bench.interleaved import timed
from metastackerbandit.bench.spec import Benchmark, Prepared, Target
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.prediction import IN_DOWN, IN_FLAT, IN_UP, Prediction
from metastackerbandit.domain.sink import MemorySink, Sink
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.simulation.settings import SimulationSettings

BARS = 500_000
POSTERIOR = ("model", "sma_cross", "breakout")  # arms that compete
BESIDE = ("model", "sma_cross")  # arms timed alone, after it
TIMES = 5
_SEED = 11
_EDGE_BPS, _BARRIER_BPS, _HORIZON = 40.0, 60.0, 30


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """Bars and predictions lie in memory as a store gives them; what is timed is all that is made of them."""
    market = minutes(data, BARS)
    predictions = beliefs(market)

    def facts() -> dict[str, float]:
        runners = {f"{arm}_bars_a_second": _runner(market, predictions, arm) for arm in BESIDE}
        runners["kept_in_memory_bars_a_second"] = _runner(market, predictions, "posterior", MemorySink)
        took: dict[str, list[float]] = {name: [] for name in runners}
        for turn in range(TIMES + 1):
            for name, runner in runners.items():
                lap = timed(runner)
                if turn > 0:
                    took[name].append(lap.cpu_s)
        return {name: BARS / min(seconds) for name, seconds in took.items()}

    return Prepared(
        run=_runner(market, predictions, "posterior"),
        amount=float(BARS),
        unit="bars",
        facts=facts,
        notes=(
            market.note,
            f"predictions of no model, drawn by lot; posterior over {', '.join(POSTERIOR)}; default settings",
            "figures beside it are by least CPU time: one arm alone; and every row and trace kept in memory",
        ),
    )


def beliefs(market: Market) -> np.ndarray:
    """One prediction a bar (N,) in the layout of Prediction, drawn by lot: the engine's work does not depend on who says it."""
    rng = np.random.default_rng(_SEED)
    bars = market.bars
    lead = rng.uniform(-0.5, 0.5, len(bars))
    told = np.zeros(len(bars), layout(Prediction))
    told["frame_ns"], told["closed_ns"], told["at_ns"] = MINUTE_NS, bars["closed_ns"], bars["known_ns"]
    told["p_flat"], told["p_up"], told["p_down"] = 0.3, 0.35 + lead / 2, 0.35 - lead / 2
    told["long_bps"], told["short_bps"], told["error_bps"] = lead * _EDGE_BPS, -lead * _EDGE_BPS, 5.0
    told["barrier_bps"], told["horizon"], told["size_scale"] = _BARRIER_BPS, _HORIZON, 0.5
    told["credibility"], told["worth"] = rng.uniform(0.02, 1.0, len(bars)), np.nan
    likeliest = np.maximum(np.maximum(told["p_down"], told["p_flat"]), told["p_up"])
    for bit, name in ((IN_DOWN, "down"), (IN_FLAT, "flat"), (IN_UP, "up")):
        told[f"p_value_{name}"] = told["credibility"] * (told[f"p_{name}"] / likeliest) ** 4
        told["conformal_set"] += bit * (told[f"p_value_{name}"] > 0.2)
    return told


def _nowhere() -> None:
    """Rows are written and not kept, as where a driver takes them."""


def _runner(market: Market, predictions: np.ndarray, arm: str, sink: Callable[[], Sink | None] = _nowhere) -> Callable[[], dict[str, int]]:
    recording = market.recording()
    plan = plan_of(recording, "1m", arm, EngineSettings(), arms=POSTERIOR)
    block = block_of(recording, (), (predictions,) if plan.waits() else ())
    return lambda: run(plan, block, SimulationSettings(), sink()).counts


BENCHMARK = Benchmark(
    "pipeline",
    "the full gate pipeline with traces over 500 k one-minute bars, predictions given, an adaptive posterior over three arms",
    prepare,
    Target("rate", 4e6, "at least 4 M bars/s"),
)
