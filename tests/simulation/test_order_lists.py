"""Orders are found by number and by the newest client id, by their own owner only."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.simulation.exchange_words import NewOrder, Order
from metastackerbandit.simulation.order_lists import OrderLists
from metastackerbandit.simulation.queues import BUY


def order(number: int, owner: int = 1, s: int = 0, client_id: str = "") -> Order:
    """An order."""
    return Order(number, owner, NewOrder(s, BUY, "limit", 5, 100), client_id, 5, "new", 1, 1)


def test_an_order_is_its_owners_and_its_instruments() -> None:
    lists = OrderLists(10)
    for owner in (1, 2):
        lists.begin(owner)
    mine = order(1, client_id="a")
    lists.add(mine)
    assert lists.find(1, 0, 1) is mine and lists.find(1, 0, client_id="a") is mine
    assert lists.find(2, 0, 1) is None and lists.find(1, 1, 1) is None and lists.find(2, 0, client_id="a") is None and lists.find(1, 0) is None
    assert lists.owners == (1, 2) and lists.open(1) == [mine] and lists.open(2) == [] and lists.open(1, 1) == []


def test_a_client_id_means_the_newest_order_and_forgetting_an_older_one_changes_nothing() -> None:
    lists = OrderLists(1)
    lists.begin(1)
    for number in (1, 2):
        made = order(number, client_id="same")
        lists.add(made)
        lists.end(made)
        lists.end(made)  # twice is once
    found = lists.find(1, 0, client_id="same")
    assert found is not None and found.number == 2 and lists.find(1, 0, 1) is None and lists.of(1, 0) == [found]


def test_a_client_id_means_the_order_before_again_where_the_newest_was_refused() -> None:
    lists = OrderLists(5)
    lists.begin(1)
    first, second = (order(number, client_id="same") for number in (1, 2))
    lists.add(first)
    lists.add(second)
    lists.forget(second)
    assert lists.find(1, 0, client_id="same") is first and lists.open(1) == [first]
    lists.forget(first)
    assert lists.find(1, 0, client_id="same") is None and lists.of(1, 0) == []


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 2), st.integers(0, 2), st.sampled_from(["", "a", "b"])),
        st.tuples(st.sampled_from(["end", "forget"]), st.integers(0, 20)),
    ),
    max_size=30,
)


@given(acts=ACTS, kept=st.integers(0, 3))
def test_they_answer_as_one_plain_list_of_all_orders_does(acts: list[Any], kept: int) -> None:
    lists, plain, over = OrderLists(kept), list[Order](), list[Order]()
    for owner in (1, 2):
        lists.begin(owner)
    for number, act in enumerate(acts, start=1):
        still = [one for one in plain if one not in over]
        if act[0] == "add":
            made = order(number, *act[1:])
            lists.add(made)
            plain.append(made)
        elif still:
            one = still[act[1] % len(still)]
            if act[0] == "end":
                lists.end(one)
                over.append(one)
                plain = [other for other in plain if other not in over[: -kept or len(over)]]
            else:
                lists.forget(one)
                plain.remove(one)
        for owner, s in product((1, 2), range(3)):
            mine = [one for one in plain if one.owner == owner and one.wish.s == s]
            assert lists.of(owner, s) == mine and lists.open(owner, s) == [one for one in mine if one not in over]
            for name in ("a", "b"):
                assert lists.find(owner, s, client_id=name) is next((one for one in reversed(mine) if one.client_id == name), None)
        for owner in (1, 2):
            assert lists.open(owner) == [one for one in plain if one.owner == owner and one not in over]
