"""One symbol's desk for tests: the simulated venue with short verbs."""

from __future__ import annotations

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.effects import CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import BarClosed, BarOpened, OrderReport
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.rows import MARKET, STOP, TARGET
from metastackerbandit.simulation.broker import SimulatedBroker, open_venue
from metastackerbandit.simulation.settings import SimulationSettings
from tests.markets import instrument

FRICTIONLESS = CostSettings(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_bps=0, impact_coefficient=0)


class Desk:
    """A venue with one instrument; orders are numbered from 1."""

    def __init__(
        self, costs: CostSettings | None = None, simulation: SimulationSettings | None = None, rules: Instrument | None = None, position: int = 0
    ) -> None:
        self.rules = rules or instrument()
        self.venue = open_venue((self.rules,), [costs or CostSettings()], simulation or SimulationSettings())
        self.broker = SimulatedBroker(self.venue)
        self.orders = 0
        if position:
            self.venue.desks[0].position = position

    @property
    def position(self) -> int:
        """Lots that the venue knows of."""
        return int(self.venue.desks[0].position)

    @property
    def resting(self) -> int:
        """Orders at the venue."""
        return int(self.venue.desks[0].resting)

    def market(self, lots: int, at_ns: int = 0, *, reduce_only: bool = False, impact: int = 0) -> list[OrderReport]:
        """Send a market order."""
        return self._send(MARKET, lots, 0, at_ns, reduce_only, impact)

    def stop(self, lots: int, trigger: int, at_ns: int = 0, impact: int = 0) -> list[OrderReport]:
        """Send a reduce-only stop."""
        return self._send(STOP, lots, trigger, at_ns, True, impact)

    def target(self, lots: int, trigger: int, at_ns: int = 0, impact: int = 0) -> list[OrderReport]:
        """Send a reduce-only target."""
        return self._send(TARGET, lots, trigger, at_ns, True, impact)

    def cancel(self, order: int, at_ns: int = 0) -> list[OrderReport]:
        """Cancel by number."""
        return self.broker.act(CancelOrder(instrument=0, order=order, at_ns=at_ns))

    def opens(self, price: int, at_ns: int = 0) -> list[OrderReport]:
        """A candle opens."""
        return self.broker.on_open(BarOpened(0, at_ns, price))

    def ranges(self, low: int, high: int, at_ns: int = 0, first: int | None = None) -> list[OrderReport]:
        """A candle's range is known; it opened at `first`, by default in the middle."""
        return self.broker.on_range(closed(at_ns, low, high, low, (low + high) // 2 if first is None else first))

    def closes(self, price: int, at_ns: int = 0) -> list[OrderReport]:
        """A candle's close was decided on."""
        return self.broker.on_close(closed(at_ns, price, price, price, price))

    def _send(self, kind: int, lots: int, trigger: int, at_ns: int, reduce_only: bool, impact: int) -> list[OrderReport]:
        self.orders += 1
        return self.broker.act(order(self.orders, kind, lots, trigger, at_ns, reduce_only, impact))


def closed(at_ns: int, low: int, high: int, close: int, first: int) -> BarClosed:
    """A candle that ends at `at_ns`."""
    return BarClosed(0, Bar(opened_ns=at_ns - 1, closed_ns=at_ns, known_ns=at_ns, open=first, high=high, low=low, close=close, volume=1.0))


def order(number: int, kind: int, lots: int, trigger: int, at_ns: int, reduce_only: bool, impact: int) -> SubmitOrder:
    """An order as the engine sends it."""
    return SubmitOrder(
        instrument=0, order=number, decision=0, kind=kind, lots=lots, trigger=trigger, reduce_only=int(reduce_only), impact=impact, at_ns=at_ns
    )
