"""Candles in the venue's intervals: they tile time, weeks begin on Monday, months are the calendar's."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import DAY_NS, SECOND_NS
from metastackerbandit.practice.binance.klines import INTERVALS, candles_of, closed_at, first_trade_from, opened_at
from metastackerbandit.simulation.candle_board import CandleBoard
from metastackerbandit.simulation.queues import empty_queues, tell_trade
from tests.practice.walking import instruments
from tests.simulation.test_candle_board import past

TIMES = st.integers(0, 4 * 10**18)


@given(st.sampled_from(INTERVALS), TIMES)
def test_every_time_lies_in_one_candle_and_candles_follow_each_other(interval: str, at_ns: int) -> None:
    opened = opened_at(interval, at_ns)
    closed = closed_at(interval, opened)
    assert opened <= at_ns < closed
    assert opened_at(interval, opened) == opened == opened_at(interval, closed - 1)
    assert opened_at(interval, closed) == closed


@given(TIMES)
def test_weeks_begin_on_monday_and_months_on_the_first(at_ns: int) -> None:
    week, month = (datetime.fromtimestamp(opened_at(one, at_ns) // SECOND_NS, UTC) for one in ("1w", "1M"))
    assert week.weekday() == 0 and month.day == 1 and (week.hour, month.hour) == (0, 0)


@pytest.mark.parametrize("interval", ["1w", "1M"])
def test_long_candles_are_the_days_in_them(interval: str) -> None:
    board = CandleBoard(instruments("spot"))
    end_ns = 1_700_006_400 * SECOND_NS
    board.begin(0, past(70 * 288, 300 * SECOND_NS, end_ns), past(0, 60 * SECOND_NS, end_ns))
    days = candles_of(board, 0, "1d", 0, 2**62, 1_000, newest=True)
    long = candles_of(board, 0, interval, 0, 2**62, 1_000, newest=True)
    assert len(days) == 70 and len(long) == (11 if interval == "1w" else 3)
    for one in long:
        inside = days[(days["opened_ns"] >= one["opened_ns"]) & (days["opened_ns"] < closed_at(interval, int(one["opened_ns"])))]
        assert (one["open"], one["close"]) == (inside["open"][0], inside["close"][-1])
        assert (one["high"], one["low"]) == (inside["high"].max(), inside["low"].min())
        assert np.isclose(one["volume"], inside["volume"].sum()) and one["trades"] == inside["trades"].sum()
    assert len(candles_of(board, 0, interval, int(long["opened_ns"][1]), 2**62, 2, newest=False)) == 2
    assert candles_of(board, 0, interval, end_ns + DAY_NS * 60, 2**62, 2, newest=False).size == 0


END_NS = 1_700_006_400 * SECOND_NS


class Counted(CandleBoard):
    """A board of so many days that counts the candles that it gave."""

    def __init__(self, days: int) -> None:
        super().__init__(instruments("spot"))
        self.begin(0, past(days * 288, 300 * SECOND_NS, END_NS), past(0, 60 * SECOND_NS, END_NS))
        self.given = 0

    def candles(self, s: int, frame_ns: int, from_ns: int, to_ns: int, limit: int, *, newest: bool) -> np.ndarray:
        """Counted."""
        found = super().candles(s, frame_ns, from_ns, to_ns, limit, newest=newest)
        self.given += len(found)
        return found


BOARD = Counted(120)
AT = st.one_of(st.integers(END_NS - 130 * DAY_NS, END_NS + 40 * DAY_NS), st.sampled_from([0, 2**62, 2**53 * 10**6]))


@given(st.sampled_from(["1w", "1M"]), AT, AT, st.integers(1, 25), st.booleans())
def test_long_candles_of_a_span_are_those_of_the_whole_history_in_it(interval: str, from_ns: int, to_ns: int, limit: int, newest: bool) -> None:
    every = candles_of(BOARD, 0, interval, 0, 2**62, 1_000, newest=True)
    wanted = every[[from_ns <= int(opened_ns) < to_ns for opened_ns in every["opened_ns"]]]
    found = candles_of(BOARD, 0, interval, from_ns, to_ns, limit, newest=newest)
    assert np.array_equal(found, wanted[-limit:] if newest else wanted[:limit])


@pytest.mark.parametrize(("interval", "days"), [("1w", 7), ("1M", 31)])
def test_the_candle_that_forms_is_made_of_its_own_days_however_long_the_history_is(interval: str, days: int) -> None:
    boards = [Counted(count) for count in (60, 300)]
    made = [candles_of(board, 0, interval, opened_at(interval, END_NS - 1), 2**62, 1_000, newest=False) for board in boards]
    assert len(made[0]) == len(made[1]) == 1 and 0 < boards[0].given == boards[1].given <= days


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 120))
def test_the_first_trade_of_a_time_is_found(steps: list[int], at_ns: int) -> None:
    queues, now_ns, times = empty_queues(1, trades=16), 0, []
    for step in steps:
        now_ns += step
        times.append(now_ns)
        tell_trade(queues, 0, 100, 1, 0, 0, 0, now_ns)
    known = [number for number, told in enumerate(times, 1) if told >= at_ns and number > len(times) - 16]
    assert first_trade_from(queues, 0, at_ns) == (known[0] if known else len(times) + 1)
