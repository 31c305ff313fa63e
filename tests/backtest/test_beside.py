"""The curves of what ran beside a run: few points, and they end where the evidence says."""

from __future__ import annotations

import numpy as np
import pytest

from metastackerbandit.backtest.beside import POINTS, curves_json
from metastackerbandit.backtest.judging import beside_of, evidence_of
from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.simulation.settings import SimulationSettings
from tests.markets import generated


@pytest.mark.parametrize("count", [50, 1_500])
def test_curves_end_where_the_evidence_says(count: int) -> None:
    recording, simulation, sink = generated(7, count), SimulationSettings(), MemorySink()
    plan = plan_of(recording, "5m", "ema_cross", EngineSettings())
    block = block_of(recording)
    result = run(plan, block, simulation, sink)
    beside = beside_of(plan, block, simulation, result)
    evidence = evidence_of(plan, block, simulation, result, sink.kept(), (), beside=beside)
    assert evidence == evidence_of(plan, block, simulation, result, sink.kept(), ())
    told = curves_json(plan, result, beside)
    assert len(told["at_ns"]) == min(count, POINTS) and (np.diff(told["at_ns"]) > 0).all()
    assert set(told["levels"]) == {"buy_and_hold", "sma_cross", "momentum", "reversal", "0x", "2x"}
    assert all(len(line) == len(told["at_ns"]) for line in told["levels"].values())
    assert evidence is not None
    assert told["levels"]["0x"][-1] == pytest.approx(1.0 + evidence.costs.free, abs=1e-6)
    assert told["levels"]["2x"][-1] == pytest.approx(1.0 + evidence.costs.double, abs=1e-6)
    for name, returns in beside.rivals.items():
        if name != "flat":
            assert told["levels"][name][-1] == pytest.approx(np.prod(1.0 + returns), abs=1e-6)
