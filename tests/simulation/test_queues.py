"""Queues of orders: places of prices, neighbours that become one, slots that are used again, rings."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.simulation.queues import BUY, NONE, SELL, Queues, empty_queues, has_room, join, place_at, price_count, reduce, tell_trade


def told(queues: Queues) -> list[tuple[int, int, int, int]]:
    """The ring of changes, oldest first: update, side, ticks, lots."""
    ring = np.sort(queues.changes[0], order="update")
    return [(int(one["update"]), int(one["side"]), int(one["ticks"]), int(one["lots"])) for one in ring if one["update"]]


@given(prices=st.sets(st.integers(1, 60), max_size=20), wanted=st.integers(1, 60), side=st.sampled_from([BUY, SELL]))
def test_a_price_stands_behind_those_that_are_worse(prices: set[int], wanted: int, side: int) -> None:
    queues, sign = empty_queues(1, prices=32, orders=32), 1 if side == BUY else -1
    for ticks in prices:
        join(queues, 0, 0, 0, side, ticks, 5, 0)
    assert price_count(queues, 0, side) == len(prices) and price_count(queues, 0, 1 - side) == 0
    assert place_at(queues, 0, side, wanted) == sum(sign * ticks < sign * wanted for ticks in prices)


def test_the_backgrounds_neighbours_become_one_and_owners_stay_apart() -> None:
    queues = empty_queues(1, prices=4, orders=4)
    slots = [
        join(queues, 0, 0, 0, BUY, 10, 5, 0),
        join(queues, 0, 0, 0, BUY, 10, 6, 0),
        join(queues, 0, 1, 1, BUY, 10, 7, 0),
        join(queues, 0, 0, 0, BUY, 10, 8, 0),
    ]
    assert slots[0] == slots[1] and len(set(slots)) == 3
    assert (int(queues.row[0]["resting"]), int(queues.row[0]["own"])) == (3, 1)
    assert told(queues) == [(1, BUY, 10, 5), (2, BUY, 10, 11), (3, BUY, 10, 18), (4, BUY, 10, 26)]


def test_slots_and_prices_are_used_again_and_none_too_many() -> None:
    queues = empty_queues(1, prices=2, orders=3)
    for _ in range(5):
        slots = [join(queues, 0, number, 1, SELL, ticks, 5, 0) for number, ticks in ((1, 10), (2, 10), (3, 11))]
        assert NONE not in slots and join(queues, 0, 4, 1, SELL, 10, 5, 0) == NONE and not has_room(queues, 0, SELL, 10, 1)
        assert [reduce(queues, 0, slot, 9) for slot in slots] == [0, 0, 0]
        assert (int(queues.row[0]["resting"]), int(queues.row[0]["own"]), int(queues.row[0]["asks"])) == (0, 0, 0)
    assert join(queues, 0, 1, 1, SELL, 10, 5, 0) != NONE and join(queues, 0, 2, 1, SELL, 11, 5, 0) != NONE
    assert not has_room(queues, 0, SELL, 12, 1) and has_room(queues, 0, SELL, 11, 1), "a third price has no room, an order at the second has"


def test_a_part_that_is_taken_back_is_told_and_the_rest_stays() -> None:
    queues = empty_queues(1, prices=4, orders=4)
    slot = join(queues, 0, 1, 1, SELL, 10, 5, 0)
    assert reduce(queues, 0, slot, 2) == 3 and reduce(queues, 0, slot, 1) == 2
    assert told(queues) == [(1, SELL, 10, 5), (2, SELL, 10, 3), (3, SELL, 10, 2)]


def test_rings_keep_the_newest_and_numbers_go_on() -> None:
    queues = empty_queues(1, prices=4, orders=4, changes=4, trades=2)
    slot = join(queues, 0, 1, 1, SELL, 10, 50, 0)
    for _ in range(6):
        reduce(queues, 0, slot, 1)
    assert [update for update, *_ in told(queues)] == [4, 5, 6, 7]
    for n in range(3):
        tell_trade(queues, 0, 100 + n, 1, 0, 7, 8, n)
    assert sorted((int(one["trade"]), int(one["ticks"])) for one in queues.trades[0]) == [(2, 101), (3, 102)]
    assert int(queues.row[0]["last_ticks"]) == 102
