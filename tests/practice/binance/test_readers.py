"""Readers of a floor tell everything that is new once, whatever the pace at which they are asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.practice.binance.readers import Told, bests, candles, changes, joined, traded, trades
from metastackerbandit.practice.tape import best_levels, joined_between, newest_update, trades_between
from tests.practice.walking import Ground

SPANS = st.lists(st.integers(0, 30), min_size=1, max_size=6)


@given(SPANS)
def test_rows_come_once_each_and_in_order(spans: list[int]) -> None:
    ground = Ground("spot")
    floor, queues = ground.floor, ground.exchange.queues
    first, first_joined = int(queues.row[0]["trade"]), int(floor.tape.row[0]["number"])
    tells = [trades(floor, 0, lambda one, now_ns: one), joined(floor, 0, lambda one, now_ns: one)]
    heard: list[list[object]] = [[], []]
    for span in spans:
        floor.advance(floor.now_ns + span * 10**8)
        for one, tell in zip(heard, tells, strict=True):
            one += tell(floor.now_ns)
    assert heard[0] == trades_between(queues, 0, first, 10**9)
    assert [one[0] for one in heard[1]] == [one[0] for one in joined_between(floor.tape, 0, first_joined, 10**9)]  # type: ignore[index]


@given(SPANS)
def test_changes_follow_each_other_and_best_prices_are_told_where_they_changed(spans: list[int]) -> None:
    ground = Ground("spot")
    floor, queues = ground.floor, ground.exchange.queues
    before = newest_update(queues, 0)
    change = changes(floor, 0, lambda chunk, seen, now_ns: (seen, chunk.first, chunk.last))
    best = bests(floor, (0,), lambda s, update, told, now_ns: told, tells_first=False)
    standing = best_levels(queues, 0)
    for span in spans:
        floor.advance(floor.now_ns + span * 10**8)
        for seen, first, last in change(floor.now_ns):
            assert seen == before and first == before + 1
            before = last
        now = best_levels(queues, 0)
        assert list(best(floor.now_ns)) == ([now] if now != standing else [])
        standing = now
    assert before == newest_update(queues, 0)


def test_what_stands_at_the_beginning_is_told_where_a_market_does_so() -> None:
    ground = Ground("spot")
    for tells_first in (True, False):
        tell = bests(ground.floor, (0, 1), lambda s, update, told, now_ns: s, tells_first=tells_first)
        assert list(tell(ground.floor.now_ns)) == ([0, 1] if tells_first else []) and list(tell(ground.floor.now_ns)) == []
    tell = bests(ground.floor, (0, 1), lambda s, update, told, now_ns: s or None, tells_first=True)
    assert list(tell(ground.floor.now_ns)) == [1], "what has no words is not told"


def test_instruments_that_traded_are_told_in_one_list() -> None:
    ground = Ground("spot")
    floor = ground.floor
    tell = traded(floor, lambda s, now_ns: s)
    assert (list(tell(floor.now_ns)), list(tell(floor.now_ns))) == ([[0, 1]], [])
    floor.advance(floor.now_ns + 10**10)
    assert list(tell(floor.now_ns)) == [[0, 1]]


@pytest.mark.parametrize("interval", ["1s", "1m", "1M"])
def test_a_candle_is_told_as_it_forms_and_once_more_when_it_is_over(interval: str) -> None:
    ground = Ground("spot")
    floor = ground.floor
    floor.advance(floor.now_ns + 10**9)
    stream, told = Told("BTCUSDT", 1.0, candles(floor, 0, interval, lambda bar, numbers, closed_ns, now_ns: (closed_ns, now_ns >= closed_ns))), []
    for _ in range(40):
        floor.advance(floor.now_ns + 4 * 10**9)
        told += list(stream.told(floor.now_ns))
    over = [closed_ns for closed_ns, is_over in told if is_over]
    assert len(over) == len(set(over)) and over == sorted(over)
    assert len(over) >= {"1s": 100, "1m": 2, "1M": 0}[interval] and any(not is_over for _, is_over in told)
