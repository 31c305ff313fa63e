"""An account by closed bar: one point a close, positions valued at it, every fill counted once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import DecisionRow, FillRow
from metastackerbandit.evaluation.account import equity_of, exposure_of, traded_of
from tests.markets import instrument

TWO = (instrument(), instrument(lot_size="0.01", min_quantity="0.01"))
UNITS = [one.rules().unit for one in TWO]


def decided(*given: tuple[int, int, int, int, int]) -> np.ndarray:
    """Decisions of (instrument, close time, position, close, equity)."""
    made = rows(DecisionRow, len(given))
    for row, one in zip(made, given, strict=True):
        row["instrument"], row["closed_ns"], row["position"], row["close"], row["equity"] = one
    return made


def filled(*given: tuple[int, int, int, int]) -> np.ndarray:
    """Fills of (instrument, time, lots, ticks)."""
    made = rows(FillRow, len(given))
    for row, one in zip(made, given, strict=True):
        row["instrument"], row["at_ns"], row["lots"], row["ticks"] = one
    return made


def test_the_last_decision_on_a_close_stands_for_it_also_when_it_came_late() -> None:
    times, money = equity_of(decided((0, 10, 0, 1, 100), (0, 20, 0, 1, 90), (1, 10, 0, 1, 101), (1, 20, 0, 1, 95)))
    assert times.tolist() == [10, 20] and money.tolist() == [101, 95]


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9), st.integers(-5, 5), st.integers(1, 50), st.integers(1, 999)), min_size=1, max_size=30)
)
def test_every_close_has_one_point_in_order_of_time(given: list[tuple[int, int, int, int, int]]) -> None:
    times, money = equity_of(decided(*given))
    assert times.tolist() == sorted({one[1] for one in given})
    assert [int(one) for one in money] == [[one[4] for one in given if one[1] == time][-1] for time in times]


def test_positions_count_with_their_side_from_their_first_decision_on() -> None:
    made = decided((0, 10, 3, 200, 1), (1, 20, -4, 50, 1), (0, 30, 0, 210, 1))
    times, equity = np.array([10, 20, 30]), np.array([1e9, 2e9, 4e9])
    first, second = 3 * 200 * UNITS[0], -4 * 50 * UNITS[1]
    assert exposure_of(TWO, made, times, equity) == pytest.approx([first / 1e9, (first + second) / 2e9, second / 4e9])
    assert exposure_of(TWO, made[:0], times, equity).tolist() == [0.0, 0.0, 0.0]


def test_a_fill_belongs_to_the_bar_that_closes_after_it_whichever_side_it_was() -> None:
    """One at a close belongs to the next bar: it traded at its open. What comes after the last close is counted in the last bar."""
    times, equity = np.array([10, 20, 30]), np.array([1e9, 1e9, 1e9])
    made = filled((0, 5, 2, 100), (0, 10, -2, 110), (1, 19, 7, 40), (1, 31, -7, 41))
    expected = [200 * UNITS[0], 220 * UNITS[0] + 280 * UNITS[1], 287 * UNITS[1]]
    assert traded_of(TWO, made, times, equity) == pytest.approx(np.array(expected) / 1e9)
    assert traded_of(TWO, made[:0], times, equity).tolist() == [0.0, 0.0, 0.0]
