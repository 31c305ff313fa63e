"""The background's flow: recorded levels and trades beside our orders, and reading fills in parts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.simulation.flow import LEVEL, PRINT, TAKE, flow_in
from metastackerbandit.simulation.matching import GUARD_NONE, RESTS, enter, reached
from metastackerbandit.simulation.queues import BUY, SELL, empty_queues
from tests.simulation.test_matching import filled, flow, levels, queued, traded


def test_a_recorded_level_leaves_our_orders_in_their_place_and_fills_those_it_passes() -> None:
    queues = empty_queues(1, prices=16, orders=16)
    flow_in(queues, flow((LEVEL, BUY, 99, 50), (LEVEL, SELL, 101, 40)), 0)
    assert enter(queues, 0, 1, 1, SELL, 101, 7, RESTS, GUARD_NONE, 0, 5) == 0  # behind the 40
    flow_in(queues, flow((LEVEL, SELL, 101, 60)), 0)
    assert queued(queues)[1] == [(0, 0, 40), (1, 1, 7), (0, 0, 20)]
    flow_in(queues, flow((PRINT, BUY, 101, 45)), 0)
    assert filled(queues) == [(1, 1, 101, 5, 2, 1)] and [one[:2] for one in traded(queues)] == [(101, 5), (101, 40)]
    assert queued(queues)[1] == [(1, 1, 2), (0, 0, 60)], "what was passed stands behind us; how much there is, levels say"
    flow_in(queues, flow((LEVEL, SELL, 101, 0)), 0)
    assert levels(queues, SELL) == [(101, 2)], "the recorded market left, our order stays"
    flow_in(queues, flow((LEVEL, BUY, 103, 9)), 0)
    assert filled(queues) == [(1, 1, 101, 2, 0, 1)] and levels(queues, BUY) == [(103, 7), (99, 50)]


def test_a_recorded_trade_that_the_book_does_not_know_is_told_all_the_same() -> None:
    queues = empty_queues(1, prices=16, orders=16)
    flow_in(queues, flow((PRINT, SELL, 98, 5)), 0)
    assert traded(queues) == [(98, 5, 1, 0, 0)] and int(queues.row[0]["last_ticks"]) == 98


def test_a_recorded_level_that_crosses_sweeps_the_recorded_other_side_without_a_trade() -> None:
    queues = empty_queues(1, prices=16, orders=16)
    flow_in(queues, flow((LEVEL, SELL, 101, 40), (LEVEL, SELL, 102, 40), (LEVEL, BUY, 101, 5)), 0)
    assert (levels(queues, BUY), levels(queues, SELL), traded(queues)) == ([(101, 5)], [(102, 40)], [])


def test_flow_stops_where_its_fills_could_not_be_told_and_goes_on_from_there() -> None:
    queues = empty_queues(1, prices=8, orders=4)  # room for 12 fills
    for number in range(1, 4):
        assert enter(queues, 0, number, 1, SELL, 100, 1_000, RESTS, GUARD_NONE, 0, 1) == 0
    taken = flow(*[(TAKE, BUY, 0, 1)] * 20)
    done, told = 0, 0
    while done < len(taken):
        more = flow_in(queues, taken, done)
        assert more > done
        done, told = more, told + int(queues.result[0]["fills"])
    assert told == 20 and levels(queues, SELL) == [(100, 2_980)]


RECORDED = st.lists(st.tuples(st.sampled_from([LEVEL, PRINT]), st.sampled_from([BUY, SELL]), st.integers(98, 102), st.integers(1, 40)), max_size=30)


@given(recorded=RECORDED, own=st.lists(st.tuples(st.integers(0, 30), st.sampled_from([BUY, SELL]), st.integers(98, 102)), max_size=5))
def test_the_background_is_what_levels_said_last_and_prints_trade_as_much_as_was_printed(recorded: list[Any], own: list[Any]) -> None:
    queues = empty_queues(1, prices=32, orders=64)
    said: dict[tuple[int, int], int] = {}
    for place, (what, side, ticks, lots) in enumerate(recorded):
        for number, (at, own_side, own_ticks) in enumerate(own, start=1):
            if at == place and not reached(queues, 0, 1, own_side, own_ticks, 1, GUARD_NONE, 0)[0]:
                enter(queues, 0, number, 1, own_side, own_ticks, 15, RESTS, GUARD_NONE, 0, place)
        before = int(queues.row[0]["trade"])
        flow_in(queues, flow((what, side, ticks, lots)), 0)
        met = sum(one[1] for one in traded(queues)[before:])
        background = background_of(queues)
        if what == PRINT:
            assert met == lots
        else:  # what met a recorded level were own orders
            said[side, ticks] = lots - met
            for key in [key for key in said if key[0] != side and (ticks >= key[1] if side == BUY else ticks <= key[1])]:
                assert background.get(key, 0) <= said[key], "what it passes is gone, what stands behind our own stays"
                said[key] = background.get(key, 0)
                assert said[key] == 0 or met == lots
        assert background == {key: size for key, size in said.items() if size}


def background_of(queues: Any) -> dict[tuple[int, int], int]:
    """Lots of the background by side and price."""
    found = {}
    for side, count in enumerate((queues.row[0]["bids"], queues.row[0]["asks"])):
        for ticks, _, first, _ in queues.prices[0, side, :count].tolist():
            lots, slot = 0, first
            while slot >= 0:
                lots += int(queues.orders[0, slot]["lots"]) if queues.orders[0, slot]["owner"] == 0 else 0
                slot = int(queues.orders[0, slot]["behind"])
            if lots:
                found[side, ticks] = lots
    return found
