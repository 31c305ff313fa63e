"""Contexts: terciles of volatility that follow the market, by the sign of the trend; what is not known is none and teaches nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.stacking.context import CELLS, NO_CELL, Terciles, cell_of, observe_volatility

LEVELS = st.lists(st.floats(-8.0, 2.0), min_size=1, max_size=40)


def followed(levels: list[float], step: float = 2.0, memory: int = 2_000) -> Any:
    terciles = rows(Terciles, 1)[0]
    for level in levels:
        observe_volatility(terciles, math.exp(level), step, memory)
    return terciles


def test_contexts_are_terciles_of_volatility_by_sign_of_trend() -> None:
    rng, terciles = np.random.default_rng(3), rows(Terciles, 1)
    assert cell_of(terciles[0], 0.01, 1.0) == NO_CELL
    volatility = np.exp(rng.normal(-5.0, 0.6, 12_000))
    cells = []
    for value in volatility:
        observe_volatility(terciles[0], value, 2.0, 2_000)
        cells.append(int(cell_of(terciles[0], value, rng.normal())))
    shares = np.bincount(cells[4_000:], minlength=CELLS) / 8_000
    assert shares == pytest.approx(np.full(6, 1 / 6), abs=0.02)
    assert terciles[0].low == pytest.approx(-5.0 - 0.6 * 0.4307, abs=0.08) and terciles[0].high == pytest.approx(-5.0 + 0.6 * 0.4307, abs=0.08)


@given(levels=LEVELS, memory=st.integers(1, 20), step=st.floats(0.1, 4.0))
def test_each_bar_moves_a_tercile_up_by_its_share_or_down_by_the_rest_at_a_pace_that_gets_steady(
    levels: list[float], memory: int, step: float
) -> None:
    terciles = rows(Terciles, 1)[0]
    for n, level in enumerate(levels, 1):
        low, high = (math.log(math.exp(level)),) * 2 if n == 1 else (float(terciles.low), float(terciles.high))
        observe_volatility(terciles, math.exp(level), step, memory)
        pace = step / min(n, memory)
        level = math.log(math.exp(level))
        assert terciles.seen == n
        assert terciles.low - low == pytest.approx(pace * (1 / 3 if level > low else -2 / 3))
        assert terciles.high - high == pytest.approx(pace * (2 / 3 if level > high else -1 / 3))


def test_the_first_bars_by_hand() -> None:
    """From 0 by 2/1 down, for equal is below: 2/3 and 1/3 of it; then by 2/2 up both; then by 2/2, the steady pace, one up and one down."""
    for count, low, high in ((1, -4 / 3, -2 / 3), (2, -1.0, 0.0), (3, -2 / 3, -1 / 3)):
        terciles = followed([0.0, 0.0, -0.5][:count], memory=2)
        assert (terciles.seen, terciles.low, terciles.high) == pytest.approx((count, low, high))


def test_unknown_volatility_or_trend_is_no_context_and_teaches_nothing() -> None:
    terciles = rows(Terciles, 1)
    for value in (0.01, 0.02, 0.03):
        observe_volatility(terciles[0], value, 2.0, 2_000)
    before = terciles.tobytes()
    for value in (math.nan, 0.0, -1.0, math.inf):
        observe_volatility(terciles[0], value, 2.0, 2_000)
    assert terciles.tobytes() == before
    for value in (math.nan, 0.0, -1.0):
        assert cell_of(terciles[0], value, 1.0) == NO_CELL
    assert NO_CELL == cell_of(terciles[0], 0.01, math.nan) == cell_of(rows(Terciles, 1)[0], 0.01, 1.0)
    assert cell_of(terciles[0], 0.02, -1.0) + 3 == cell_of(terciles[0], 0.02, 0.0)


@pytest.mark.parametrize(("trend", "first"), [(-1e-300, 0), (-5.0, 0), (0.0, 3), (-0.0, 3), (5.0, 3)])
def test_a_level_on_a_tercile_is_below_it(trend: float, first: int) -> None:
    terciles = row(Terciles(1, 0.0, 1.0))[0]
    found = [cell_of(terciles, volatility, trend) for volatility in (0.5, 1.0, 1.0000001, math.e, 2.7182819, 9.0)]
    assert found == [first, first, first + 1, first + 1, first + 2, first + 2]


def test_of_crossed_terciles_the_upper_one_does_not_count() -> None:
    crossed = row(Terciles(1, 1.0, 0.0))[0]
    assert [cell_of(crossed, math.exp(level), 1.0) for level in (-0.5, 0.5, 1.5)] == [3, 3, 4]
    met = row(Terciles(1, 0.0, 0.0))[0]
    assert [cell_of(met, math.exp(level), 1.0) for level in (-0.5, 0.5)] == [3, 5]
