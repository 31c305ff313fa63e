"""The newest two pivots of each side and level, as the batch finds them; told from the close, in moves of the frame, and mirrored alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.features.input_pivots import AT, LOG_PRICE, NEWEST, PRIOR_POINT, TREND, take_swing, write_pivots
from metastackerbandit.features.input_state import LEAST_SEEN, InputState, empty_state
from metastackerbandit.market.bars import BAR_FRAMES
from metastackerbandit.market.pivots import CELLS, COUNT, LAST, LEVELS, PRIOR, pivots_of, swing_of

TURN = 2_000  # prices p and 2,000 - p
courses = st.lists(st.tuples(st.integers(900, 1_100), st.integers(0, 30)), min_size=1, max_size=120).map(
    lambda bars: [(low + more, low) for low, more in bars]
)


def swings(bars: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    cells, points = np.zeros(CELLS, np.int64), np.zeros((LEVELS, 2, 2, 2))
    for at, (high, low) in enumerate(bars, start=1):
        take_swing(cells, points, high, low, at)
    return cells, points


@given(courses)
@settings(max_examples=30, deadline=None)
def test_points_are_the_newest_two_pivots_of_the_batch(bars: list[tuple[int, int]]) -> None:
    _, points = swings(bars)
    found = pivots_of(np.array([high for high, _ in bars]), np.array([low for _, low in bars]))
    for level in range(LEVELS):
        for side, sign in enumerate((1, -1)):
            mine = [(math.log(one["price"]), one["at"] + 1) for one in found if one["level"] == level + 1 and one["side"] == sign]
            for which, place in ((NEWEST, -1), (PRIOR_POINT, -2)):
                expected = mine[place] if len(mine) >= -place else (0.0, 0.0)
                assert points[level, side, which].tolist() == pytest.approx(expected)


@given(courses, courses)
@settings(max_examples=20, deadline=None)
def test_later_bars_never_move_a_pivot_that_was_confirmed(bars: list[tuple[int, int]], later: list[tuple[int, int]]) -> None:
    _, points = swings(bars)
    _, after = swings([*bars, *later])
    for level, side in np.ndindex(LEVELS, 2):
        at = points[level, side, NEWEST, AT]
        if at > 0 and at not in after[level, side, :, AT]:
            assert after[level, side, PRIOR_POINT, AT] > at  # two newer ones stand in its place


@given(courses)
@settings(max_examples=20, deadline=None)
def test_highs_and_lows_change_places_in_the_mirror(bars: list[tuple[int, int]]) -> None:
    _, points = swings(bars)
    _, other = swings([(TURN - low, TURN - high) for high, low in bars])
    assert np.array_equal(other[:, ::-1, :, AT], points[..., AT])
    there = points[..., AT] > 0
    assert np.exp(other[:, ::-1, :, LOG_PRICE][there]) == pytest.approx(TURN - np.exp(points[..., LOG_PRICE][there]))


def test_an_example_by_hand() -> None:
    """The high of 12 in bar 2 is confirmed by bar 3, the low of 4 in bar 4 by bar 5; bar 6 lies within bar 5 and counts for nothing."""
    bars = [(10, 5), (12, 7), (11, 6), (9, 4), (13, 8), (12, 9)]
    assert not swings(bars[:2])[1].any()
    assert swings(bars[:3])[1][0, 0, NEWEST].tolist() == [math.log(12), 2.0]
    _, points = swings(bars)
    assert points[0, 1, NEWEST].tolist() == [math.log(4), 4.0] and points[0, 0, NEWEST, AT] == 2 and not points[1:].any()


def scene(points: np.ndarray, log_close: float = 0.0, seen: int = LEAST_SEEN) -> InputState:
    """A state with these points, whose returns have the deviation 0.5."""
    state = empty_state(tuple(BAR_FRAMES.values()))
    state.points[:] = points
    course = state.bar_course[0]
    course["log_close"], course["known_ns"] = log_close, 77
    course["returns"]["seen"], course["returns"]["variance"] = seen, 0.25
    return state


def written(state: InputState, now: int) -> tuple[np.ndarray, np.ndarray, int]:
    out, valid = np.full((LEVELS, 9), 9.0, np.float32), np.ones((LEVELS, 9), np.bool_)
    known_ns = write_pivots(state, now, out, valid)
    assert np.array_equal(valid, ~np.isnan(out))  # what is masked is NaN, and nothing else is
    return out, valid, known_ns


@given(st.lists(st.floats(-2, 2), min_size=4 * LEVELS, max_size=4 * LEVELS), st.lists(st.booleans(), min_size=4 * LEVELS, max_size=4 * LEVELS))
@settings(max_examples=20, deadline=None)
def test_the_block_of_the_mirrored_market_is_the_mirrored_block(logs: list[float], there: list[bool]) -> None:
    points = np.zeros((LEVELS, 2, 2, 2))
    points[..., LOG_PRICE] = np.array(logs).reshape(LEVELS, 2, 2)
    points[..., AT] = np.where(np.array(there).reshape(LEVELS, 2, 2), np.arange(4 * LEVELS).reshape(LEVELS, 2, 2) + 1.0, 0.0)
    one, _, _ = written(scene(points, 0.5), 100)
    points[..., LOG_PRICE] *= -1.0
    other, _, _ = written(scene(points[:, ::-1], -0.5), 100)
    signs = np.array([-1, 1, -1, 1], np.float32)
    assert np.array_equal(other[:, 4:8], one[:, :4] * signs, equal_nan=True) and np.array_equal(other[:, :4], one[:, 4:8] * signs, equal_nan=True)


def test_pivots_are_told_in_moves_that_double_by_level_and_by_their_age() -> None:
    points = np.zeros((LEVELS, 2, 2, 2))
    points[0, 0, NEWEST] = (2.0, 90)
    points[1, 1, PRIOR_POINT] = (-1.0, 100)
    out, valid, known_ns = written(scene(points, log_close=1.0), 100)
    assert known_ns == 77 and out[0, :2].tolist() == pytest.approx([1.0, math.log1p(10)])  # (2 - 1) / (2 * 0.5)
    assert out[1, 6:8].tolist() == pytest.approx([-1.0, 0.0])  # (-1 - 1) / (4 * 0.5), in the bar itself
    assert valid.sum() == 4
    out, valid, _ = written(scene(points, seen=LEAST_SEEN - 1), 100)
    assert valid.sum() == 2 and out[0, 1] == pytest.approx(math.log1p(10))  # without a known move only ages are told


@pytest.mark.parametrize(("moved", "trend"), [(1, 1.0), (-1, -1.0), (0, 0.0)])
def test_a_trend_needs_two_pivots_of_each_side(moved: int, trend: float) -> None:
    state = scene(np.zeros((LEVELS, 2, 2, 2)))
    for start, price in ((swing_of(2, 1), 1_000), (swing_of(2, -1), -900)):
        state.cells[start + PRIOR], state.cells[start + LAST] = price, price + (moved if price > 0 else -moved)
        state.cells[start + COUNT] = 2
    out, valid, _ = written(state, 10)
    assert out[2, TREND] == trend and valid.sum() == 1
    state.cells[swing_of(2, -1) + COUNT] = 1
    assert not written(state, 10)[1].any()
