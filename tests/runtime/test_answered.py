"""A predictor's answers, put between the inputs as they come, decide what a recorded log of predictions decides."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metastackerbandit.backtest.run import block_of
from metastackerbandit.domain.inputs import BarClosed, BarOpened, Input
from metastackerbandit.domain.kernel import struct_of
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.runtime.replay import Answered, inputs_of
from metastackerbandit.simulation.settings import SimulationSettings
from tests.markets import by_block, generated, same_bytes, streaming
from tests.predicted import predictions_of


class Known:
    """Says what is written down, when the bar that it is about closes: with its last candle, or late at the next one's open."""

    def __init__(self, predictions: tuple[np.ndarray, ...], latency_ns: int) -> None:
        self._by_bar: dict[tuple[int, int], list[Prediction]] = {}
        for s, rows in enumerate(predictions):
            for n in range(len(rows)):
                one = struct_of(Prediction, rows[n])
                self._by_bar.setdefault((s, one.at_ns - latency_ns), []).append(one)

    def hear(self, event: Input) -> list[Prediction]:
        """The bars that this input closed."""
        match event:
            case BarClosed(instrument=s, bar=bar):
                return self._by_bar.pop((s, bar.known_ns), [])
            case BarOpened(instrument=s, at_ns=at_ns):
                return self._by_bar.pop((s, at_ns), [])
        return []


@settings(max_examples=40)
@example(seed=296, holes=0.3, latency_ns=0, others=("1h", "15m"))
@example(seed=301, holes=0.3, latency_ns=0, others=("1h", "15m"))
@given(
    seed=st.integers(0, 1_000),
    holes=st.sampled_from([0.0, 0.3]),
    latency_ns=st.sampled_from([0, 7 * 10**9, 6 * 60 * 10**9]),
    others=st.sampled_from([(), ("1h", "15m")]),
)
def test_a_run_that_is_answered_decides_as_one_that_reads_the_recorded_log(seed: int, holes: float, latency_ns: int, others: tuple[str, ...]) -> None:
    recording = generated(seed, 120, holes=holes, funded=True)
    predictions = predictions_of(recording, "5m", seed, latency_ns=latency_ns, others=others)
    frames = tuple(reversed(others))
    log, _ = by_block(recording, "5m", "model", EngineSettings(), predictions=predictions, frames=frames)
    driver, sink = streaming(plan_of(recording, "5m", "model", EngineSettings(), frames=frames), SimulationSettings())
    heard = 0
    for event in Answered(inputs_of(recording, block_of(recording).order), Known(predictions, latency_ns)):
        heard += isinstance(event, Prediction)
        driver.take(event)
    assert heard == sum(len(rows) for rows in predictions)
    same_bytes(log, sink.kept())
