"""A paper run over a recording: paced or at speed, journaled as it happens, stoppable at any input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from msgspec import Struct

from metastackerbandit.domain.effects import Decided
from metastackerbandit.domain.inputs import BarClosed, Input
from metastackerbandit.domain.money import money_float
from metastackerbandit.domain.sink import Sink
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan, deposit_row
from metastackerbandit.runtime.ports import Clock
from metastackerbandit.runtime.replay import Broker, Driver

HEARTBEAT_NS = 1_000_000_000


class Writer(Sink, Protocol):
    """The journal of one run."""

    def flush(self) -> None:
        """Make what waits durable."""

    def heartbeat(self, now_ns: int, summary: dict[str, Any]) -> None:
        """Say that the run is alive."""


class Watcher(Protocol):
    """Somebody who looks on; telemetry only, it can change nothing."""

    def decided(self, decision: Decided) -> None:
        """A decision was taken."""

    def moved(self, event: Input, engine: Engine, done: int) -> None:
        """An input was taken in; `done` of all so far."""


class Ended(Struct, frozen=True):
    """How a run ended: inputs taken, wall seconds, whether it was stopped early."""

    inputs: int
    seconds: float
    stopped: bool


class Paper:
    """One paper run: engine, broker and journal wired together."""

    def __init__(
        self, plan: Plan, broker: Broker, writer: Writer, clock: Clock, watcher: Watcher | None = None, engine: Engine | None = None
    ) -> None:
        self.engine = Engine(plan) if engine is None else engine
        self._writer = writer
        self._clock = clock
        self._watcher = watcher
        writer.ledger(deposit_row(plan))
        self._driver = Driver(self.engine, _IntentsFirst(broker, writer), writer, watcher.decided if watcher else None)

    def run(self, inputs: Iterable[Input], pace: float, is_stopped: Callable[[], bool]) -> Ended:
        """Take every input; `pace` candles a second (0: as fast as it goes)."""
        started = beat = self._clock.now_ns()
        done = candles = 0
        stopped = False
        for event in inputs:
            if is_stopped():
                stopped = True
                break
            if pace > 0 and isinstance(event, BarClosed):
                candles += 1
                self._hold_until(started + round(candles / pace * 1e9))
            self._driver.take(event)
            done += 1
            if self._watcher is not None:
                self._watcher.moved(event, self.engine, done)
            if done % 256 == 0 or pace > 0:
                now = self._clock.now_ns()
                if now - beat >= HEARTBEAT_NS:
                    self._writer.heartbeat(now, self.summary(done))
                    beat = now
        self._writer.flush()
        return Ended(done, (self._clock.now_ns() - started) / 1e9, stopped)

    def summary(self, done: int) -> dict[str, Any]:
        """How the run stands, for status."""
        return summary_of(self.engine, done)

    def _hold_until(self, due_ns: int) -> None:
        early = (due_ns - self._clock.now_ns()) / 1e9
        if early > 0:
            self._clock.wait(early)


def summary_of(engine: Engine, done: int) -> dict[str, Any]:
    """How a run stands after so many inputs."""
    account = engine.world.account[0]
    return {
        "inputs": done,
        "decisions": int(account.decisions),
        "orders": int(account.orders),
        "fills": int(account.fills),
        "round_trips": int(account.trips),
        "equity": money_float(engine.equity, engine.plan.settings.account.currency),
    }


class _IntentsFirst:
    """A broker that is only asked once the intent is in the journal."""

    def __init__(self, broker: Broker, writer: Writer) -> None:
        self._broker = broker
        self._writer = writer
        self.on_open = broker.on_open
        self.on_range = broker.on_range
        self.on_close = broker.on_close

    def act(self, effect: Any) -> Any:
        """Flush, then act."""
        self._writer.flush()
        return self._broker.act(effect)
