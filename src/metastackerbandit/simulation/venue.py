"""A venue on candles: market orders at the next tradable price, stops before targets inside the bar, reduce-only kept.

What is known of a candle's inside is its open, extremes and close, so: a market order fills at the first open at or after
its arrival; a stop or target that has the open beyond it fills at the open; else it fills at its own price when the bar's range holds
it, the stop first. Taker fills pay half spread, slippage and impact; a target pays the maker fee at its price or better.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.costs.price import taken_at
from metastackerbandit.costs.rates import CostRates
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.kernel import kernel, layout
from metastackerbandit.domain.money import muldiv, opposes, rate_up
from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, MARKET, PARTLY_FILLED, REJECTED, STOP, TARGET, WORKING
from metastackerbandit.exits.rules import stop_fill, stop_hit, target_fill, target_hit

RESTING_SLOTS = 8


class Resting(Struct, frozen=True):
    """An order at the venue; `arrives_ns` is when it can first trade."""

    order: int
    kind: int
    lots: int
    trigger: int
    reduce_only: int
    impact: int
    arrives_ns: int


class Desk(Struct, frozen=True):
    """The venue's side of one symbol: how many orders rest, the position it knows, and its terms."""

    resting: int
    position: int
    unit: int
    max_lots: int
    latency_ns: int
    at_close: int
    rates: CostRates


class Venue(NamedTuple):
    """State of the venue (S symbols): desks, resting orders in order of arrival, and room for the reports of one event."""

    desks: Any  # (S,) Desk
    resting: Any  # (S, R) Resting
    reports: Any  # (2 R,) OrderReport: fills of an event
    answers: Any  # (2 R,) OrderReport: answers to one request


def empty_venue(symbols: int) -> Venue:
    """No orders, no positions; terms are filled in by the caller."""
    return Venue(
        np.zeros(symbols, layout(Desk)),
        np.zeros((symbols, RESTING_SLOTS), layout(Resting)),
        np.zeros(2 * RESTING_SLOTS, layout(OrderReport)),
        np.zeros(2 * RESTING_SLOTS, layout(OrderReport)),
    )


@kernel
def _report(reports: Any, n: int, s: int, order: int, state: int, at_ns: int) -> int:
    row = reports[n]
    row.instrument = s
    row.order = order
    row.state = state
    row.at_ns = at_ns
    row.lots = 0
    row.ticks = 0
    row.reference = 0
    row.fee = 0
    row.slippage = 0
    row.impact = 0
    return n + 1


@kernel
def _remove(venue: Any, s: int, place: int) -> None:
    desk = venue.desks[s]
    for r in range(place, desk.resting - 1):
        venue.resting[s, r] = venue.resting[s, r + 1]
    desk.resting -= 1


@kernel
def submit(venue: Any, s: int, order: int, kind: int, lots: int, trigger: int, reduce_only: int, impact: int, at_ns: int) -> int:
    """Accept an order, or reject what a venue would: no lots, too many, no trigger, too many orders. Returns the answers written."""
    desk = venue.desks[s]
    illegal = lots == 0 or (abs(lots) > desk.max_lots and kind == MARKET) or (kind != MARKET and trigger <= 0) or desk.resting >= RESTING_SLOTS
    if illegal:
        return _report(venue.answers, 0, s, order, REJECTED, at_ns)
    place = venue.resting[s, desk.resting]
    place.order = order
    place.kind = kind
    place.lots = lots
    place.trigger = trigger
    place.reduce_only = reduce_only
    place.impact = impact
    place.arrives_ns = at_ns + desk.latency_ns
    desk.resting += 1
    return _report(venue.answers, 0, s, order, WORKING, at_ns)


@kernel
def cancel(venue: Any, s: int, order: int, at_ns: int) -> int:
    """Cancel a resting order; an order that is gone already gets no second word."""
    for r in range(venue.desks[s].resting):
        if venue.resting[s, r].order == order:
            _remove(venue, s, r)
            return _report(venue.answers, 0, s, order, CANCELLED, at_ns)
    return 0


@kernel
def amend(venue: Any, s: int, order: int, lots: int, trigger: int) -> int:
    """Change a resting order's size and trigger; no answer is due."""
    for r in range(venue.desks[s].resting):
        if venue.resting[s, r].order == order:
            venue.resting[s, r].lots = lots
            venue.resting[s, r].trigger = trigger
    return 0


@kernel
def _fill(venue: Any, s: int, place: int, at_ns: int, reference: int, takes: bool, n: int) -> int:
    """Fill a resting order whole at a reference price; reduce-only is cut to the position, and expires without one."""
    desk = venue.desks[s]
    order = venue.resting[s, place]
    lots = order.lots
    if order.reduce_only != 0:
        if not opposes(desk.position, lots):
            n = _report(venue.reports, n, s, order.order, EXPIRED, at_ns)
            _remove(venue, s, place)
            return n
        if abs(lots) > abs(desk.position):
            lots = -desk.position
    side = 1 if lots > 0 else -1
    size = abs(lots)
    rate = desk.rates.touch + order.impact if takes else 0
    ticks = taken_at(reference, side, rate) if takes else reference
    lost = abs(ticks - reference) * size * desk.unit
    impact = muldiv(lost, order.impact, rate) if rate > 0 else 0
    number = order.order
    cut = lots != order.lots
    _remove(venue, s, place)
    desk.position += lots
    n = _report(venue.reports, n, s, number, FILLED, at_ns)
    row = venue.reports[n - 1]
    row.lots = lots
    row.ticks = ticks
    row.reference = reference
    row.fee = rate_up(size * ticks * desk.unit, desk.rates.taker if takes else desk.rates.maker)
    row.slippage = lost - impact
    row.impact = impact
    if cut:
        row.state = PARTLY_FILLED
        n = _report(venue.reports, n, s, number, EXPIRED, at_ns)
    return n


@kernel
def _expire(venue: Any, s: int, at_ns: int, n: int) -> int:
    """Without a position nothing reduce-only may rest."""
    r = 0
    while r < venue.desks[s].resting:
        order = venue.resting[s, r]
        if order.reduce_only != 0 and not opposes(venue.desks[s].position, order.lots):
            n = _report(venue.reports, n, s, order.order, EXPIRED, at_ns)
            _remove(venue, s, r)
        else:
            r += 1
    return n


@kernel
def at_open(venue: Any, s: int, at_ns: int, price: int) -> int:
    """A candle's first price: protective orders it has jumped over, then market orders that have arrived. Returns reports written."""
    if venue.desks[s].resting == 0:
        return 0
    n = _sweep(venue, s, STOP, at_ns, price, price, price, 0)
    n = _sweep(venue, s, TARGET, at_ns, price, price, price, n)
    return _market(venue, s, at_ns, price, n)


@kernel
def inside(venue: Any, s: int, at_ns: int, price: int, low: int, high: int) -> int:
    """A candle's range after its first price: stops first, then targets, each at its own price.

    Orders that rested before the open have met that price in `at_open`. One that was placed by a fill at the open may have it beyond its trigger
    from the start (a stop nearer than the slippage): it is traded there. Returns reports written.
    """
    if venue.desks[s].resting == 0:
        return 0
    n = _sweep(venue, s, STOP, at_ns, price, low, high, 0)
    return _sweep(venue, s, TARGET, at_ns, price, low, high, n)


@kernel
def at_close(venue: Any, s: int, at_ns: int, price: int) -> int:
    """Fill at the close that was decided on, for comparison with engines that do so."""
    if venue.desks[s].at_close == 0 or venue.desks[s].resting == 0:
        return 0
    return _market(venue, s, at_ns, price, 0)


@kernel
def _market(venue: Any, s: int, at_ns: int, price: int, n: int) -> int:
    r = 0
    while r < venue.desks[s].resting:
        order = venue.resting[s, r]
        if order.kind == MARKET and order.arrives_ns <= at_ns:
            n = _fill(venue, s, r, at_ns, price, True, n)
        else:
            r += 1
    return _expire(venue, s, at_ns, n) if n > 0 else n


@kernel
def _sweep(venue: Any, s: int, kind: int, at_ns: int, first: int, low: int, high: int, n: int) -> int:
    """Fill protective orders of one kind that the range reaches, at their own price or the `first` one where that is beyond."""
    r = 0
    filled = False
    while r < venue.desks[s].resting:
        order = venue.resting[s, r]
        hit = False
        reference = 0
        if order.kind == kind and order.arrives_ns <= at_ns:
            side = -1 if order.lots > 0 else 1
            if kind == STOP:
                hit = stop_hit(side, order.trigger, low, high)
                reference = stop_fill(side, order.trigger, first)
            else:
                hit = target_hit(side, order.trigger, low, high)
                reference = target_fill(side, order.trigger, first)
        if hit:
            n = _fill(venue, s, r, at_ns, reference, kind == STOP, n)
            filled = True
        else:
            r += 1
    return _expire(venue, s, at_ns, n) if filled else n
