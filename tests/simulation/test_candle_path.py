"""A candle's path: its four prices, volume and buyers' part are exact, whatever is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.simulation.candle_path import PARTS, CandleTicks, lay_path
from metastackerbandit.simulation.chance import ChanceRow, chance_of

SECONDS = 60
LOTS = st.one_of(st.integers(0, 12), st.integers(0, 10**12))


@st.composite
def candles(draw: Any, lots: st.SearchStrategy[int] = LOTS) -> CandleTicks:
    """A candle as venues tell them."""
    low = draw(st.integers(1, 10**7))
    high = low + draw(st.one_of(st.integers(0, 3), st.integers(0, 10**6)))
    within, many = st.integers(low, high), draw(lots)
    return CandleTicks(draw(within), high, low, draw(within), many, draw(st.one_of(st.just(-1), st.integers(0, many))))


def path_of(candle: CandleTicks, seed: int) -> np.ndarray:
    """A candle's seconds (60, 3) of ticks, lots bought, lots sold."""
    path = np.full((SECONDS, PARTS), -7, np.int64)  # what stood there before
    lay_path(row(chance_of(seed, "candles"))[0], row(candle)[0], path)
    return path


def traded_of(path: np.ndarray) -> np.ndarray:
    """The prices at which something is traded, in order."""
    return path[path[:, 1] + path[:, 2] > 0, 0]


@given(candle=candles(), seed=st.integers(0, 10**6))
def test_its_volume_and_its_buyers_are_exact_and_it_stays_within_the_candle(candle: CandleTicks, seed: int) -> None:
    path = path_of(candle, seed)
    assert (path[:, 1:] >= 0).all() and path[:, 1:].sum() == candle.lots
    assert path[:, 1].sum() == (candle.bought if candle.bought >= 0 else candle.lots // 2)
    assert (path[0, 0], path[-1, 0], path[:, 0].min(), path[:, 0].max()) == (candle.open, candle.close, candle.low, candle.high)


@given(candle=candles(st.integers(4, 10**12)), seed=st.integers(0, 10**6))
@example(candle=CandleTicks(5, 9, 1, 5, 4, 0), seed=1)
def test_four_lots_are_enough_to_trade_at_all_four_prices(candle: CandleTicks, seed: int) -> None:
    traded = traded_of(path_of(candle, seed))
    assert (traded[0], traded.max(), traded.min(), traded[-1]) == (candle.open, candle.high, candle.low, candle.close)


@given(candle=candles(st.integers(1, 3)), seed=st.integers(0, 10**6))
def test_a_thin_candle_trades_at_its_close_and_then_at_its_open(candle: CandleTicks, seed: int) -> None:
    traded = traded_of(path_of(candle, seed))
    assert len(traded) <= candle.lots and traded[-1] == candle.close
    assert candle.lots == 1 or traded[0] == candle.open


def test_a_candle_without_volume_is_not_traded() -> None:
    assert len(traded_of(path_of(CandleTicks(5, 9, 1, 5, 0, 0), 1))) == 0


def test_the_nearer_extreme_mostly_comes_first() -> None:
    candle, first = CandleTicks(90, 100, 0, 50, 100, 50), 0
    for seed in range(400):
        path = path_of(candle, seed)[:, 0]
        first += int(np.argmax(path)) < int(np.argmin(path))
    assert 0.86 < first / 400 < 0.94, "the high, at a chance of nine in ten"


def test_a_seed_is_one_path_and_candles_in_turn_draw_on() -> None:
    candle = CandleTicks(90, 100, 80, 95, 10_000, 4_000)
    assert np.array_equal(path_of(candle, 7), path_of(candle, 7)) and not np.array_equal(path_of(candle, 7), path_of(candle, 8))
    chance, given_candles, paths = row(chance_of(7, "candles")), rows(CandleTicks, 1), np.zeros((2, SECONDS, PARTS), np.int64)
    given_candles[0] = (90, 100, 80, 95, 10_000, 4_000)
    for path in paths:
        lay_path(chance[0], given_candles[0], path)
    assert np.array_equal(paths[0], path_of(candle, 7)) and not np.array_equal(paths[0], paths[1])
    assert chance.dtype.names == ChanceRow.__struct_fields__
