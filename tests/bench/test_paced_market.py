"""The market at a fixed pace: every symbol trades as often, its price turns when it is said to, and how often it is asked changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.bench.paced_market import BEATS, PAST_S, TURN_S, PacedMarket
from metastackerbandit.bench.wire_exchange import instruments
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.tape import best_levels, trades_between
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.listing import Listing

BEGUN_NS = 1_790_000_000 * SECOND_NS
SYMBOLS = 3


def floor_of(symbols: int = SYMBOLS) -> Floor:
    """A floor that it moves."""
    listed = instruments(symbols)
    return Floor(Exchange([Listing(one) for one in listed]), PacedMarket(listed), BEGUN_NS, PracticeSettings())


def traded(floor: Floor, s: int) -> list[Any]:
    """Trades of a symbol since the floor began."""
    before = PAST_S * BEATS
    return trades_between(floor.exchange.queues, s, before, before + 10_000)


@settings(max_examples=10)
@given(st.lists(st.integers(1, 2_000), min_size=2, max_size=8))
def test_what_happens_does_not_depend_on_how_often_it_is_asked(steps_ms: list[int]) -> None:
    often, once = floor_of(), floor_of()
    for step in steps_ms:
        often.advance(often.now_ns + step * 1_000_000)
    once.advance(often.now_ns)
    for s in range(SYMBOLS):
        assert traded(often, s) == traded(once, s)
        assert best_levels(often.exchange.queues, s) == best_levels(once.exchange.queues, s)


def test_each_symbol_trades_in_every_beat_and_none_with_another() -> None:
    floor = floor_of()
    floor.advance(BEGUN_NS + 3 * SECOND_NS)
    times = [np.array([one[1] for one in traded(floor, s)]) for s in range(SYMBOLS)]
    assert all(len(own) == 3 * BEATS and (np.diff(own) == SECOND_NS // BEATS).all() for own in times)
    assert len(np.unique(np.concatenate(times))) == SYMBOLS * 3 * BEATS


def test_half_of_the_symbols_turn_at_a_time() -> None:
    floor = floor_of(4)
    floor.advance(BEGUN_NS + 4 * TURN_S * SECOND_NS)
    turns = []
    for s in range(4):
        sides = [(one[1] // SECOND_NS, one[4]) for one in traded(floor, s)]
        seconds = dict(sides)
        assert set(sides) == set(seconds.items()), "a second is bought or sold throughout"
        turns.append([at for at in list(seconds)[1:] if seconds[at] != seconds[at - 1]])
    assert turns[0] == turns[2] and turns[1] == turns[3] and all((np.diff(own) == 2 * TURN_S).all() for own in turns)
    assert {abs(a - b) for a in turns[0] for b in turns[1]} >= {TURN_S} and not set(turns[0]) & set(turns[1])


def test_the_time_of_a_seconds_first_trade_is_known() -> None:
    floor = floor_of()
    market = floor.source
    assert isinstance(market, PacedMarket)
    before = list(market.first_ns)
    floor.advance(BEGUN_NS + SECOND_NS // BEATS // 3)  # the first of the symbols has traded
    assert market.first_ns[0] > before[0] and market.first_ns[1:] == before[1:]
    first = market.first_ns[0]
    floor.advance(BEGUN_NS + SECOND_NS - 1)  # all have, several times
    assert market.first_ns[0] == first and all(after > earlier for after, earlier in zip(market.first_ns, before, strict=True))
