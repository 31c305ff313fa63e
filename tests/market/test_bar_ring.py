"""Rings of closed bars: the newest as a view, and a cache that was kept whole put in their place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.market.bar_ring import LENGTH, append, closed_bars, refill
from metastackerbandit.market.bars import take, take_all, tick
from metastackerbandit.market.settings import BarSettings
from tests.market.tapes import DAY, SHORT, START_NS, bars_from, grouped, one_symbol, same, tape, trade_at


def test_a_silence_longer_than_the_ring_is_filled_as_far_as_the_ring_goes() -> None:
    bars = one_symbol(BarSettings(fills_gaps=True))
    take(bars, trade_at(DAY, 100)[0])
    take(bars, trade_at(DAY + 10_000 * SECOND_NS, 130)[0])
    seconds = closed_bars(bars, 0, 0)
    assert len(seconds) == LENGTH and (seconds["close"] == 100).all()
    assert (np.diff(seconds["opened_ns"]) == SECOND_NS).all()
    assert seconds[-1]["closed_ns"] == DAY + 9_998 * SECOND_NS
    assert len(closed_bars(bars, 0, 1)) == 166


def test_the_ring_gives_the_newest_bars_as_a_view() -> None:
    trades = tape(5, 3_000, mean_s=1.5)
    bars = bars_from(trades, SHORT)
    ring = closed_bars(bars, 0, 0)
    assert bars.cursor[0, 0]["written"] > LENGTH == len(ring) and np.shares_memory(ring, bars.closed)
    same(ring, grouped(trades, SECOND_NS))
    assert closed_bars(bars, 0, 0, 7).tobytes() == ring[-7:].tobytes()
    assert len(closed_bars(one_symbol(), 0, 0)) == 0


def test_a_refilled_ring_goes_on() -> None:
    trades = tape(7, 900)
    half = START_NS + 200 * SECOND_NS
    early = trades[trades["traded_ns"] < half]
    whole, bars = bars_from(trades, SHORT, ends=False), bars_from(early, SHORT, ends=False)
    for f in range(2):
        refill(bars, 0, f, closed_bars(bars, 0, f).copy())
    take_all(bars, trades[len(early) :], np.zeros(len(trades) - len(early), np.int64))
    for f in range(2):
        assert closed_bars(bars, 0, f).tobytes() == closed_bars(whole, 0, f).tobytes()


@pytest.mark.parametrize("fills", [False, True])
def test_a_candle_of_the_venue_takes_the_place_of_the_open_bar(fills: bool) -> None:
    bars = one_symbol(BarSettings(fills_gaps=fills))
    for second in (1, 30):
        take(bars, trade_at(DAY + second * SECOND_NS, 100)[0])
    candle = rows(Bar, 1)
    for name, value in (("opened_ns", DAY), ("closed_ns", DAY + MINUTE_NS), ("known_ns", DAY + MINUTE_NS), ("close", 77), ("parts", 1)):
        candle[name] = value
    refill(bars, 0, 1, candle)
    take(bars, trade_at(DAY + 59 * SECOND_NS, 500)[0])
    take(bars, trade_at(DAY + 200 * SECOND_NS, 101)[0])
    tick(bars, DAY + 300 * SECOND_NS)
    minutes = closed_bars(bars, 0, 1)
    assert minutes[0].tobytes() == candle[0].tobytes()
    expected = [(1, 77), (2, 77), (3, 101)] if fills else [(3, 101)]
    assert [(int((bar["opened_ns"] - DAY) // MINUTE_NS), int(bar["close"])) for bar in minutes[1:]] == expected
    assert DAY + 59 * SECOND_NS in closed_bars(bars, 0, 0)["opened_ns"]  # the second's bar has it
    with pytest.raises(DataRefused, match="closed already"):
        refill(bars, 0, 1, candle)
    with pytest.raises(DataRefused, match="closed already"):
        refill(bars, 0, 1, candle[:0])


def test_more_than_a_ring_is_cut_to_the_newest() -> None:
    bars, many = one_symbol(), rows(Bar, LENGTH + 3)
    many["opened_ns"] = DAY + np.arange(len(many)) * SECOND_NS
    many["closed_ns"] = many["opened_ns"] + SECOND_NS
    refill(bars, 0, 0, many)
    assert closed_bars(bars, 0, 0).tobytes() == many[3:].tobytes()
    refill(one_symbol(), 0, 0, many[:0])


@given(before=st.integers(0, 2 * LENGTH), after=st.integers(0, 40), old=st.integers(0, 5))
def test_bars_that_are_appended_stand_as_if_all_had_been_laid_in_at_once(before: int, after: int, old: int) -> None:
    whole = rows(Bar, before + after)
    whole["opened_ns"] = START_NS + np.arange(before + after) * MINUTE_NS
    whole["closed_ns"], whole["close"] = whole["opened_ns"] + MINUTE_NS, np.arange(before + after)
    one, at_once = one_symbol(frames=(MINUTE_NS,)), one_symbol(frames=(MINUTE_NS,))
    refill(one, 0, 0, whole[:before])
    for place in (*range(before, before + after), *range(max(before + after - old, 0), before + after)):  # the last ones again: let go
        append(one, 0, 0, whole[place : place + 1])
    refill(at_once, 0, 0, whole)
    assert closed_bars(one, 0, 0).tobytes() == closed_bars(at_once, 0, 0).tobytes()
    assert one.cursor[0, 0]["ends_ns"] == at_once.cursor[0, 0]["ends_ns"]
