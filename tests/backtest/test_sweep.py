"""A sweep is single runs, one after the other: every row equals its own run to the last unit."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.backtest.run import Block, block_of, run
from metastackerbandit.backtest.sweep import grid, sweep
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.engine.plan import Plan, plan_of, recording_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.evaluation.path import drawdown_over
from metastackerbandit.simulation.settings import SimulationSettings
from tests.markets import generated

BASE = EngineSettings()
CASES = {
    "one book": (generated(3, 1_500, 1), ("5m",)),
    "two symbols on two frames, funded": (generated(4, 900, 2, funded=True, holes=0.02), ("5m", "15m")),
}


def _always(chosen: EngineSettings, _: EngineSettings) -> EngineSettings:
    return chosen


def made(name: str) -> tuple[Plan, Block]:
    recording, frames = CASES[name]
    plan = plan_of(recording, frames, "sma_cross", BASE)
    return plan, block_of(recording_of(plan, recording))


@pytest.mark.parametrize("name", CASES)
def test_each_row_is_what_a_single_run_comes_to(name: str) -> None:
    plan, block = made(name)
    settings = grid(BASE, "sma_cross", fast=(2, 5, 9), slow=(12, 40))
    found = sweep(plan, block, SimulationSettings(), settings)
    assert len(found) == 6 and len(set(found["net"].tolist())) > 3
    for row, chosen in zip(found, settings, strict=True):
        tuned = plan.tuned(partial(_always, chosen))
        for lean in (True, False):
            sink = MemorySink()
            alone = run(tuned, block, SimulationSettings(), sink, lean=lean)
            account = alone.world.account[0]
            deposit = int(sink.kept().ledger["cash"][0])
            assert row["net"] == account.cash + account.marked - deposit
            assert (row["orders"], row["fills"], row["round_trips"]) == tuple(alone.counts[name] for name in ("orders", "fills", "round_trips"))
            assert row["drawdown"] == drawdown_over(alone.curve["equity"].astype(np.float64), float(deposit))[0]


def test_a_row_does_not_depend_on_those_before_it() -> None:
    plan, block = made("one book")
    settings = grid(BASE, "sma_cross", fast=(2, 5), slow=(12, 40))
    forward = sweep(plan, block, SimulationSettings(), settings)
    backward = sweep(plan, block, SimulationSettings(), settings[::-1])
    assert forward.tobytes() == backward[::-1].tobytes()


def test_more_than_one_filling_of_the_row_arrays_changes_nothing() -> None:
    recording = generated(5, 20_000, 1)
    plan = plan_of(recording, "5m", "sma_cross", BASE)
    block = block_of(recording)
    restless = grid(structs.replace(BASE, execution=structs.replace(BASE.execution, max_orders_a_day=1_000)), "sma_cross", fast=(1,), slow=(2,))
    found = sweep(plan, block, SimulationSettings(), restless)[0]
    alone = run(plan.tuned(lambda _: restless[0]), block, SimulationSettings(), None, lean=True)
    assert found["orders"] == alone.counts["orders"] and len(alone.curve) > 16_384
    assert found["net"] == alone.world.account[0].cash + alone.world.account[0].marked - 10_000 * 10**8


def test_what_cannot_be_swept_is_refused_with_its_place() -> None:
    plan, block = made("one book")
    with pytest.raises(ConfigRefused, match="no settings"):
        sweep(plan, block, SimulationSettings(), [])
    with pytest.raises(ConfigRefused, match="settings 1: "):
        sweep(plan, block, SimulationSettings(), grid(BASE, "sma_cross", fast=(10, 50), slow=(50,)))
    with pytest.raises(ConfigRefused, match="there are fast, slow"):
        grid(BASE, "sma_cross", length=(1,))
    with pytest.raises(ConfigRefused, match="there are sma_cross"):
        grid(BASE, "astrology", length=(1,))
