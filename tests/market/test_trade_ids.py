"""Trades that come again are left out, by the one rule where ids rise and by the other where they only tell trades apart."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import TradeRow
from metastackerbandit.market.trade_ids import KEPT, empty_trade_ids, is_new, leave_out_old, remember
from tests.covering import covers


def trades_of(told: list[tuple[int, int]]) -> np.ndarray:
    """Trades of these instruments and ids; the price says which one it is."""
    made = rows(TradeRow, len(told) + 1)
    for place, (instrument, number) in enumerate(told):
        made[place]["instrument"], made[place]["first_id"], made[place]["last_id"], made[place]["ticks"] = instrument, number, number, place + 1
    return made


@given(told=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 30)), max_size=40), numbered=st.booleans())
def test_each_id_is_taken_once_in_the_order_of_arrival(told: list[tuple[int, int]], numbered: bool) -> None:
    seen, trades = empty_trade_ids(2, numbered=numbered), trades_of(told)
    expected, known = [], ({-1}, {-1})
    for place, (instrument, number) in enumerate(told):
        if number > max(known[instrument]) if numbered else number not in known[instrument]:
            expected.append(place + 1)
            known[instrument].add(number)
    kept = leave_out_old(seen, trades, len(told))
    assert [int(row["ticks"]) for row in trades[:kept]] == expected
    assert int(seen.row["again"].sum()) == len(told) - kept
    taken = [sorted(ids - {-1}) for ids in known]
    holes = sum(ids[-1] - ids[0] + 1 - len(ids) for ids in taken if ids)
    assert int(seen.row["missing"].sum()) == (holes if numbered else 0)
    assert [int(row["last_id"]) for row in trades[:kept]] == [told[place - 1][1] for place in expected]


@covers("2.030")
def test_what_a_venue_repeats_after_a_reconnect_is_left_out() -> None:
    seen = empty_trade_ids(1, numbered=True)
    assert leave_out_old(seen, trades_of([(0, 7), (0, 8), (0, 9)]), 3) == 3
    assert leave_out_old(seen, trades_of([(0, 8), (0, 9), (0, 10)]), 3) == 1


def test_a_sum_of_which_some_has_come_is_left_out_and_an_id_that_is_not_told_is_always_new() -> None:
    seen, trade = empty_trade_ids(1, numbered=True), trades_of([(0, 5)])[0]
    assert is_new(seen, trade) and is_new(seen, trade)  # until it is taken
    remember(seen, trade)
    trade["last_id"] = 8
    assert not is_new(seen, trade) and seen.row[0].again == 1
    trade["first_id"] = 6
    assert is_new(seen, trade)
    for numbered in (True, False):
        other, untold = empty_trade_ids(1, numbered=numbered), trades_of([(0, -1)])[0]
        for _ in range(2):
            assert is_new(other, untold)
            remember(other, untold)


def test_memory_of_ids_is_bounded_and_forgets_the_oldest() -> None:
    seen = empty_trade_ids(1, numbered=False)
    trades = trades_of([(0, number) for number in range(KEPT + 1)])
    assert leave_out_old(seen, trades, KEPT + 1) == KEPT + 1
    assert not is_new(seen, trades[1]) and not is_new(seen, trades[KEPT])
    assert is_new(seen, trades[0])
