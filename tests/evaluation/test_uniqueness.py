"""Uniqueness: whole for labels that stand alone, shared out among those that live together, and never more labels than there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.evaluation.uniqueness import average_uniqueness, design_effect, effective_count, sample_weights
from tests.covering import covers

SPANS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), min_size=1, max_size=60).map(
    lambda spans: (np.array([s for s, _ in spans]), np.array([s + length for s, length in spans]))
)


def by_definition(start: np.ndarray, end: np.ndarray, grid: int) -> np.ndarray:
    """Lopez de Prado's snippets 4.1 and 4.2, bar by bar."""
    lives = [range(int(s) // grid, max(-(-int(e) // grid), int(s) // grid + 1)) for s, e in zip(start, end, strict=True)]
    alive: dict[int, int] = {}
    for life in lives:
        for bar in life:
            alive[bar] = alive.get(bar, 0) + 1
    return np.array([np.mean([1 / alive[bar] for bar in life]) for life in lives])


@given(spans=SPANS, grid=st.integers(1, 9))
def test_it_is_the_mean_share_of_every_bar_of_a_label(spans, grid):
    start, end = spans
    assert average_uniqueness(start, end, grid) == pytest.approx(by_definition(start, end, grid), abs=1e-12)


@given(spans=SPANS, grid=st.integers(1, 9), seed=st.integers(0, 100))
def test_order_does_not_matter_and_every_label_counts_for_something_and_one_at_most(spans, grid, seed):
    start, end = spans
    own = average_uniqueness(start, end, grid)
    order = np.random.default_rng(seed).permutation(len(start))
    assert average_uniqueness(start[order], end[order], grid) == pytest.approx(own[order], abs=1e-12)
    assert (own > 0).all() and (own <= 1 + 1e-12).all()


@covers("K12")
@given(count=st.integers(1, 200), horizon=st.integers(1, 40))
def test_dense_labels_of_h_bars_count_as_one_in_h(count, horizon):
    start = np.arange(count) * 7
    own = average_uniqueness(start, start + 7 * horizon, 7)
    assert effective_count(own) == pytest.approx((count + horizon - 1) / horizon)  # the bars they cover, over h: n / h but for the ends
    inside = own[horizon - 1 : count - horizon + 1]
    assert inside == pytest.approx(np.full(len(inside), 1 / horizon))


@given(count=st.integers(1, 100), horizon=st.integers(1, 40))
def test_labels_that_do_not_overlap_are_their_own(count, horizon):
    start = np.arange(count) * horizon
    assert average_uniqueness(start, start + horizon, 1) == pytest.approx(np.ones(count))
    assert effective_count(average_uniqueness(start, start + horizon, 1)) == pytest.approx(count)


def test_far_apart_labels_need_no_memory_between_them() -> None:
    start = np.array([0, 10**18])
    assert average_uniqueness(start, start + 5, 1) == pytest.approx([1, 1])
    assert len(average_uniqueness(start[:0], start[:0], 1)) == 0


def test_twenty_symbols_that_move_together_are_worth_few() -> None:
    assert 20 / design_effect(20, 0.6) == pytest.approx(1.61, abs=0.01)
    assert design_effect(20, 0.0) == design_effect(20, -0.3) == design_effect(1, 0.9) == 1.0
    assert effective_count(np.full(100, 0.5), design_effect(2, 1.0)) == pytest.approx(25)


@given(spans=SPANS, half_life=st.integers(1, 400))
def test_weights_have_mean_one_and_halve_with_age(spans, half_life):
    start, end = spans
    own = average_uniqueness(start, end, 1)
    weights = sample_weights(own, start, 1_000, half_life)
    assert weights.mean() == pytest.approx(1)
    place = int(np.argmax(start))
    assert weights / weights[place] == pytest.approx(own / own[place] * 2.0 ** ((start - start[place]) / half_life))


def test_old_rows_fade_and_do_not_vanish_all_at_once() -> None:
    start = np.arange(3) * DAY_NS
    weights = sample_weights(np.ones(3), start, 10**6 * DAY_NS, DAY_NS)  # a million half-lives later
    assert weights == pytest.approx(np.array([1, 2, 4]) * 3 / 7)


def test_rows_from_the_future_and_labels_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(TrainingRefused, match="lies after"):
        sample_weights(np.ones(1), np.array([10 * DAY_NS]), 9 * DAY_NS, DAY_NS)
    with pytest.raises(TrainingRefused, match="ends before it starts"):
        average_uniqueness(np.array([5]), np.array([4]), 1)
