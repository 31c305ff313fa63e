"""Runs with a mirror twin beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from metastackerbandit.backtest.run import block_of
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.recording import Recording
from metastackerbandit.engine.plan import plan_of, recording_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.runtime.replay import inputs_of
from metastackerbandit.runtime.twin import Seen, Twinned
from metastackerbandit.simulation.settings import SimulationSettings
from tests.markets import streaming


def by_twin(
    recording: Recording,
    frame: str | tuple[str, ...],
    arm: str,
    settings: EngineSettings,
    predictions: Sequence[np.ndarray] = (),
    controls: tuple[Control, ...] = (),
    stop: Callable[[Seen], bool] = lambda _: False,
    tell: Callable[[np.ndarray], None] | None = None,
    **more: Any,
) -> Seen:
    """What the twin of a run has seen; `stop` ends it early, `tell` hears its alarms."""
    plan = plan_of(recording, frame, arm, settings, **more)
    driver, _ = streaming(plan, SimulationSettings())
    engine = Twinned(plan, tell)
    driver.engine = engine
    fed = recording_of(plan, recording)
    for event in inputs_of(fed, block_of(fed, controls, predictions).order, controls, predictions):
        driver.take(event)
        if stop(engine.twin.seen()):
            break
    return engine.twin.seen()
