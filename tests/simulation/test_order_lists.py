"""Orders are found by number and by the newest client id, by their own owner only."""

from __future__ import annotations

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
