"""Seconds of the order book as columns of the input: shares of what rests, signs that turn with the market, nothing where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.features.input_flow import take_row
from metastackerbandit.features.input_state import DEPTH, OFI, PULLED, QUEUE, InputState, empty_state
from metastackerbandit.market.bars import BAR_FRAMES

COLUMNS = [OFI, QUEUE, DEPTH, PULLED]
NUMBERS = st.tuples(*[st.integers(1, 99)] * 6, st.integers(-99, 99), st.integers(0, 9), st.integers(0, 9))


def told(second: int, numbers: tuple[int, ...], newest: int = 1_000, trusted: int = 1) -> InputState:
    """A state whose book stands at `newest`, once it has heard a second of these depths (1, 5, 20 of bids, then asks), flow and what was pulled."""
    state, row = empty_state(tuple(BAR_FRAMES.values())), rows(SecondRow, 1)
    state.course[0]["second"] = newest
    row["second"], row["is_trusted"], row["closed_ns"] = second, trusted, (second + 1) * 10**9
    names = ("bid_depth_1", "bid_depth_5", "bid_depth_20", "ask_depth_1", "ask_depth_5", "ask_depth_20", "ofi_1", "bid_pulled", "ask_pulled")
    for name, number in zip(names, numbers, strict=True):
        row[name] = number
    for name in ("bid_reach_5", "bid_reach_20", "ask_reach_5", "ask_reach_20"):
        row[name] = 5.0 if name.endswith("_5") else 20.0
    row["mid"], row["microprice"], row["spread_bps"], row["spread_mean_bps"] = 100.0, 100.0, 1.0, 1.0
    take_row(state, row, 0)
    return state


@given(NUMBERS)
def test_exchanging_the_sides_turns_every_sign(numbers: tuple[int, ...]) -> None:
    *depths, flow, bid_pulled, ask_pulled = numbers
    one = told(1_000, numbers).micro[1_000 % 300, COLUMNS]
    other = told(1_000, (*depths[3:], *depths[:3], -flow, ask_pulled, bid_pulled)).micro[1_000 % 300, COLUMNS]
    assert np.array_equal(one, -other, equal_nan=True)


def test_columns_are_shares_of_what_rests_and_stand_twice() -> None:
    state = told(1_000, (3, 10, 30, 1, 10, 10, 5, 2, 3))
    for place in (1_000 % 300, 1_000 % 300 + 300):
        assert state.micro[place, COLUMNS] == pytest.approx([0.25, 0.5, 0.5, -1.0])
    empty = told(1_000, (0, 10, 30, 0, 10, 10, 5, 2, 3)).micro[1_000 % 300]
    assert np.isnan(empty[QUEUE]) and empty[OFI] == 0.25


@pytest.mark.parametrize(("second", "newest", "trusted"), [(1_000, 1_000, 0), (1_001, 1_000, 1), (700, 1_000, 1), (5, 0, 1)])
def test_a_second_that_is_not_trusted_or_that_the_book_does_not_keep_is_left_out(second: int, newest: int, trusted: int) -> None:
    assert np.isnan(told(second, (1,) * 9, newest, trusted).micro).all()


def test_the_indicators_hear_it() -> None:
    heard = told(1_000, (3, 10, 30, 1, 10, 10, 5, 2, 3)).indicated.hearing
    assert heard["heard"]["seconds"][0] == 1 and told(1_000, (1,) * 9, trusted=0).indicated.hearing["heard"]["seconds"][0] == 0
