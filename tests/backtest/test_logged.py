"""What a streaming run was told, run again through compiled loops: the same rows to the bit, whatever traded and however it ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.backtest.logged import logged_of, run_logged
from metastackerbandit.backtest.run import block_of
from metastackerbandit.domain.errors import Fault
from metastackerbandit.domain.inputs import Control, Input, OrderReport
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import WORKING
from metastackerbandit.domain.sink import Kept, MemorySink
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan, deposit_row, plan_of, recording_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.runtime.replay import Driver, inputs_of
from metastackerbandit.simulation.broker import SimulatedBroker, open_venue
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.storage.input_log import InputLog, read_inputs
from tests.markets import START_NS, generated, recorded, same_bytes


def streamed(recording: Recording, arm: str, controls: tuple[Control, ...], engine: EngineSettings) -> tuple[Plan, Kept, list[Input]]:
    """A run over a candle venue: its plan, what it left, and everything that its engine was told."""
    plan = plan_of(recording, ("5m", "15m"), arm, engine)
    told: list[Input] = []
    sink = MemorySink()
    sink.ledger(deposit_row(plan))
    broker = SimulatedBroker(open_venue(plan.instruments, plan.costs, SimulationSettings()))
    driver = Driver(Engine(plan), broker, sink, log=told.append)
    fed = recording_of(plan, recording)
    for event in inputs_of(fed, block_of(fed, controls).order, controls):
        driver.take(event)
    return plan, sink.kept(), told


def again(plan: Plan, told: list[Input]) -> Kept:
    """The log through the block driver."""
    sink = MemorySink()
    run_logged(plan, logged_of(told), sink)
    return sink.kept()


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), arm=st.sampled_from(["sma_cross", "breakout", "random_entries"]), kills=st.booleans())
def test_a_log_gives_the_rows_of_the_run_that_wrote_it(seed: int, arm: str, kills: bool) -> None:
    controls = (Control(START_NS + 30 * 3_600 * 10**9, "pause"), Control(START_NS + 40 * 3_600 * 10**9, "kill" if kills else "resume"))
    engine = EngineSettings(exits=ExitSettings(stop_bps=80.0, target_bps=160.0))
    plan, kept, told = streamed(generated(seed, 700, funded=True, moody=True, booked=True, holes=0.02), arm, controls, engine)
    assert any(isinstance(event, OrderReport) for event in told)
    same_bytes(kept, again(plan, told))


def test_a_recorded_market_and_a_log_on_disk(tmp_path: Path) -> None:
    plan, kept, told = streamed(recorded(count=3_000), "sma_cross", (), EngineSettings())
    assert len(kept.fills) > 20
    log = InputLog(tmp_path / "log")
    for event in told:
        log.append(event)
    log.close()
    same_bytes(kept, again(plan, list(read_inputs(tmp_path / "log"))))


def test_a_report_that_an_orders_life_does_not_allow_ends_the_run() -> None:
    plan, _, told = streamed(generated(3, 400), "sma_cross", (), EngineSettings())
    place = next(n for n, event in enumerate(told) if isinstance(event, OrderReport))
    report = told[place]
    assert isinstance(report, OrderReport) and report.state == WORKING
    with pytest.raises(Fault, match="disagree"):
        again(plan, [*told[: place + 1], report])
