"""The whole chain of gates on what a trained model said of recorded candles, read back from the journal that a backtest left."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.bench.interleaved import timed
from metastackerbandit.bench.own_command import SYMBOL, recorded_candles, told
from metastackerbandit.bench.spec import Benchmark, Prepared, Target
from metastackerbandit.domain.prediction import AWAKE
from metastackerbandit.domain.recording import Recording
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.storage.candles import load_recording
from metastackerbandit.storage.journal import Journal

FRAME = "5m"
POSTERIOR = ("model", "momentum", "sma_cross")  # arms that compete, where they are timed
TIMES = 5


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """Train and backtest once, as a user does; what is timed reads nothing from disk.

    Raises:
        DataRefused: no recorded candles are at hand; a model of made ones would say nothing.
    """
    candles = recorded_candles(data)
    home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    told("train", candles, home, FRAME)
    told("backtest", candles, home, FRAME, "--arm", "model")
    predictions = _stored(home)
    recording = load_recording(candles, (SYMBOL,), market="perp", instruments_file=None)
    bars = len(recording.bars[0])

    def facts() -> dict[str, float]:
        runner = _runner(recording, predictions, "posterior")
        took = [timed(runner).cpu_s for _ in range(TIMES + 1)][1:]
        return {"posterior_bars_a_second": bars / min(took), "awake": float((predictions["silence"] == AWAKE).mean())}

    return Prepared(
        run=_runner(recording, predictions, "model"),
        amount=float(bars),
        unit="bars",
        facts=facts,
        notes=(
            f"{SYMBOL} {FRAME}, {bars:,} recorded perpetual candles of 2025; walk-forward predictions of `msb train`, out of sample",
            "default settings; beside it, by least CPU time, an adaptive posterior over " + ", ".join(POSTERIOR),
        ),
    )


def _stored(home: Path) -> np.ndarray:
    with Journal.open(home, create=False) as journal:
        return journal.run().predictions()


def _runner(recording: Recording, predictions: np.ndarray, arm: str) -> Callable[[], dict[str, int]]:
    plan = plan_of(recording, FRAME, arm, EngineSettings(), arms=POSTERIOR)
    block = block_of(recording, (), (predictions,))
    return lambda: run(plan, block, SimulationSettings(), None).counts


BENCHMARK = Benchmark(
    "stored",
    "the full gate pipeline with traces over a year of five-minute bars, on the stored predictions of a trained model",
    prepare,
    Target("rate", 4e6, "at least 4 M bars/s"),
    rounds=31,
)
