"""The simulated venue as a broker: it answers requests, and reports fills as the market moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.costs.rates import rates_of
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import BarClosed, BarOpened, OrderReport
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import row, struct_of
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.simulation.venue import Desk, Venue, amend, at_close, at_open, cancel, empty_venue, inside, submit


def open_venue(instruments: tuple[Instrument, ...], costs: Sequence[CostSettings], settings: SimulationSettings) -> Venue:
    """A venue with these instruments and the costs of each, without orders."""
    venue = empty_venue(len(instruments))
    for s, (instrument, charged) in enumerate(zip(instruments, costs, strict=True)):
        rules = instrument.rules()
        desk = Desk(
            resting=0,
            position=0,
            unit=rules.unit,
            max_lots=rules.max_lots,
            latency_ns=round(settings.latency_ms * 1e6),
            at_close=int(settings.fill == "close"),
            rates=rates_of(charged),
        )
        venue.desks[s] = row(desk)[0]
    return venue


class SimulatedBroker:
    """The streaming driver's broker on candles; the block driver calls the same kernels in its loop."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def act(self, effect: SubmitOrder | CancelOrder | AmendOrder) -> list[OrderReport]:
        """Do what is asked and answer at once."""
        venue = self._venue
        match effect:
            case SubmitOrder():
                n = submit(
                    venue, effect.instrument, effect.order, effect.kind, effect.lots, effect.trigger, effect.reduce_only, effect.impact, effect.at_ns
                )
            case CancelOrder():
                n = cancel(venue, effect.instrument, effect.order, effect.at_ns)
            case AmendOrder():
                n = amend(venue, effect.instrument, effect.order, effect.lots, effect.trigger)
        return _structs(venue.answers, n)

    def on_open(self, event: BarOpened) -> list[OrderReport]:
        """Fills at a candle's open, after the engine has seen the event."""
        return _structs(self._venue.reports, at_open(self._venue, event.instrument, event.at_ns, event.price))

    def on_range(self, event: BarClosed) -> list[OrderReport]:
        """Fills inside a candle, before the engine sees its close."""
        bar = event.bar
        return _structs(self._venue.reports, inside(self._venue, event.instrument, bar.closed_ns, bar.open, bar.low, bar.high))

    def on_close(self, event: BarClosed) -> list[OrderReport]:
        """Fills at the close that was just decided on (only where settings say so)."""
        return _structs(self._venue.reports, at_close(self._venue, event.instrument, event.bar.known_ns, event.bar.close))


def _structs(reports: Any, n: int) -> list[OrderReport]:
    return [struct_of(OrderReport, reports[k]) for k in range(n)]
