"""Averages that forget: plain means first, the past scales the present, nothing known changes nothing; and a state in which nothing is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.features.averages import LEAST_VARIANCE
from metastackerbandit.features.input_schema import FRAMES_NS
from metastackerbandit.features.input_state import LEAST_SEEN, Spread, deviation, empty_state, score_then_take, take_square, take_value
from metastackerbandit.market.bars import BAR_FRAMES

SPAN = 100.0
values = st.lists(st.floats(-1e3, 1e3).map(lambda value: round(value, 3)), min_size=1, max_size=50)


def scores(given_values: list[float]) -> list[float]:
    spread = rows(Spread, 1)
    return [score_then_take(spread[0], value, SPAN) for value in given_values]


@given(values)
@settings(max_examples=30, deadline=None)
def test_mean_and_variance_are_the_plain_ones_for_half_a_span(seen: list[float]) -> None:
    spread, squares = rows(Spread, 2)
    for value in seen:
        take_value(spread, value, SPAN)
        take_square(squares, value, SPAN)
    assert spread["seen"] == squares["seen"] == len(seen)
    assert spread["centre"] == pytest.approx(np.mean(seen), abs=1e-9)
    assert spread["variance"] == pytest.approx(np.var(seen), rel=1e-9, abs=1e-7)
    assert squares["variance"] == pytest.approx(np.mean(np.square(seen)), rel=1e-9, abs=1e-9) and squares["centre"] == 0.0


@given(st.lists(st.floats(-9, 9), min_size=40, max_size=60), st.integers(0, 39))
@settings(max_examples=20, deadline=None)
def test_a_score_is_by_what_came_before_and_nothing_later(seen: list[float], cut: int) -> None:
    whole = scores(seen)
    assert np.array_equal(scores([*seen[: cut + 1], 1e6, -1e6])[: cut + 1], whole[: cut + 1], equal_nan=True)
    assert np.isnan(whole[:LEAST_SEEN]).all()
    past = np.array(seen[:LEAST_SEEN])
    if past.var() > 1e-6:
        assert whole[LEAST_SEEN] == pytest.approx((seen[LEAST_SEEN] - past.mean()) / past.std(), rel=1e-6, abs=1e-9)


@given(st.lists(st.floats(-9, 9), min_size=31, max_size=40), st.integers(0, 30))
@settings(max_examples=20, deadline=None)
def test_the_mirror_of_values_has_the_mirror_of_scores_and_an_unknown_one_changes_nothing(seen: list[float], place: int) -> None:
    plain = scores(seen)
    assert np.array_equal(scores([-value for value in seen]), [-score for score in plain], equal_nan=True)
    with_unknown = scores([*seen[:place], math.nan, *seen[place:]])
    assert math.isnan(with_unknown.pop(place)) and np.array_equal(with_unknown, plain, equal_nan=True)


def test_an_example_by_hand() -> None:
    """A span of 3 weighs by 1, 1/2, 1/2: 4, 8, 2 have the means 4, 6, 4 and the variances 0, 4, 6."""
    (spread,) = rows(Spread, 1)
    found = []
    for value in (4.0, 8.0, 2.0):
        take_value(spread, value, 3.0)
        found.append((float(spread["centre"]), float(spread["variance"])))
    assert found == [(4.0, 0.0), (6.0, 4.0), (4.0, 6.0)]
    (squares,) = rows(Spread, 1)
    for value in (2.0, 4.0, 6.0):
        take_square(squares, value, 3.0)
    assert squares["variance"] == 0.5 * (0.5 * 4 + 0.5 * 16) + 0.5 * 36


@pytest.mark.parametrize(
    ("seen", "variance", "expected"),
    [(LEAST_SEEN, 4.0, 2.0), (LEAST_SEEN - 1, 4.0, math.nan), (LEAST_SEEN, LEAST_VARIANCE, math.nan), (LEAST_SEEN, 0.0, math.nan)],
)
def test_a_deviation_is_known_once_enough_was_seen_and_something_moved(seen: int, variance: float, expected: float) -> None:
    (spread,) = rows(Spread, 1)
    spread["seen"], spread["variance"] = seen, variance
    assert deviation(spread) == pytest.approx(expected, nan_ok=True)


def test_at_first_nothing_is_known() -> None:
    state = empty_state(tuple(BAR_FRAMES.values()))
    assert tuple(state.frames) == FRAMES_NS and [tuple(BAR_FRAMES.values())[place] for place in state.places] == list(FRAMES_NS)
    for ring in (state.bar_rows, state.cob, state.heat, state.log_mids, state.micro, state.logs, state.indicated.values):
        assert np.isnan(ring).all()
    assert not state.points.any() and not state.indicated.valid.any() and not state.course["second"].any() and not state.bar_course["index"].any()
    assert state.cob.shape == (4, 600, 41) and state.bar_rows.dtype == np.float32
