"""Trades that come twice count once: a broken feed that tells its last trades again makes the bars of one that was never broken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.market.bars import BROKEN, FOREIGN, LATE, TAKEN, take
from metastackerbandit.market.fresh_trades import AGAIN, OVERLAPS, HeardRow, take_new
from tests.market.tapes import DAY, one_symbol, state, tape, trade_at


@given(seed=st.integers(0, 10**6), count=st.integers(1, 150), breaks=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 40)), max_size=4))
@settings(max_examples=25)
def test_trades_that_are_told_again_leave_no_trace_but_their_count(seed: int, count: int, breaks: list[tuple[int, int]]) -> None:
    trades, plain, bars, heard = tape(seed, count), one_symbol(), one_symbol(), rows(HeardRow, 1)
    told, again = list(range(count)), 0
    for at, back in sorted(breaks, reverse=True):  # the feed breaks before `at`, and begins again some trades earlier
        at = min(at, count)
        told[at:at] = range(max(at - back, 0), at)
        again += at - max(at - back, 0)
    for trade in trades:
        take(plain, trade)
    verdicts = [take_new(bars, heard, trades[n]) for n in told]
    assert state(bars) == state(plain)
    assert (verdicts.count(AGAIN), heard[0]["again"], heard[0]["taken"], heard[0]["overlaps"]) == (again, again, count, 0)


@pytest.mark.parametrize(
    ("first_id", "last_id", "verdict"),
    [(4, 6, AGAIN), (6, 6, AGAIN), (5, 9, OVERLAPS), (7, 9, TAKEN), (900, 900, TAKEN), (-1, -1, TAKEN), (9, 8, BROKEN)],
)
def test_what_becomes_of_a_trade_after_trades_4_to_6(first_id: int, last_id: int, verdict: int) -> None:
    bars, heard = one_symbol(), rows(HeardRow, 1)
    assert take_new(bars, heard, trade_at(DAY, first_id=4, last_id=6)[0]) == TAKEN
    before = state(bars)
    assert take_new(bars, heard, trade_at(DAY + 1, first_id=first_id, last_id=last_id)[0]) == verdict
    assert (state(bars) == before) == (verdict in (AGAIN, OVERLAPS))
    assert heard[0]["last_id"] == (last_id if verdict == TAKEN and last_id > 0 else 6)
    assert (heard[0]["again"], heard[0]["overlaps"]) == (int(verdict == AGAIN), int(verdict == OVERLAPS))


def test_what_was_refused_does_not_stand_in_the_way_of_what_follows() -> None:
    bars, heard = one_symbol(), rows(HeardRow, 1)
    take_new(bars, heard, trade_at(DAY, first_id=10)[0])
    assert take_new(bars, heard, trade_at(DAY - 9 * SECOND_NS, first_id=10**18)[0]) == LATE
    assert take_new(bars, heard, trade_at(DAY, ticks=0, first_id=10**18)[0]) == BROKEN
    assert take_new(bars, heard, trade_at(DAY, first_id=11)[0]) == TAKEN


def test_instruments_have_numbers_of_their_own_and_nobody_s_trades_are_foreign() -> None:
    bars, heard = one_symbol(), rows(HeardRow, 1)
    assert take_new(bars, heard, trade_at(DAY, instrument=3)[0]) == FOREIGN and not np.any(heard["taken"])
    assert take_new(bars, heard, trade_at(DAY, instrument=-1)[0]) == FOREIGN
