"""Compile the kernels with a progress bar, so that the first run does not wait for the compiler."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

# What a second process compiles meanwhile, where there is a second processor.
BESIDE = ("features", "market data", "model input", "loopback exchange", "live market")
_ALONE = "--beside"


def warm() -> None:
    """Call every port once on a tiny market; compiled code lands in the cache. Two processors share the work."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    started = time.monotonic()
    helper = subprocess.Popen([sys.executable, "-m", "metastackerbandit.cli.warm", _ALONE]) if (os.cpu_count() or 1) > 1 else None
    jobs = _jobs()
    console = Console(stderr=True)
    with Progress(
        TextColumn("compiling kernels"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} {task.description}"),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=len(jobs))
        for name, job in sorted(jobs, key=lambda one: one[0] in BESIDE):
            progress.update(task, description=name)
            if name not in BESIDE or helper is None or helper.wait() != 0:
                job()
            progress.advance(task)
    console.print(f"kernels ready after {time.monotonic() - started:.1f} s")


def warm_beside() -> None:
    """The second process's share."""
    for name, job in _jobs():
        if name in BESIDE:
            job()


def _jobs() -> list[tuple[str, Callable[[], object]]]:
    import math

    import numpy as np

    from metastackerbandit.backtest.run import block_of, run
    from metastackerbandit.cli.warm_live import log
    from metastackerbandit.domain.bar import Bar
    from metastackerbandit.domain.inputs import Control
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.domain.kernel import layout, rows
    from metastackerbandit.domain.recording import FundingRow, Recording
    from metastackerbandit.domain.rows import TripRow
    from metastackerbandit.domain.sink import MemorySink
    from metastackerbandit.domain.timeframe import MINUTE_NS
    from metastackerbandit.engine.engine import Engine
    from metastackerbandit.engine.gates import GATE_NAMES
    from metastackerbandit.engine.plan import plan_of
    from metastackerbandit.engine.settings import EngineSettings
    from metastackerbandit.evaluation.monitors.spec import BookTerms
    from metastackerbandit.evaluation.monitors.whole_run import Told, watch_run
    from metastackerbandit.evaluation.scores import scores
    from metastackerbandit.evaluation.settings import MonitorSettings
    from metastackerbandit.exits.settings import ExitSettings
    from metastackerbandit.runtime.replay import Driver, inputs_of
    from metastackerbandit.simulation.broker import SimulatedBroker, open_venue
    from metastackerbandit.simulation.settings import SimulationSettings

    count = 60
    bars = np.zeros(count, layout(Bar))
    bars["opened_ns"] = np.arange(1, count + 1) * 5 * MINUTE_NS
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + 5 * MINUTE_NS
    prices = 500_000 + (np.arange(count) % 7 - 3) * 4_000
    bars["open"], bars["close"], bars["high"], bars["low"] = prices, np.roll(prices, 1), prices + 9_000, prices - 9_000
    bars["volume"], bars["parts"], bars["parts_due"] = 10.0, 1, 1
    funding = np.zeros(1, layout(FundingRow))
    funding["at_ns"], funding["rate"] = bars["opened_ns"][30], 10_000
    instrument = Instrument("BTCUSDT", "BTC", "USDT", "perp", "WARM", "0.1", "0.001", "0.001", "1000", "5")
    recording = Recording((instrument,), 5 * MINUTE_NS, (bars,), (funding,), (True,), "warm", "warm")
    plan = plan_of(recording, "5m", "reversal", EngineSettings(exits=ExitSettings(stop_bps=50.0, target_bps=50.0, trail_bps=40.0)))
    controls = (Control(int(bars["opened_ns"][50]), "pause"), Control(int(bars["opened_ns"][55]), "kill"))
    block = block_of(recording, controls)

    def stream() -> None:
        driver = Driver(Engine(plan), SimulatedBroker(open_venue(plan.instruments, plan.costs, SimulationSettings())), MemorySink())
        for event in inputs_of(recording, block.order, controls):
            driver.take(event)

    def evaluate() -> None:
        equity = 10**12 + np.cumsum(prices - 500_000) * 10**3
        exposure = np.full(count, 0.5)
        trips = rows(TripRow, 2)
        trips["net"] = (5, -3)
        scores(equity=equity.astype(np.int64), capital=10**12, exposure=exposure, traded=exposure, trips=trips, frame_ns=5 * MINUTE_NS)

    def watch() -> None:
        sink = MemorySink()
        run(plan, block, SimulationSettings(), sink)
        kept = sink.kept()
        names = ("decisions", "observed", "limit", "verdict", "orders", "fills", "ledger", "trips")
        terms = BookTerms(0, recording.base_ns, 1, 1, math.nan, math.nan, math.nan, 0, math.nan, -1)
        watch_run(Told(**{name: getattr(kept, name) for name in names}), [terms], GATE_NAMES, MonitorSettings())

    return [
        ("block driver", lambda: run(plan, block, SimulationSettings(), MemorySink())),
        ("streaming driver", stream),
        ("input log", lambda: log(plan, inputs_of(recording, block.order, controls))),
        ("statistics", evaluate),
        ("monitors", watch),
        *_market_jobs(),
    ]


def _market_jobs() -> list[tuple[str, Callable[[], object]]]:
    """A made feed of a perpetual through scanner, book, quality, bars, seconds and the standard model input; features of bars; a live market."""
    import tempfile
    from functools import cache
    from pathlib import Path

    from metastackerbandit.cli.warm_live import live_jobs
    from metastackerbandit.domain.bar import Bar
    from metastackerbandit.domain.capture import Capture
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.domain.kernel import rows
    from metastackerbandit.domain.timeframe import MINUTE_NS
    from metastackerbandit.features.batch import features_over
    from metastackerbandit.features.stream import FeatureStream
    from metastackerbandit.market.settings import QualitySettings
    from metastackerbandit.runtime.capture_check import check_capture
    from metastackerbandit.runtime.capture_recording import heard_in
    from metastackerbandit.runtime.input_feed import inputs_of
    from metastackerbandit.simulation.binance_frames import Venue, written
    from metastackerbandit.storage.captures import read_capture

    one = Instrument("BTCUSDT", "BTC", "USDT", "perp", "BINANCE", "0.1", "0.001", "0.001", "1000", "5")

    @cache
    def capture() -> Capture:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "frames"
            path.write_bytes(written(Venue(1, is_perp=True).frames(30, 0)))
            return read_capture([path])

    def follow() -> None:
        check_capture(capture(), [one])
        heard_in(capture(), [one], 0, QualitySettings())

    def feature() -> None:
        bars = rows(Bar, 2)
        bars["opened_ns"] = (MINUTE_NS, 2 * MINUTE_NS)
        bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + MINUTE_NS
        for name in ("open", "high", "low", "close", "parts", "parts_due"):
            bars[name] = 1
        features_over(bars, MINUTE_NS, None, has_volume=True, has_flow=True)
        FeatureStream(MINUTE_NS, has_volume=True, has_flow=True, has_funding=False).on_bar(bars, 0)

    return [
        ("features", feature),
        ("market data", follow),
        ("model input", lambda: inputs_of(capture(), [one], one.symbol, [int(capture().received_ns[-1])])),
        *live_jobs(capture, one),
    ]


if __name__ == "__main__":
    warm_beside() if _ALONE in sys.argv else warm()
    sys.exit(0)
