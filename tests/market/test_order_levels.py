"""Orders add up to levels: after any events a level is the sum of the orders that stand at it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.market.order_levels import ASK, BID, OrderLevels

EVENTS = st.lists(
    st.tuples(st.sampled_from(["put", "changed", "gone"]), st.integers(1, 6), st.sampled_from([BID, ASK]), st.integers(1, 3), st.integers(1, 9)),
    max_size=60,
)


def told(orders: OrderLevels, event: tuple[str, int, int, int, int]) -> list[tuple[int, int, int]]:
    name, order, side, ticks, lots = event
    return orders.gone(order) if name == "gone" else getattr(orders, name)(order, side, ticks, lots)


@given(EVENTS)
def test_a_level_is_the_sum_of_the_orders_at_it(events: list[tuple[str, int, int, int, int]]) -> None:
    orders = OrderLevels()
    book: dict[tuple[int, int], int] = {}
    for event in events:
        for side, ticks, lots in told(orders, event):
            assert lots >= 0 and lots != book.get((side, ticks), 0)
            book[side, ticks] = lots
        sums: dict[tuple[int, int], int] = {}
        for side, ticks, lots in orders.orders.values():
            sums[side, ticks] = sums.get((side, ticks), 0) + lots
        assert sums == orders.levels == {level: lots for level, lots in book.items() if lots}


@given(EVENTS)
def test_an_order_that_has_gone_does_not_come_back(events: list[tuple[str, int, int, int, int]]) -> None:
    orders, gone = OrderLevels(), set()
    for event in events:
        before = dict(orders.levels)
        changes = told(orders, event)
        if event[1] in gone:
            assert not changes and orders.levels == before
        gone |= {event[1]} if event[0] == "gone" else set()
    assert not gone & set(orders.orders)


def test_a_day_in_the_life_of_a_level() -> None:
    orders = OrderLevels()
    assert orders.put(1, BID, 100, 5) == [(BID, 100, 5)]
    assert orders.put(2, BID, 100, 3) == [(BID, 100, 8)]
    assert orders.changed(1, BID, 100, 4) == [(BID, 100, 7)]
    assert orders.changed(1, BID, 101, 4) == [(BID, 100, 3), (BID, 101, 4)]
    assert orders.gone(2) == [(BID, 100, 0)]
    assert orders.gone(9) == [] and orders.changed(8, ASK, 105, 2) == [(ASK, 105, 2)]
    assert (orders.unknown, orders.behind) == (2, 0)
    assert orders.put(9, BID, 100, 1) == [] and orders.gone(9) == []
    assert (orders.unknown, orders.behind) == (2, 2)
