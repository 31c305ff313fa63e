"""Runs with a mirror twin beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from metastackerbandit.backtest.run import block_of
from metastackerbandit.domain.effects import Effect
from metastackerbandit.domain.inputs import Control, Input
from metastackerbandit.domain.recording import Recording
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan, plan_of, recording_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.runtime.replay import inputs_of
from metastackerbandit.runtime.twin import Seen, Twin
from metastackerbandit.simulation.settings import SimulationSettings
from tests.markets import streaming


class Twinned(Engine):
    """An engine whose twin looks before every step."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.twin = Twin(plan)

    def step(self, event: Input) -> list[Effect]:
        """Look, then take the input."""
        self.twin.before(self.world, event)
        return super().step(event)


def by_twin(
    recording: Recording,
    frame: str | tuple[str, ...],
    arm: str,
    settings: EngineSettings,
    predictions: Sequence[np.ndarray] = (),
    controls: tuple[Control, ...] = (),
    stop: Callable[[Seen], bool] = lambda _: False,
    **more: Any,
) -> Seen:
    """What the twin of a run has seen; `stop` ends it early."""
    plan = plan_of(recording, frame, arm, settings, **more)
    driver, _ = streaming(plan, SimulationSettings())
    engine = Twinned(plan)
    driver.engine = engine
    fed = recording_of(plan, recording)
    for event in inputs_of(fed, block_of(fed, controls, predictions).order, controls, predictions):
        driver.take(event)
        if stop(engine.twin.seen()):
            break
    return engine.twin.seen()
