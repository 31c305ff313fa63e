"""Each port keeps one signature, so that a wrong array fails at once and nothing compiles in the live loop."""

from __future__ import annotations

from metastackerbandit.domain.kernel import signatures_of
from metastackerbandit.engine.engine import step_closed, step_opened, step_report
from metastackerbandit.engine.settings import EngineSettings
from tests.markets import by_stream, generated


def test_a_run_leaves_one_signature_a_port() -> None:
    by_stream(generated(4, 120, funded=True), "15m", "sma_cross", EngineSettings())
    by_stream(generated(5, 60, symbols=1, market="spot"), "5m", "reversal", EngineSettings())
    assert [signatures_of(port) for port in (step_closed, step_opened, step_report)] == [1, 1, 1]
