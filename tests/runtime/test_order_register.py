"""Orders by their names: found by any of them, strays kept until they are known and no longer than there is room, done ones forgotten last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.rows import MARKET
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.legs import Leg
from metastackerbandit.runtime import order_register
from metastackerbandit.runtime.order_register import OrderRegister


def held(number: int, *, waits: bool = False) -> tuple[HeldOrder, Leg]:
    """An order with one leg."""
    leg = Leg(f"c{number}", 1, 0, (1, 0), waits, False)
    return HeldOrder(0, number, 1, MARKET, 1, 1, 0, False, 0, [leg]), leg


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=40))
def test_a_stray_is_taken_once_by_the_order_whose_number_it_has(story: list[tuple[int, bool]]) -> None:
    register: OrderRegister[str] = OrderRegister()
    orders = {number: held(number) for number in range(1, 6)}
    kept: list[tuple[int, str]] = []
    taken: list[str] = []
    for n, (number, names) in enumerate(story):
        order, leg = orders[number]
        if names:
            leg.order_id = str(number)
            found = register.name(order, leg)
            assert found == [what for whose, what in kept if whose == number]
            kept = [one for one in kept if one[0] != number]
            taken += found
        elif register.find("", str(number)) is None:
            register.stray(str(number), f"stray {n}")
            kept.append((number, f"stray {n}"))
    assert len(set(taken)) == len(taken)


def test_an_order_that_waits_is_found_by_what_it_became_and_not_by_its_own_number() -> None:
    register: OrderRegister[str] = OrderRegister()
    order, leg = held(1, waits=True)
    leg.order_id = "7"
    register.name(order, leg)
    assert register.find("c1", "") == (order, leg) and register.find("", "7") is None
    leg.became = "8"
    register.name(order, leg)
    assert register.find("", "8") == (order, leg) and register.find("", "") is None


def test_done_orders_are_known_until_there_are_too_many_and_can_come_back(monkeypatch) -> None:
    monkeypatch.setattr(order_register, "MOST_DONE", 2)
    register: OrderRegister[str] = OrderRegister()
    orders = [held(number) for number in range(1, 5)]
    for order, leg in orders:
        register.add(order)
        register.name(order, leg)
        register.done(order)
    assert [register.find(f"c{number}", "") is not None for number in range(1, 5)] == [False, False, True, True]
    register.revive(orders[3][0])
    register.revive(orders[3][0])
    assert list(register.active) == [4]


def test_strays_are_no_more_than_there_is_room_for() -> None:
    register: OrderRegister[int] = OrderRegister()
    for n in range(order_register.MOST_STRAYS + 5):
        register.stray("1", n)
    order, leg = held(1)
    leg.order_id = "1"
    found = register.name(order, leg)
    assert len(found) == order_register.MOST_STRAYS and found[0] == 5
