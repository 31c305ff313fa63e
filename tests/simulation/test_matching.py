"""Matching against a plain model of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.simulation.flow import ADD, PULL, TAKE, Flow, flow_in
from metastackerbandit.simulation.matching import (
    GUARD_BOTH,
    GUARD_MAKER,
    GUARD_NONE,
    MAKES,
    NO_ROOM,
    NOT_ENOUGH,
    RESTS,
    TAKES,
    WHOLE,
    WOULD_TAKE,
    best_of,
    enter,
    reached,
    withdraw,
)
from metastackerbandit.simulation.queues import BUY, NONE, SELL, Queues, empty_queues
from tests.simulation.plain_matching import PlainBook

SIDES = st.sampled_from([BUY, SELL])
TICKS = st.integers(95, 105)
LOTS = st.integers(1, 30)
GUARDS = st.integers(GUARD_NONE, GUARD_BOTH)
MODES = st.sampled_from([RESTS, TAKES, WHOLE, MAKES])
ENTERED = st.tuples(
    st.just("enter"), st.integers(0, 3), SIDES, TICKS, LOTS, st.sampled_from([RESTS, TAKES, WHOLE, MAKES]), st.integers(0, 3), st.booleans()
)
AT_ANY_PRICE = st.tuples(
    st.just("enter"), st.integers(0, 3), SIDES, st.just(0), LOTS, st.sampled_from([TAKES, WHOLE]), st.integers(0, 3), st.just(False)
)
PULLED = st.tuples(st.just("pull"), SIDES, TICKS, LOTS)
WITHDRAWN = st.tuples(st.just("withdraw"), st.integers(0, 40), LOTS)
STEPS = st.lists(st.one_of(ENTERED, AT_ANY_PRICE, PULLED, WITHDRAWN), max_size=40)


def flow(*wanted: tuple[int, int, int, int]) -> np.ndarray:
    """Rows of flow of instrument 0: what, side, ticks, lots; one nanosecond apart."""
    made = rows(Flow, len(wanted))
    for n, one in enumerate(wanted):
        made[n] = (n + 1, 0, *one)
    return made


def levels(queues: Queues, side: int, s: int = 0) -> list[tuple[int, int]]:
    """Prices and sizes of a side, the best first."""
    count = int(queues.row[s]["bids" if side == BUY else "asks"])
    return [(int(ticks), int(lots)) for ticks, lots, _, _ in queues.prices[s, side, :count][::-1]]


def filled(queues: Queues) -> list[tuple[int, ...]]:
    """What happened to orders of owners: owner, order, ticks, lots, left, is_maker."""
    names = ("owner", "order", "ticks", "lots", "left", "is_maker")
    return [tuple(int(row[name]) for name in names) for row in queues.fills[: queues.result[0]["fills"]]]


def traded(queues: Queues, s: int = 0) -> list[tuple[int, ...]]:
    """All trades: ticks, lots, is_sold, buyer, seller."""
    names = ("ticks", "lots", "is_sold", "buyer", "seller")
    return [tuple(int(queues.trades[s, n][name]) for name in names) for n in range(1, int(queues.row[s]["trade"]) + 1)]


def queued(queues: Queues, s: int = 0) -> list[list[tuple[int, int, int]]]:
    """Every queue from its first to its last order (order, owner, lots), walked forwards and checked backwards."""
    found = []
    for side, count in enumerate((queues.row[s]["bids"], queues.row[s]["asks"])):
        for ticks, lots, first, last in queues.prices[s, side, :count].tolist():
            slots, slot = [], first
            while slot != NONE:
                slots.append(slot)
                slot = int(queues.orders[s, slot]["behind"])
            assert slots[-1] == last and [int(queues.orders[s, n]["ahead"]) for n in slots] == [NONE, *slots[:-1]]
            ones = [queues.orders[s, n] for n in slots]
            assert all(int(one["ticks"]) == ticks and int(one["side"]) == side and one["lots"] > 0 for one in ones)
            assert sum(int(one["lots"]) for one in ones) == lots
            found.append([(int(one["order"]), int(one["owner"]), int(one["lots"])) for one in ones])
    assert sum(len(queue) for queue in found) == int(queues.row[s]["resting"])
    assert sum(owner != 0 for queue in found for _, owner, _ in queue) == int(queues.row[s]["own"])
    return found


def replayed(queues: Queues, s: int = 0) -> dict[tuple[int, int], int]:
    """The book that a reader of the changes keeps: (side, ticks) -> lots."""
    book: dict[tuple[int, int], int] = {}
    for n in range(1, int(queues.row[s]["update"]) + 1):
        changed = queues.changes[s, n]
        assert int(changed["update"]) == n
        book[int(changed["side"]), int(changed["ticks"])] = int(changed["lots"])
    return {key: lots for key, lots in book.items() if lots}


OWNERS = st.integers(0, 3)


def brought(steps: list[Any]) -> tuple[Queues, int]:
    """A book after the orders among these steps, some of which only reduce, and its trades so far."""
    queues = empty_queues(1, prices=64, orders=128)
    for number, step in enumerate(steps, start=1):
        if step[0] == "enter":
            _, owner, side, ticks, lots, mode, guard, only_reduces = step
            enter(queues, 0, number, owner, side, ticks, lots, mode, guard, int(only_reduces and owner > 0), 7)
    return queues, int(queues.row[0]["trade"])


@given(steps=STEPS)
@example(steps=[("enter", 0, BUY, 95, 1, RESTS, 0, False), ("enter", 0, SELL, 0, 1, WHOLE, GUARD_NONE + 1, False)])  # the background guards nothing
def test_it_matches_as_the_plain_book_does(steps: list[Any]) -> None:
    queues, plain = empty_queues(1, prices=64, orders=128), PlainBook()
    slots: dict[int, int] = {}
    for number, step in enumerate(steps, start=1):
        before = len(plain.fills)
        if step[0] == "enter":
            _, owner, side, ticks, lots, mode, guard, only_reduces = step
            reduces = int(only_reduces and owner > 0)
            number = 0 if owner == 0 else number
            if owner == 0 and mode == RESTS and ticks:
                flow_in(queues, flow((ADD, side, ticks, lots)), 0)
                plain.enter(0, 0, side, ticks, lots, RESTS, GUARD_NONE)
            else:
                refused = enter(queues, 0, number, owner, side, ticks, lots, mode, guard, reduces, 7)
                result = queues.result[0]
                assert (refused, int(result["filled"]), int(result["left"])) == plain.enter(number, owner, side, ticks, lots, mode, guard, reduces)
                if result["slot"] != NONE and owner:
                    slots[number] = int(result["slot"])
            assert filled(queues) == plain.fills[before:]
        elif step[0] == "pull":
            _, side, ticks, lots = step
            flow_in(queues, flow((PULL, side, ticks, lots)), 0)
            plain.pull(side, ticks, lots)
        else:
            own = sorted(one.number for one in plain.orders if one.owner)
            if own:
                one = own[step[1] % len(own)]
                assert withdraw(queues, 0, slots[one], step[2]) == plain.withdraw(one, step[2])
        assert [levels(queues, side) for side in (BUY, SELL)] == [plain.levels(side) for side in (BUY, SELL)]
        assert traded(queues) == plain.trades
        assert [int(lots) for lots in queues.held[0, :4]] == [plain.held.get(owner, 0) for owner in range(4)]
        queued(queues)
    own_first = [one for queue in queued(queues) for one in queue if one[1]]
    assert sorted(own_first) == sorted((one.number, one.owner, one.lots) for one in plain.orders if one.owner)
    assert replayed(queues) == {(side, ticks): lots for side in (BUY, SELL) for ticks, lots in plain.levels(side)}


@given(steps=STEPS)
def test_no_lot_comes_from_nowhere_and_no_price_is_crossed(steps: list[Any]) -> None:
    queues = empty_queues(1, prices=64, orders=128)
    brought = 0
    for number, step in enumerate(steps, start=1):
        if step[0] == "enter":
            _, owner, side, ticks, lots, mode, *_ = step
            if enter(queues, 0, number, owner, side, ticks, lots, mode, GUARD_NONE, 0, 7) == 0:
                brought += lots if mode in (RESTS, MAKES) else int(queues.result[0]["filled"])
        bid, ask = best_of(queues, 0, BUY), best_of(queues, 0, SELL)
        assert not bid or not ask or bid < ask
    resting = sum(lots for side in (BUY, SELL) for _, lots in levels(queues, side))
    assert brought == resting + 2 * sum(lots for _, lots, _, _, _ in traded(queues))


def test_at_one_price_those_who_came_first_are_served_first_and_a_reduction_keeps_its_place() -> None:
    queues = empty_queues(1, prices=8, orders=8)
    for number, owner in ((1, 1), (2, 2), (3, 1)):
        assert enter(queues, 0, number, owner, SELL, 100, 10, RESTS, GUARD_NONE, 0, number) == 0
    assert withdraw(queues, 0, 0, 4) == 6
    assert enter(queues, 0, 9, 3, BUY, 100, 17, TAKES, GUARD_MAKER, 0, 9) == 0
    assert [(order, lots) for owner, order, _, lots, _, _ in filled(queues) if owner != 3] == [(1, 6), (2, 10), (3, 1)]
    assert levels(queues, SELL) == [(100, 9)]


def test_refusals_change_nothing() -> None:
    queues = empty_queues(1, prices=2, orders=3)
    assert enter(queues, 0, 1, 1, SELL, 100, 10, RESTS, GUARD_NONE, 0, 1) == 0
    assert enter(queues, 0, 2, 1, SELL, 101, 10, RESTS, GUARD_NONE, 0, 1) == 0
    before = (levels(queues, BUY), levels(queues, SELL), int(queues.row[0]["update"]))
    assert enter(queues, 0, 3, 1, SELL, 102, 10, RESTS, GUARD_NONE, 0, 1) == NO_ROOM
    assert enter(queues, 0, 3, 2, BUY, 100, 1, MAKES, GUARD_NONE, 0, 1) == WOULD_TAKE
    assert enter(queues, 0, 3, 2, BUY, 101, 21, WHOLE, GUARD_NONE, 0, 1) == NOT_ENOUGH
    assert (levels(queues, BUY), levels(queues, SELL), int(queues.row[0]["update"])) == before and filled(queues) == []
    assert enter(queues, 0, 3, 2, BUY, 99, 10, RESTS, GUARD_NONE, 0, 1) == 0
    assert enter(queues, 0, 4, 2, BUY, 99, 10, RESTS, GUARD_NONE, 0, 1) == NO_ROOM, "three orders rest already"


def test_an_order_that_only_reduces_fills_no_more_than_the_position() -> None:
    queues = empty_queues(1, prices=8, orders=8)
    assert enter(queues, 0, 1, 2, SELL, 100, 6, RESTS, GUARD_NONE, 0, 1) == 0
    assert enter(queues, 0, 2, 1, BUY, 100, 6, TAKES, GUARD_NONE, 0, 2) == 0  # owner 1 has 6
    assert enter(queues, 0, 3, 1, SELL, 101, 4, RESTS, GUARD_NONE, 0, 3) == 0
    assert enter(queues, 0, 4, 1, SELL, 102, 6, RESTS, GUARD_NONE, 1, 4) == 0
    assert enter(queues, 0, 5, 3, BUY, 0, 10, TAKES, GUARD_NONE, 0, 5) == 0
    assert [(order, lots, left) for owner, order, _, lots, left, _ in filled(queues) if owner == 1] == [(3, 4, 0), (4, 2, 4), (4, 0, 4)]
    assert int(queues.held[0, 1]) == 0 and levels(queues, SELL) == []


@given(steps=STEPS, owner=OWNERS, side=SIDES, ticks=st.one_of(st.just(0), TICKS), lots=LOTS, guard=GUARDS)
def test_what_an_order_reaches_is_what_it_gets(steps: list[Any], owner: int, side: int, ticks: int, lots: int, guard: int) -> None:
    queues, before = brought(steps)
    reach = reached(queues, 0, owner, side, ticks, lots, guard, 0)
    enter(queues, 0, 99, owner, side, ticks, lots, TAKES, guard, 0, 8)
    matched = traded(queues)[before:]
    assert (sum(one[1] for one in matched), sum(one[0] * one[1] for one in matched)) == reach


@given(steps=STEPS, owner=OWNERS, side=SIDES, lots=LOTS, most=st.integers(1, 6_000))
def test_a_bound_of_money_is_kept_and_used_as_far_as_whole_lots_allow(steps: list[Any], owner: int, side: int, lots: int, most: int) -> None:
    queues, _ = brought(steps)
    found, turnover = reached(queues, 0, owner, side, 0, lots, GUARD_MAKER, most)
    assert turnover <= most and reached(queues, 0, owner, side, 0, found, GUARD_MAKER, 0) == (found, turnover)
    more = reached(queues, 0, owner, side, 0, min(found + 1, lots), GUARD_MAKER, 0)
    assert more == (found, turnover) or more[1] > most, "one lot more is not there, or costs too much"


@pytest.mark.parametrize("side", [BUY, SELL])
def test_orders_of_an_owner_that_only_reduce_are_not_counted_twice(side: int) -> None:
    queues, sign = empty_queues(1, prices=8, orders=8), 1 if side == BUY else -1
    assert enter(queues, 0, 1, 2, side, 100, 6, RESTS, GUARD_NONE, 0, 1) == 0
    assert enter(queues, 0, 2, 1, 1 - side, 100, 6, TAKES, GUARD_NONE, 0, 2) == 0  # owner 1 holds 6
    for number, ticks in ((3, 100), (4, 101)):
        assert enter(queues, 0, number, 1, side, 100 - sign * (ticks - 100), 6, RESTS, GUARD_NONE, 1, 3) == 0
    assert enter(queues, 0, 5, 3, 1 - side, 0, 7, WHOLE, GUARD_NONE, 0, 4) == NOT_ENOUGH
    assert enter(queues, 0, 6, 3, 1 - side, 0, 6, WHOLE, GUARD_NONE, 0, 5) == 0 and int(queues.result[0]["filled"]) == 6


HOLDINGS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.booleans()), min_size=1, max_size=12)


@given(holdings=HOLDINGS, owner=st.sampled_from([0, 13]))
@example(holdings=[(1, 2, True)] * 12, owner=13)
def test_one_sweep_tells_all_its_fills_however_many_orders_it_ends(holdings: list[tuple[int, int, bool]], owner: int) -> None:
    queues, plain = empty_queues(1, prices=16, orders=len(holdings)), PlainBook()  # every slot is taken

    def bring(*terms: int) -> None:
        assert enter(queues, 0, *terms, 7) == plain.enter(*terms)[0] == 0  # type: ignore[call-arg]

    for who, (held, _, _) in enumerate(holdings, start=1):
        bring(0, 0, SELL, 90, held, RESTS, GUARD_NONE, 0)
        bring(who, who, BUY, 90, held, TAKES, GUARD_NONE, 0)
    for who, (_, lots, only_reduces) in enumerate(holdings, start=1):
        bring(100 + who, who, SELL, 100 + who, lots, RESTS, GUARD_NONE, int(only_reduces))
    assert int(queues.row[0]["free"]) == NONE
    before = len(plain.fills)
    plain.enter(200 if owner else 0, owner, BUY, 0, 999, TAKES, GUARD_NONE)
    if owner:
        enter(queues, 0, 200, owner, BUY, 0, 999, TAKES, GUARD_NONE, 0, 8)
    else:
        assert flow_in(queues, flow((TAKE, BUY, 0, 999)), 0) == 1
    assert int(queues.result[0]["fills"]) == len(plain.fills) - before <= len(queues.fills)
    assert filled(queues) == plain.fills[before:]


@pytest.mark.parametrize("owner", [0, 2])
def test_orders_of_other_instruments_are_not_touched(owner: int) -> None:
    queues = empty_queues(2, prices=8, orders=8)
    assert enter(queues, 1, 1, 1, SELL, 100, 10, RESTS, GUARD_NONE, 0, 1) == 0
    assert enter(queues, 0, 2, owner, BUY, 100, 10, TAKES, GUARD_NONE, 0, 1) == 0
    assert int(queues.result[0]["left"]) == 10 and levels(queues, SELL, 1) == [(100, 10)]
