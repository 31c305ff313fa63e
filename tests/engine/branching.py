"""A run that is taken apart at one decision: there, and only there, one gate lets pass; what follows is another history of the same market."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.domain.inputs import Control, Input
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.engine.plan import Plan, recording_of
from metastackerbandit.runtime.replay import Driver, inputs_of
from metastackerbandit.simulation.broker import SimulatedBroker, open_venue
from metastackerbandit.simulation.settings import SimulationSettings
from tests.markets import streaming

FAR = 1e9  # beyond every limit

# How one gate is made to pass, without anything else that its limit does.
RELAXED: dict[str, Callable[[Any, int], None]] = {
    "familiar": lambda world, s: _set(world, s, "min_credibility", -1.0),
    "signal": lambda world, s: _set(world, s, "min_signal", -FAR),
    "confidence": lambda world, s: _set(world, s, "min_confidence", -FAR),
    "alpha": lambda world, s: _set(world, s, "min_alpha", -FAR),
    "volatility_floor": lambda world, s: _set(world, s, "min_volatility", -FAR),
    "volatility_cap": lambda world, s: _set(world, s, "max_volatility", FAR),
    "funding": lambda world, s: _set(world, s, "max_funding_bps", FAR),
    "cooldown": lambda world, s: _set(world, s, "cooldown_bars", -FAR),
    "flip_gap": lambda world, s: _set(world, s, "flip_gap_bars", -FAR),
    "impact": lambda world, s: _set(world, s, "max_impact_bps", FAR),
    "orders_a_day": lambda world, s: _set(world, s, "max_orders_a_day", FAR),
    "operator": lambda world, s: _free(world),
}


def _set(world: Any, s: int, name: str, value: float) -> None:
    """Set a limit; of one that differs by side, both."""
    for own in (name, f"{name}_buy", f"{name}_sell"):
        if own in world.limits.dtype.names:
            world.limits[own][s] = value


def _free(world: Any) -> None:
    world.account["paused"][0] = 0


class Telling:
    """A run, its rows, and for chosen decisions the state of engine and venue before the event that made them."""

    def __init__(self, plan: Plan, recording: Recording, controls: tuple[Control, ...] = (), predictions: tuple[np.ndarray, ...] = ()) -> None:
        self.plan = plan
        fed = recording_of(plan, recording)
        block = block_of(fed, controls, predictions)
        self.events: list[Input] = list(inputs_of(fed, block.order, controls, predictions))
        sink = MemorySink()
        run(plan, block, SimulationSettings(), sink)
        self.kept = sink.kept()
        self.before: dict[int, tuple[int, bytes, Any]] = {}
        self.shadows: dict[int, np.ndarray] = {}

    def visit(self, decisions: set[int]) -> None:
        """Go through the run once more, and keep the states before these decisions, and the arms' own portfolios after them."""
        driver, _ = streaming(self.plan, SimulationSettings())
        world = driver.engine.world
        for place, event in enumerate(self.events):
            coming = int(world.account["decisions"][0]) + 1
            if coming in decisions:
                self.before[coming] = (place, driver.engine.snapshot(), copy.deepcopy(driver._broker._venue))  # type: ignore[attr-defined]
            driver.take(event)
            if coming in decisions:
                self.shadows[coming] = world.shadows.copy()

    def without(self, gate: str, decision: int, book: int) -> Any:
        """The trip that decision comes to when the gate lets it pass, and nothing else is changed.

        The arms' own portfolios ask some of the same gates: they do what they did, or arms would learn otherwise and another be heard later.
        """
        place, snapshot, venue = self.before[decision]
        driver, sink = streaming(self.plan, SimulationSettings())
        driver.engine.restore(snapshot)
        fresh = SimulatedBroker(open_venue(self.plan.instruments, self.plan.costs, SimulationSettings()))
        fresh._venue = copy.deepcopy(venue)
        driver = Driver(driver.engine, fresh, sink)
        world = driver.engine.world
        limits, paused = world.limits.copy(), int(world.account["paused"][0])
        RELAXED[gate](world, book)
        driver.take(self.events[place])
        world.limits[:] = limits
        world.account["paused"][0] = paused
        world.shadows[:] = self.shadows[decision]
        return self._end(driver, sink, self.events[place + 1 :], decision)

    def _end(self, driver: Driver, sink: Any, rest: Iterable[Input], decision: int) -> Any:
        for event in rest:
            driver.take(event)
            if driver.engine.world.account["trips"][0]:
                trips = sink.kept().trips
                mine = trips[trips["decision"] == decision] if len(trips) else trips
                if len(mine):
                    return mine[0]
        return None
