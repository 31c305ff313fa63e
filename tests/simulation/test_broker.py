"""The broker says what the venue's kernels say, an answer for each request and a report for each fill, each symbol on its own terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import BarClosed, BarOpened, OrderReport
from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, MARKET, REJECTED, STOP, TARGET, WORKING
from metastackerbandit.simulation import venue as kernels
from metastackerbandit.simulation.broker import SimulatedBroker, open_venue
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.simulation.venue import Venue
from tests.markets import instrument
from tests.simulation.desk import FRICTIONLESS

PAIR = (instrument(), instrument("ETHUSDT", "spot", tick_size="0.01", lot_size="0.01", min_quantity="0.01", max_quantity="50"))
DEAR = CostSettings(taker_fee_bps=7.5, maker_fee_bps=1.5, half_spread_bps=2.0, slippage_bps=3.0)


def opened(fill: str = "next_open", latency_ms: float = 0.0) -> Venue:
    """A venue of two symbols with costs of their own."""
    return open_venue(PAIR, (FRICTIONLESS, DEAR), SimulationSettings(fill=fill, latency_ms=latency_ms))  # type: ignore[arg-type]


def sent(order: int, kind: int = MARKET, lots: int = 5, trigger: int = 0, *, place: int = 0, reduce_only: int = 0, at_ns: int = 0) -> SubmitOrder:
    return SubmitOrder(
        instrument=place, order=order, decision=0, kind=kind, lots=lots, trigger=trigger, reduce_only=reduce_only, impact=300, at_ns=at_ns
    )


def candle(place: int, first: int, low: int, high: int, close: int, closed_ns: int, known_ns: int) -> BarClosed:
    return BarClosed(place, Bar(closed_ns - 60, closed_ns, known_ns, first, high, low, close, 1.0))


def plain(reports: Any, count: int) -> list[OrderReport]:
    """The first rows as structs, field by field."""
    return [OrderReport(**{name: int(reports[k][name]) for name in OrderReport.__struct_fields__}) for k in range(count)]


# -- laws ----------------------------------------------------------------------------------------------------------------------

PRICE = st.integers(900, 1_100)
STEP = st.tuples(
    st.sampled_from(["submit", "submit", "cancel", "amend", "open", "range", "close"]),
    st.integers(0, 1),
    st.sampled_from([MARKET, STOP, TARGET]),
    st.integers(-40, 40),
    PRICE,
    PRICE,
    st.integers(0, 1),
)


@settings(max_examples=40)
@given(steps=st.lists(STEP, max_size=25), fill=st.sampled_from(["next_open", "close"]), latency_ms=st.sampled_from([0.0, 0.0001]))
def test_the_broker_does_and_says_what_the_kernels_do(steps: list[tuple[Any, ...]], fill: str, latency_ms: float) -> None:
    one, other = opened(fill, latency_ms), opened(fill, latency_ms)
    broker = SimulatedBroker(one)
    for n, (verb, s, kind, lots, price, second, flag) in enumerate(steps):
        at_ns, order, low, high = 100 * n, n // 2, min(price, second), max(price, second)
        event = candle(s, second, low, high, price, at_ns - 7, at_ns)
        if verb == "submit":
            said = broker.act(sent(order, kind, lots, price, place=s, reduce_only=flag, at_ns=at_ns))
            expected = plain(other.answers, kernels.submit(other, s, order, kind, lots, price, flag, 300, at_ns))
        elif verb == "cancel":
            said = broker.act(CancelOrder(s, order, at_ns))
            expected = plain(other.answers, kernels.cancel(other, s, order, at_ns))
        elif verb == "amend":
            said = broker.act(AmendOrder(s, order, lots, price, at_ns))
            expected = plain(other.answers, kernels.amend(other, s, order, lots, price))
        elif verb == "open":
            said = broker.on_open(BarOpened(s, at_ns, price))
            expected = plain(other.reports, kernels.at_open(other, s, at_ns, price))
        elif verb == "range":
            said = broker.on_range(event)
            expected = plain(other.reports, kernels.inside(other, s, at_ns - 7, second, low, high))
        else:
            said = broker.on_close(event)
            expected = plain(other.reports, kernels.at_close(other, s, at_ns, price))
        assert said == expected
        assert [array.tobytes() for array in one] == [array.tobytes() for array in other]


@settings(max_examples=30)
@given(latency_ms=st.integers(0, 86_400_000_000).map(lambda micros: micros / 1e3))
def test_a_delay_in_milliseconds_is_kept_in_nanoseconds(latency_ms: float) -> None:
    assert set(opened(latency_ms=latency_ms).desks["latency_ns"]) == {round(latency_ms * 1_000) * 1_000}


# -- examples ------------------------------------------------------------------------------------------------------------------


def test_a_venue_opens_without_orders_and_with_each_symbol_s_own_rules_and_costs() -> None:
    venue = opened()
    assert len(venue.desks) == len(venue.resting) == 2
    assert [(desk.resting, desk.position, desk.unit, desk.max_lots) for desk in venue.desks] == [(0, 0, 10_000, 10**6), (0, 0, 10_000, 5_000)]
    rates = [(desk.rates.taker, desk.rates.maker, desk.rates.touch, desk.rates.impact_coefficient) for desk in venue.desks]
    assert rates == [(0, 0, 0, 0.0), (75_000, 15_000, 50_000, 1.0)]
    assert not venue.resting["order"].any() and venue.desks["at_close"].tolist() == [0, 0]
    assert opened("close").desks["at_close"].tolist() == [1, 1]


def test_as_many_costs_as_instruments_are_asked_for() -> None:
    with pytest.raises(ValueError, match="zip"):
        open_venue(PAIR, (DEAR,), SimulationSettings())


def test_requests_are_answered_at_once_in_structs() -> None:
    broker = SimulatedBroker(opened())
    assert broker.act(sent(1, at_ns=9)) == [OrderReport(0, 1, WORKING, 9)]
    assert broker.act(sent(2, lots=0, at_ns=10)) == [OrderReport(0, 2, REJECTED, 10)]
    assert broker.act(sent(3, STOP, -5, 900, place=1, reduce_only=1, at_ns=11)) == [OrderReport(1, 3, WORKING, 11)]
    assert broker.act(AmendOrder(1, 3, -4, 950, 12)) == []
    assert broker.act(CancelOrder(1, 3, 13)) == [OrderReport(1, 3, CANCELLED, 13)]
    assert broker.act(CancelOrder(1, 3, 14)) == []


def test_a_fill_s_report_holds_price_fee_and_what_was_lost() -> None:
    """100,000 ticks, 5 bps of touch and 300e-8 of impact: 50.3 ticks, so 51; 51 ticks of 200 lots, of which 300 / 50,300 are impact."""
    broker = SimulatedBroker(opened())
    broker.act(sent(1, lots=200, place=1))
    lost, paid = 51 * 200 * 10_000, 200 * 100_051 * 10_000
    impact = lost * 300 // 50_300
    assert broker.on_open(BarOpened(1, 60, 100_000)) == [
        OrderReport(1, 1, FILLED, 60, 200, 100_051, 100_000, -(-paid * 75_000 // 10**8), lost - impact, impact)
    ]
    assert all(type(value) is int for report in broker.on_open(BarOpened(1, 61, 1)) for value in (report.lots, report.ticks))


def test_a_range_is_reported_at_its_close_and_a_fill_at_the_close_when_it_is_known() -> None:
    broker = SimulatedBroker(opened("close"))
    broker.act(sent(1))
    event = candle(0, 1_000, 940, 1_060, 1_050, closed_ns=60, known_ns=63)
    assert broker.on_range(event) == []
    assert [(fill.state, fill.at_ns, fill.ticks) for fill in broker.on_close(event)] == [(FILLED, 63, 1_051)]  # its impact is a tick
    broker.act(sent(2, STOP, -5, 950, reduce_only=1))
    broker.act(sent(3, TARGET, -5, 1_060, reduce_only=1))
    assert broker.act(AmendOrder(0, 2, -5, 945, 60)) == []
    found = broker.on_range(event)
    assert [(fill.order, fill.state, fill.at_ns, fill.reference) for fill in found] == [(2, FILLED, 60, 945), (3, EXPIRED, 60, 0)]


def test_one_symbol_never_touches_another() -> None:
    venue = opened()
    broker = SimulatedBroker(venue)
    broker.act(sent(1))
    assert broker.on_open(BarOpened(1, 0, 1_000)) == []
    assert [(fill.order, fill.state) for fill in broker.on_open(BarOpened(0, 0, 1_000))] == [(1, FILLED)]
    assert np.array_equal(venue.desks["position"], [5, 0])
