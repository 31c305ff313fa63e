"""The simulated venue: when orders fill, at what price, at what cost, and that reduce-only is kept."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.effects import AmendOrder
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.money import rate_up
from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, PARTLY_FILLED, REJECTED, WORKING
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.simulation.venue import RESTING_SLOTS
from tests.covering import covers
from tests.markets import instrument
from tests.simulation.desk import FRICTIONLESS, Desk

UNIT = instrument().rules().unit
COSTS = st.builds(
    CostSettings,
    taker_fee_bps=st.sampled_from([0.0, 0.75, 5.0, 1000.0]),
    maker_fee_bps=st.sampled_from([0.0, 2.0, 10.0]),
    half_spread_bps=st.sampled_from([0.0, 0.5, 50.0]),
    slippage_bps=st.sampled_from([0.0, 1.0, 1000.0]),
)


def states(reports: list[OrderReport]) -> list[tuple[int, int]]:
    """Order and state of each report."""
    return [(report.order, report.state) for report in reports]


# -- laws --------------------------------------------------------------------------------------------------------------

STEP = st.one_of(
    st.tuples(st.just("market"), st.integers(-60, 60), st.booleans()),
    st.tuples(st.sampled_from(["stop", "target"]), st.integers(-60, 60), st.integers(900, 1_100)),
    st.tuples(st.just("open"), st.integers(900, 1_100), st.none()),
    st.tuples(st.just("range"), st.integers(900, 1_000), st.integers(1_000, 1_100)),
    st.tuples(st.just("cancel"), st.integers(1, 20), st.none()),
)


@covers("2.124", "2.127")
@given(steps=st.lists(STEP, max_size=30), costs=COSTS, latency_ms=st.sampled_from([0.0, 90_000.0]))
def test_reduce_only_orders_never_open_enlarge_or_turn_a_position(steps: list[tuple[Any, ...]], costs: CostSettings, latency_ms: float) -> None:
    desk = Desk(costs, SimulationSettings(latency_ms=latency_ms))
    reduces: dict[int, bool] = {}
    position = 0
    for n, (verb, first, second) in enumerate(steps):
        at_ns = n * MINUTE_NS
        reports: list[OrderReport] = []
        if verb == "market":
            desk.market(first, at_ns, reduce_only=second)
            reduces[desk.orders] = second
        elif verb in ("stop", "target"):
            getattr(desk, verb)(first, second, at_ns)
            reduces[desk.orders] = True
        elif verb == "open":
            reports = desk.opens(first, at_ns)
        elif verb == "range":
            reports = desk.ranges(first, second, at_ns)
        else:
            desk.cancel(first, at_ns)
        for report in reports:
            if reduces[report.order] and report.lots:
                assert position * report.lots < 0
                assert abs(report.lots) <= abs(position)
            position += report.lots
        assert position == desk.position
        if reports:
            for r in range(desk.resting):
                left = desk.venue.resting[0, r]
                assert left.reduce_only == 0 or position * left.lots < 0


@given(steps=st.lists(STEP, max_size=30), latency_ms=st.sampled_from([0.0, 90_000.0]))
def test_every_accepted_order_ends_once_or_still_rests(steps: list[tuple[Any, ...]], latency_ms: float) -> None:
    desk = Desk(simulation=SimulationSettings(latency_ms=latency_ms))
    alive: set[int] = set()
    for n, (verb, first, second) in enumerate(steps):
        at_ns = n * MINUTE_NS
        if verb == "market":
            reports = desk.market(first, at_ns, reduce_only=second)
        elif verb in ("stop", "target"):
            reports = getattr(desk, verb)(first, second, at_ns)
        elif verb == "open":
            reports = desk.opens(first, at_ns)
        elif verb == "range":
            reports = desk.ranges(first, second, at_ns)
        else:
            reports = desk.cancel(first, at_ns)
        for report in reports:
            if report.state == WORKING:
                alive.add(report.order)
            elif report.state == REJECTED:
                assert report.order not in alive
            else:
                assert report.order in alive
                if report.state != PARTLY_FILLED:
                    alive.remove(report.order)
        assert desk.resting == len(alive)


@covers("A42")
@given(
    costs=COSTS,
    impact=st.integers(0, 10_000_000),
    lots=st.integers(1, 100_000),
    side=st.sampled_from([-1, 1]),
    price=st.integers(1, 2_000_000),
)
def test_a_taker_pays_the_reference_made_worse_and_every_unit_of_it_is_accounted(
    costs: CostSettings, impact: int, lots: int, side: int, price: int
) -> None:
    desk = Desk(costs)
    desk.market(side * lots, impact=impact)
    (fill,) = desk.opens(price)
    assert (fill.state, fill.lots, fill.reference) == (FILLED, side * lots, price)
    assert side * fill.ticks >= side * price
    touch = round((costs.half_spread_bps + costs.slippage_bps) * 10_000)
    exact = Fraction(price) * (touch + impact) / 10**8
    assert fill.ticks == max(price + side * ceil(exact), 1)
    assert fill.slippage + fill.impact == abs(fill.ticks - price) * lots * UNIT
    assert fill.slippage >= 0 and fill.impact >= 0
    assert fill.fee == ceil(Fraction(lots * fill.ticks * UNIT) * round(costs.taker_fee_bps * 10_000) / 10**8)


@given(latency=st.integers(0, 20 * MINUTE_NS // 10**6), sent=st.integers(0, 5 * MINUTE_NS))
def test_a_market_order_fills_at_the_first_open_at_or_after_its_arrival(latency: int, sent: int) -> None:
    desk = Desk(simulation=SimulationSettings(latency_ms=float(latency)))
    desk.market(5, sent)
    for at_ns in range(0, 40 * MINUTE_NS, 5 * MINUTE_NS):
        reports = desk.opens(1_000, at_ns)
        arrived = at_ns >= sent + latency * 10**6
        assert len(reports) == arrived
        if arrived:
            assert reports[0].at_ns == at_ns
            return
    raise AssertionError("never filled")


# -- examples: market orders ----------------------------------------------------------------------------------------------


def test_an_order_that_arrives_at_the_open_itself_fills_there_one_nanosecond_later_does_not() -> None:
    desk = Desk(FRICTIONLESS, SimulationSettings(latency_ms=60_000.0))
    desk.market(5, 1)
    assert desk.opens(1_000, MINUTE_NS) == []
    assert states(desk.opens(1_001, MINUTE_NS + 1)) == [(1, FILLED)]


def test_a_market_order_does_not_fill_inside_a_bar_nor_at_a_close() -> None:
    desk = Desk()
    desk.market(5)
    assert desk.ranges(900, 1_100) == []
    assert desk.closes(1_000) == []
    assert desk.resting == 1


def test_fill_at_close_fills_where_it_was_decided() -> None:
    desk = Desk(FRICTIONLESS, SimulationSettings(fill="close"))
    desk.market(5, 300)
    (fill,) = desk.closes(1_234, 300)
    assert (fill.at_ns, fill.ticks, fill.lots) == (300, 1_234, 5)
    assert desk.opens(1_300, 300) == []


def test_fill_at_close_with_latency_waits_for_the_next_price() -> None:
    desk = Desk(FRICTIONLESS, SimulationSettings(fill="close", latency_ms=1.0))
    desk.market(5, 300)
    assert desk.closes(1_234, 300) == []
    assert desk.opens(1_300, 10**9)[0].ticks == 1_300


# -- examples: stops, targets ------------------------------------------------------------------------------------------------


@covers("2.127")
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("stop_first", [True, False])
def test_the_stop_fills_before_the_target_in_one_bar_whatever_was_sent_first(side: int, stop_first: bool) -> None:
    desk = Desk(FRICTIONLESS, position=side * 10)
    orders = [(desk.stop, 1_000 - side * 50), (desk.target, 1_000 + side * 50)]
    for send, price in orders if stop_first else reversed(orders):
        send(-side * 10, price)
    reports = desk.ranges(900, 1_100, 7)
    stop, target = (1, 2) if stop_first else (2, 1)
    assert states(reports) == [(stop, FILLED), (target, EXPIRED)]
    assert reports[0].ticks == 1_000 - side * 50
    assert desk.position == 0 and desk.resting == 0


@pytest.mark.parametrize("side", [1, -1])
def test_a_stop_fills_at_its_trigger_made_worse_by_half_spread_and_slippage(side: int) -> None:
    desk = Desk(CostSettings(half_spread_bps=4.0, slippage_bps=6.0), position=side * 10)
    desk.stop(-side * 10, 100_000)
    (fill,) = desk.ranges(99_000, 101_000)
    assert (fill.reference, fill.ticks) == (100_000, 100_000 - side * 100)
    assert fill.slippage == 100 * 10 * UNIT
    assert fill.fee == rate_up(10 * fill.ticks * UNIT, 50_000)


@pytest.mark.parametrize("side", [1, -1])
def test_a_gap_through_the_stop_fills_at_the_open_not_at_the_trigger(side: int) -> None:
    desk = Desk(FRICTIONLESS, position=side * 10)
    desk.stop(-side * 10, 1_000)
    (fill,) = desk.opens(1_000 - side * 70)
    assert fill.ticks == fill.reference == 1_000 - side * 70


@pytest.mark.parametrize("side", [1, -1])
def test_a_stop_nearer_than_the_slippage_is_traded_at_the_open_that_it_was_placed_at(side: int) -> None:
    """Entered at an open of 10,050 and paid 12 bps more: a stop 3 bps from that has the market beyond it from the start, and cannot fill better."""
    desk = Desk(CostSettings(half_spread_bps=0.0, slippage_bps=12.0))
    desk.market(side * 10)
    (entry,) = desk.opens(10_050)
    assert entry.ticks == 10_050 + side * 13
    desk.stop(-side * 10, 10_050 + side * 10)
    (fill,) = desk.ranges(10_000, 10_100, first=10_050)
    assert (fill.reference, fill.ticks) == (10_050, 10_050 - side * 13)


@pytest.mark.parametrize("side", [1, -1])
def test_a_gap_beyond_the_target_fills_at_the_better_open(side: int) -> None:
    desk = Desk(position=side * 10)
    desk.target(-side * 10, 1_000)
    (fill,) = desk.opens(1_000 + side * 70)
    assert fill.ticks == fill.reference == 1_000 + side * 70
    assert fill.slippage == fill.impact == 0


@pytest.mark.parametrize("side", [1, -1])
def test_a_target_pays_the_maker_fee_at_its_own_price(side: int) -> None:
    desk = Desk(position=side * 10)
    desk.target(-side * 10, 50_000, impact=777)
    (fill,) = desk.ranges(49_000, 51_000)
    assert (fill.ticks, fill.reference, fill.slippage, fill.impact) == (50_000, 50_000, 0, 0)
    assert fill.fee == rate_up(10 * 50_000 * UNIT, 20_000)


@pytest.mark.parametrize("side", [1, -1])
def test_a_protective_order_is_hit_at_its_very_price_and_not_one_tick_before(side: int) -> None:
    for kind, away in (("stop", -1), ("target", 1)):
        near = 1_000 + side * away * 49
        for edge, hits in ((1_000 + side * away * 50, True), (near, False)):
            desk = Desk(FRICTIONLESS, position=side * 10)
            getattr(desk, kind)(-side * 10, 1_000 + side * away * 50)
            assert bool(desk.ranges(min(edge, 1_000), max(edge, 1_000))) == hits


def test_protection_that_has_not_arrived_yet_does_not_fill() -> None:
    desk = Desk(FRICTIONLESS, SimulationSettings(latency_ms=1.0), position=10)
    desk.stop(-10, 1_000, at_ns=0)
    assert desk.ranges(900, 1_100, 999_999) == []
    assert states(desk.ranges(900, 1_100, 1_000_000)) == [(1, FILLED)]


def test_when_the_open_jumps_over_the_stop_a_waiting_exit_expires() -> None:
    desk = Desk(FRICTIONLESS, position=10)
    desk.stop(-10, 1_000)
    desk.market(-10, reduce_only=True)
    assert states(desk.opens(950)) == [(1, FILLED), (2, EXPIRED)]
    assert desk.position == 0


# -- examples: reduce-only -----------------------------------------------------------------------------------------------------


def test_a_reduce_only_order_larger_than_the_position_is_filled_in_part_then_expires() -> None:
    desk = Desk(position=10)
    desk.market(-25, reduce_only=True)
    part, rest = desk.opens(1_000)
    assert (part.state, part.lots, rest.state, rest.lots) == (PARTLY_FILLED, -10, EXPIRED, 0)
    assert part.fee == rate_up(10 * part.ticks * UNIT, 50_000)
    assert desk.position == 0


@pytest.mark.parametrize("position", [0, 10])
def test_a_reduce_only_order_without_a_position_against_it_expires_unfilled(position: int) -> None:
    desk = Desk(position=position)
    desk.market(5, reduce_only=True)
    assert states(desk.opens(1_000)) == [(1, EXPIRED)]
    assert desk.position == position


def test_protective_orders_expire_when_a_market_order_makes_the_position_flat() -> None:
    desk = Desk(FRICTIONLESS, position=10)
    desk.stop(-10, 900)
    desk.target(-10, 1_100)
    desk.market(-10, reduce_only=True)
    assert states(desk.opens(1_000, 5)) == [(3, FILLED), (1, EXPIRED), (2, EXPIRED)]
    assert desk.resting == 0


def test_protective_orders_expire_when_a_flip_turns_the_position() -> None:
    desk = Desk(FRICTIONLESS, position=10)
    desk.stop(-10, 900)
    desk.market(-20)
    assert states(desk.opens(1_000)) == [(2, FILLED), (1, EXPIRED)]
    assert desk.position == -10


def test_protective_orders_stay_when_the_position_is_only_reduced() -> None:
    desk = Desk(FRICTIONLESS, position=10)
    desk.stop(-10, 900)
    desk.market(-4, reduce_only=True)
    assert states(desk.opens(1_000)) == [(2, FILLED)]
    assert states(desk.ranges(890, 1_000)) == [(1, PARTLY_FILLED), (1, EXPIRED)]
    assert desk.position == 0


@pytest.mark.parametrize("lots", [4 * 10**9, 9 * 10**12])
def test_a_position_of_billions_of_lots_can_be_left(lots: int) -> None:
    """PEPEUSDT trades in lots of 1 at 0.00001: 4e9 lots are 40,000 USDT, and lots times lots pass 64 bits."""
    pepe = instrument("PEPEUSDT", "spot", tick_size="0.00000001", lot_size="1", min_quantity="1", max_quantity="9000000000000", min_notional="1")
    desk = Desk(FRICTIONLESS, rules=pepe)
    desk.market(lots)
    desk.opens(1_000)
    desk.market(-lots, reduce_only=True)
    assert states(desk.opens(1_001)) == [(2, FILLED)]
    assert desk.position == 0


# -- examples: requests ---------------------------------------------------------------------------------------------------------


def test_a_legal_order_is_answered_as_working() -> None:
    assert Desk().market(5, 77) == [OrderReport(0, 1, WORKING, 77)]


def test_illegal_orders_are_rejected_and_leave_nothing_behind() -> None:
    desk = Desk()
    most = desk.rules.rules().max_lots
    for answer in (desk.market(0), desk.market(most + 1), desk.market(-most - 1), desk.stop(-5, 0), desk.target(-5, -1)):
        assert [report.state for report in answer] == [REJECTED]
    assert desk.resting == 0
    assert [report.state for report in desk.market(most)] == [WORKING]


def test_a_full_desk_rejects_the_next_order_and_takes_one_again_after_a_cancel() -> None:
    desk = Desk()
    for _ in range(RESTING_SLOTS):
        assert desk.market(1)[0].state == WORKING
    assert desk.market(1)[0].state == REJECTED
    assert states(desk.cancel(3)) == [(3, CANCELLED)]
    assert desk.market(1)[0].state == WORKING
    assert [report.order for report in desk.opens(1_000)] == [1, 2, 4, 5, 6, 7, 8, 10]


def test_a_full_desk_of_cut_orders_has_room_for_all_its_reports() -> None:
    desk = Desk(FRICTIONLESS, position=1)
    for _ in range(RESTING_SLOTS):
        desk.market(-5, reduce_only=True)
    reports = desk.opens(1_000)
    assert len(reports) == RESTING_SLOTS + 1
    assert desk.position == 0 and desk.resting == 0


def test_cancelling_what_is_gone_or_never_was_gets_no_answer() -> None:
    desk = Desk()
    assert desk.cancel(1) == []
    desk.market(5)
    desk.opens(1_000)
    assert desk.cancel(1) == []


def test_a_cancelled_order_never_fills() -> None:
    desk = Desk()
    desk.market(5)
    assert desk.cancel(1, 9) == [OrderReport(0, 1, CANCELLED, 9)]
    assert desk.opens(1_000) == []
    assert desk.position == 0


def test_amending_moves_the_trigger_without_an_answer() -> None:
    desk = Desk(FRICTIONLESS, position=10)
    desk.stop(-10, 900)
    assert desk.broker.act(AmendOrder(0, 1, -6, 950, 0)) == []
    (fill,) = desk.ranges(940, 1_000)
    assert (fill.lots, fill.ticks) == (-6, 950)
