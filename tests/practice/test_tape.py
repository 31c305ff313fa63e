"""The tape: chunks of changes rebuild the book whatever their pace, aggregated trades tell the same as trades, and lost rings are said to be lost."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.practice.tape import book_side, changes_since, empty_tape, is_lost, join_trades, joined_between, newest_update, trades_between
from metastackerbandit.simulation.queues import Traded, empty_queues, tell_trade
from tests.practice.walking import BEGUN_NS, Ground

PLACE = {name: n for n, name in enumerate(Traded.__struct_fields__)}


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_chunks_of_any_pace_rebuild_the_book(steps: list[int]) -> None:
    ground = Ground("spot")
    queues = ground.exchange.queues
    seen = newest_update(queues, 0)
    book = [dict(book_side(queues, 0, side, 5_000)) for side in (0, 1)]
    at_ns = BEGUN_NS
    for step in steps:
        at_ns += step * 100_000_000
        ground.floor.advance(at_ns)
        chunk = changes_since(queues, 0, seen)
        assert chunk is not None and chunk.first == seen + 1
        for side, levels in enumerate((chunk.bids, chunk.asks)):
            assert levels == sorted(levels, reverse=side == 0)
            book[side] |= dict(levels)
        seen = chunk.last
        for side in (0, 1):
            rebuilt = sorted(((ticks, lots) for ticks, lots in book[side].items() if lots), reverse=side == 0)
            assert rebuilt == book_side(queues, 0, side, 5_000)
    assert changes_since(queues, 0, seen) is None


def test_a_ring_that_went_past_a_reader_says_so() -> None:
    ground = Ground("spot")
    seen = newest_update(ground.exchange.queues, 0)
    ground.floor.advance(BEGUN_NS + 400 * 10**9)
    assert is_lost(ground.exchange.queues, 0, seen)
    assert changes_since(ground.exchange.queues, 0, seen) is None


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(100, 102)), max_size=60), st.integers(1, 9))
def test_aggregated_trades_are_the_trades_joined_by_order_and_price(told: list[tuple[int, int]], every: int) -> None:
    queues, tape = empty_queues(1), empty_tape(1)
    for n, (step, ticks) in enumerate(told):
        queues.row[0]["sweep"] += step // 3
        tell_trade(queues, 0, ticks, n + 1, 1, 0, 0, 5)
        if n % every == 0:
            join_trades(tape, queues)
    join_trades(tape, queues)
    trades, joined = trades_between(queues, 0, 0, 10**9), joined_between(tape, 0, 0, 10**9)
    runs = [list(run) for _, run in groupby(trades, key=lambda one: (one[PLACE["sweep"]], one[PLACE["ticks"]]))]
    expected = [(n, run[0][0], run[-1][0], run[0][PLACE["ticks"]], sum(one[PLACE["lots"]] for one in run)) for n, run in enumerate(runs, 1)]
    assert [(one[0], one[1], one[2], one[4], one[5]) for one in joined] == expected
    assert joined_between(tape, 0, 1, 3) == joined[1:3] and joined_between(tape, 0, -5, 2) == joined[:2]


def test_rings_that_wrapped_give_what_they_still_have() -> None:
    ground = Ground("spot")
    ground.floor.advance(BEGUN_NS + 2_000 * 10**9)
    newest = int(ground.exchange.queues.row[0]["trade"])
    assert newest > 4_096
    numbers = [one[0] for one in trades_between(ground.exchange.queues, 0, 0, 10**9)]
    assert numbers == list(range(newest - 4_095, newest + 1))
