"""Candles of an exchange: the past and its own trades in one series, every frame made of the same minutes."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.simulation.candle_board import FIVE_NS, CandleBoard, resampled
from metastackerbandit.simulation.queues import empty_queues, tell_trade
from tests.simulation.floor import instrument

START_NS = 1_700_006_400 * SECOND_NS  # 00:00 UTC
TRADES = st.lists(st.tuples(st.integers(0, 400), st.integers(90, 110), st.integers(1, 50), st.booleans()), min_size=1, max_size=40)


def past(count: int, frame_ns: int, until_ns: int) -> np.ndarray:
    """Bars that end at `until_ns`, prices 100 and up."""
    made = rows(Bar, count)
    for n in range(count):
        opened = until_ns - (count - n) * frame_ns
        made[n] = (opened, opened + frame_ns, opened + frame_ns, 100 + n, 103 + n, 98 + n, 101 + n, 1.5, 1, 1, 150.0, 0.5, 3.0)
    return made


def traded(trades: list[Any]) -> tuple[CandleBoard, list[tuple[int, int, int, bool]], int]:
    """A board that has followed trades so many seconds apart, read in parts, and the trades with their times."""
    board, queues, now_ns = CandleBoard([instrument(0, "spot")]), empty_queues(1, prices=4, orders=4), START_NS
    made = []
    for place, (seconds, ticks, lots, is_sold) in enumerate(trades):
        now_ns += seconds * SECOND_NS
        tell_trade(queues, 0, ticks, lots, int(is_sold), 1, 2, now_ns)
        made.append((now_ns, ticks, lots, is_sold))
        if place % 3 == 0:
            board.follow(queues, now_ns)
    board.follow(queues, now_ns)
    return board, made, now_ns


@given(trades=TRADES, frame_ns=st.sampled_from([SECOND_NS, MINUTE_NS, 3 * MINUTE_NS, FIVE_NS, HOUR_NS]))
def test_every_frame_is_what_its_trades_make(trades: list[Any], frame_ns: int) -> None:
    board, made, _ = traded(trades)
    candles = board.candles(0, frame_ns, 0, 2**62, 10_000, newest=True)
    assert (np.diff(candles["opened_ns"]) == frame_ns).all(), "a candle without trades stands between the others"
    if frame_ns == SECOND_NS:
        candles = candles[candles["opened_ns"] >= made[-1][0] - 1_000 * SECOND_NS]
    for candle in candles:
        inside = [one for one in made if candle["opened_ns"] <= one[0] < candle["opened_ns"] + frame_ns]
        if not inside:
            assert candle["trades"] == 0 and candle["open"] == candle["high"] == candle["low"] == candle["close"]
            continue
        ticks = [one[1] for one in inside]
        assert (candle["open"], candle["high"], candle["low"], candle["close"]) == (ticks[0], max(ticks), min(ticks), ticks[-1])
        assert candle["trades"] == len(inside)
        assert abs(candle["volume"] - sum(one[2] for one in inside) / 100) < 1e-9
        assert abs(candle["taker_volume"] - sum(one[2] for one in inside if not one[3]) / 100) < 1e-9
        assert abs(candle["quote_volume"] - sum(one[1] * one[2] for one in inside) / 1_000) < 1e-9
    assert candles[-1]["opened_ns"] == made[-1][0] // frame_ns * frame_ns, "the newest one is there while it forms"


def test_the_past_goes_on_into_the_present() -> None:
    board, queues = CandleBoard([instrument(0, "spot")]), empty_queues(1, prices=4, orders=4)
    board.begin(0, past(100, FIVE_NS, START_NS - HOUR_NS), past(60, MINUTE_NS, START_NS))
    tell_trade(queues, 0, 777, 5, 0, 1, 2, START_NS + 10)
    board.follow(queues, START_NS + 20)
    fives = board.candles(0, FIVE_NS, 0, 2**62, 1_000, newest=True)
    assert len(fives) == 100 + 12 + 1 and (np.diff(fives["opened_ns"]) == FIVE_NS).all()
    assert (fives[-1]["open"], fives[-1]["close"], fives[-2]["close"]) == (777, 777, 160)
    hours = board.candles(0, HOUR_NS, START_NS - 2 * HOUR_NS, START_NS, 10, newest=False)
    assert [int(one["opened_ns"]) for one in hours] == [START_NS - 2 * HOUR_NS, START_NS - HOUR_NS]
    assert (int(hours[1]["open"]), int(hours[1]["close"]), float(hours[1]["volume"])) == (100, 160, 90.0)


@given(count=st.integers(1, 40), limit=st.integers(1, 10), newest=st.booleans(), first=st.integers(-5, 45), span=st.integers(0, 50))
def test_a_window_is_the_same_as_cut_out_of_all(count: int, limit: int, newest: bool, first: int, span: int) -> None:
    board = CandleBoard([instrument(0, "spot")])
    board.begin(0, past(count * 3, FIVE_NS, START_NS), past(0, MINUTE_NS, START_NS))
    frame_ns = 3 * FIVE_NS
    whole = board.candles(0, frame_ns, 0, 2**62, 10_000, newest=True)
    begin = int(whole[0]["opened_ns"]) + first * frame_ns + 7
    cut = whole[(whole["opened_ns"] >= begin) & (whole["opened_ns"] < begin + span * frame_ns)]
    wanted = cut[-limit:] if newest else cut[:limit]
    got = board.candles(0, frame_ns, begin, begin + span * frame_ns, limit, newest=newest)
    assert got.tolist() == wanted.tolist()


def test_a_hole_ends_a_candle_and_is_left_out() -> None:
    bars = np.concatenate([past(2, FIVE_NS, START_NS), past(3, FIVE_NS, START_NS + 2 * HOUR_NS)])
    made = resampled(bars, HOUR_NS)
    assert [int(one["opened_ns"]) for one in made] == [START_NS - HOUR_NS, START_NS + HOUR_NS]
    assert [float(one["volume"]) for one in made] == [3.0, 4.5] and len(resampled(bars[:0], HOUR_NS)) == 0


def test_what_is_kept_is_bounded() -> None:
    board = CandleBoard([instrument(0, "spot")], minutes=10, fives=2_000)
    for n in range(30):
        board.begin(0, past(0, FIVE_NS, START_NS), past(5, MINUTE_NS, START_NS + (n + 1) * FIVE_NS))
    minutes = board.candles(0, MINUTE_NS, 0, 2**62, 10_000, newest=True)
    assert 10 <= len(minutes) <= 20 and int(minutes[-1]["closed_ns"]) == START_NS + 30 * FIVE_NS
    assert len(board.candles(0, FIVE_NS, 0, 2**62, 10_000, newest=True)) == 30


def test_what_is_asked_costs_what_is_wanted_and_not_what_is_kept() -> None:
    board = CandleBoard([instrument(0, "spot")])
    board.begin(0, past(0, FIVE_NS, START_NS), past(60_000, MINUTE_NS, START_NS))
    queues = empty_queues(1, prices=4, orders=4)
    tell_trade(queues, 0, 60_100, 1, 0, 1, 2, START_NS)
    board.follow(queues, START_NS)
    for frame_ns in (MINUTE_NS, 3 * MINUTE_NS, FIVE_NS, HOUR_NS):
        asked = 0, frame_ns, 0, 2**62, 1
        board.candles(*asked, newest=True)
        tracemalloc.start()
        found = board.candles(*asked, newest=True)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(found) == 1 and most < 100 * 1_024, "the minutes that are kept take eight megabytes"
