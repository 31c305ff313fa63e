"""One book's rows, as the engine's orders and fills see them, and the venue's words to them."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import structs

from metastackerbandit.bench.wide import Rule, settings_of
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import FILLED, MARKET, ON_SIGNAL
from metastackerbandit.engine.engine import step_report
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.orders import Desk, place_order
from metastackerbandit.engine.plan import begin, plan_of
from metastackerbandit.engine.world import Out, World, empty_out
from tests.markets import generated

PRICE = 500_000  # ticks


class Place(NamedTuple):
    """The one book of an account that has seen nothing, and what leaves it."""

    world: World
    out: Out
    desk: Desk

    @property
    def position(self) -> Any:
        """The book's position."""
        return self.desk.seat.position

    def kept(self, name: str) -> Any:
        """The rows of one kind that have left so far."""
        return getattr(self.out, name)[: int(getattr(self.out.cursor[0], name))]

    def order(self, lots: int, *, kind: int = MARKET, reason: int = ON_SIGNAL, trigger: int = 0, now_ns: int = 1) -> int:
        """Send an order -> its number."""
        assert place_order(self.desk, 0, now_ns, 7, kind, reason, lots, trigger, 0, 0) == 0
        return int(self.desk.account.orders)

    def report(self, order: int, state: int = FILLED, lots: int = 0, ticks: int = PRICE, fee: int = 0, at_ns: int = 2) -> int:
        """The venue's word on an order -> 0 or the fault."""
        words = rows(OrderReport, 1)
        word = words[0]
        word.order, word.state, word.lots, word.ticks, word.reference, word.fee, word.at_ns = order, state, lots, ticks, ticks, fee, at_ns
        return int(step_report(self.world, self.out, words, 0))

    def trade(self, lots: int, ticks: int = PRICE, fee: int = 0, at_ns: int = 2, reason: int = ON_SIGNAL) -> None:
        """A market order that fills at once."""
        assert self.report(self.order(lots, reason=reason, now_ns=at_ns), FILLED, lots, ticks, fee, at_ns) == 0

    def resting(self) -> list[tuple[int, int, int]]:
        """(kind, lots, trigger) of the book's working orders."""
        return [(int(order.kind), int(order.lots), int(order.trigger)) for order in self.desk.working[: int(self.desk.seat.working)]]


def place(stop_bps: float = 0.0, target_bps: float = 0.0, trail_bps: float | None = None) -> Place:
    """A perpetual's book with these exits, following a rule."""
    settings = settings_of(Rule("sma_cross", stop_bps=stop_bps, target_bps=target_bps), "0.1", 4.0)
    settings = structs.replace(settings, exits=structs.replace(settings.exits, trail_bps=trail_bps))
    world = begin(plan_of(generated(1, 10, symbols=1), "5m", "sma_cross", settings))
    out = empty_out(len(GATES), 8, 512, 8)
    return Place(world, out, desk_for(world, out, 0))


def desk_for(world: World, out: Out, s: int) -> Desk:
    """The rows of one book."""
    return Desk(world.account[0], world.seats[s], world.limits[s], world.working[s], out.cursor[0], out.orders, out.effects)
