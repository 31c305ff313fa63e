"""Kernels keep their pace: beside a fixed loop of the same process none is more than twice as slow as it was recorded to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.backtest.sweep import sweep
from metastackerbandit.bench.candles import Market, minutes
from metastackerbandit.bench.matched import matched_settings
from metastackerbandit.bench.pace import Work, ratios, too_slow
from metastackerbandit.bench.wide import Rule
from metastackerbandit.bench.works.pipeline import beliefs
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.features.batch import features_over
from metastackerbandit.features.stream import FeatureStream
from metastackerbandit.simulation.settings import SimulationSettings

TOLERANCE = 2.0  # times the recorded ratio: processors differ by half, an array that is counted or a history that is scanned by far more
RECORDED = {  # turns of the calibration loop a step, on an idle and on a crowded two-core machine alike (docs/performance.md says how)
    "lean block, a bar": 95.0,
    "block with traces, a bar": 150.0,
    "block with predictions, a bar": 275.0,
    "sweep, a bar": 55.0,
    "features in a batch, a bar": 285.0,
    "thirty features in a batch, a bar": 110.0,
    "features in a stream, a bar": 1000.0,
}
BARS = 20_000
CROSS = Rule("sma_cross", fast=50, slow=200)


def backtest(market: Market, settings: EngineSettings, arm: str, *, lean: bool) -> Work:
    recording = market.recording()
    plan = plan_of(recording, "1m", arm, settings)
    block = block_of(recording, (), (beliefs(market),) if plan.waits() else ())
    return Work(lambda: run(plan, block, SimulationSettings(), None, lean=lean), len(market.bars))


def swept(market: Market) -> Work:
    recording = market.recording()
    plan, block = plan_of(recording, "1m", CROSS.arm, matched_settings(CROSS)), block_of(recording)
    return Work(lambda: sweep(plan, block, SimulationSettings(), [matched_settings(CROSS)] * 3), 3 * len(market.bars))


def batch(market: Market, *families: str) -> Work:
    return Work(
        lambda: features_over(market.bars, MINUTE_NS, None, has_volume=True, has_flow=True, families=families),
        len(market.bars),
    )


def stream(market: Market, count: int) -> Work:
    def taken() -> None:
        features = FeatureStream(MINUTE_NS, has_volume=True, has_flow=True, has_funding=False)
        for place in range(count):
            features.on_bar(market.bars, place)

    return Work(taken, count)


def test_no_kernel_lost_its_pace() -> None:
    market = minutes(None, BARS)
    thirty = ("returns", "trend", "direction", "channel", "reversion", "efficiency", "moments", "candle", "vwap")
    found = ratios(
        {
            "lean block, a bar": backtest(market, matched_settings(CROSS), CROSS.arm, lean=True),
            "block with traces, a bar": backtest(market, matched_settings(CROSS), CROSS.arm, lean=False),
            "block with predictions, a bar": backtest(market, EngineSettings(), "model", lean=False),
            "sweep, a bar": swept(market),
            "features in a batch, a bar": batch(market),
            "thirty features in a batch, a bar": batch(market, *thirty),
            "features in a stream, a bar": stream(market, 4_000),
        }
    )
    print({name: round(ratio, 1) for name, ratio in found.items()})
    assert found.keys() == RECORDED.keys()
    assert not too_slow(found, RECORDED, TOLERANCE), found


# -- the guard itself ------------------------------------------------------------------------------------------------------


@kernel
def mean_kept(values: Any) -> float:
    """A mean over the last 32 values, by adding and dropping."""
    total = 0.0
    largest = 0.0
    for place in range(len(values)):
        total += values[place]
        if place >= 32:
            total -= values[place - 32]
        largest = max(largest, total)
    return largest


@kernel
def mean_scanned(values: Any) -> float:
    """The same, planted with a scan of all that came before."""
    largest = 0.0
    for place in range(len(values)):
        total = 0.0
        for earlier in range(place + 1):
            if earlier > place - 32:
                total += values[earlier]
        largest = max(largest, total)
    return largest


@kernel
def work_done(values: Any, times: int) -> float:
    """The honest mean, done over and over."""
    total = 0.0
    for _ in range(times):
        total += mean_kept(values)
    return total


VALUES = np.linspace(0.0, 1.0, 4_000)


def paced(work: Callable[[Any], float]) -> Work:
    return Work(lambda: work(VALUES), len(VALUES))


def test_a_planted_scan_of_history_is_found() -> None:
    honest = ratios({"mean": paced(mean_kept)})
    assert not too_slow(ratios({"mean": paced(mean_kept)}), honest, TOLERANCE)
    said = too_slow(ratios({"mean": paced(mean_scanned)}), honest, TOLERANCE)
    assert len(said) == 1 and said[0].startswith("mean takes ")


@pytest.mark.parametrize("times", (3, 6))
def test_a_step_that_became_several_times_as_slow_is_found(times: int) -> None:
    honest = ratios({"mean": paced(mean_kept)})
    slowed = ratios({"mean": Work(lambda: work_done(VALUES, times), len(VALUES))})
    assert too_slow(slowed, honest, TOLERANCE)


def test_a_ratio_at_the_limit_is_no_fault() -> None:
    assert not too_slow({"a": 2.0}, {"a": 1.0}, 2.0)
    assert too_slow({"a": 2.1}, {"a": 1.0}, 2.0) == ["a takes 2.1 turns of the calibration loop a step, more than 2 times the recorded 1"]
