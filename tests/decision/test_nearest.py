"""The nearest miss: what lacked least in units of each gate's own spread, and nothing before it is let in by what it needs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.nearest import DEVIATION, LIMIT, ONE, QUARTILES, scale_of
from metastackerbandit.domain.gate import BLOCK, PASS, UNKNOWN
from tests.covering import covers
from tests.decision.nearing import WISHES, a_record, asked, ranked


@given(WISHES)
def test_every_stopped_wish_is_ranked_once_and_no_other(wishes: list[tuple[float, float, float, int]]) -> None:
    record = a_record(wishes)
    misses = ranked(record)
    assert sorted(misses.places) == np.flatnonzero(record[0]["binding"] >= 0).tolist()
    assert np.all(np.diff(misses.distances[np.isfinite(misses.distances)]) >= 0) and np.all(misses.distances >= 0)


@given(WISHES)
def test_what_the_nearest_miss_needs_lets_in_nothing_before_it(wishes: list[tuple[float, float, float, int]]) -> None:
    decided, seen, limit, verdict = record = a_record(wishes)
    misses = ranked(record)
    if not len(misses.places) or not math.isfinite(misses.distances[0]):
        return
    best = int(misses.places[0])
    loosened = limit.copy()
    for g in np.flatnonzero(verdict[best] == BLOCK):
        loosened[:, g] = seen[best, g]
    passes = (asked(seen, loosened) == PASS).all(axis=1)
    assert passes[best]
    assert not passes[:best][decided["binding"][:best] >= 0].any()


@given(WISHES)
def test_mirrored_wishes_are_as_near(wishes: list[tuple[float, float, float, int]]) -> None:
    one, other = ranked(a_record(wishes)), ranked(a_record([(*wish[:3], -wish[3]) for wish in wishes]))
    assert one.places.tobytes() == other.places.tobytes() and one.distances.tobytes() == other.distances.tobytes()


@given(WISHES, st.sampled_from((2.0, 0.25, 1024.0)))
def test_the_unit_of_a_gate_does_not_matter(wishes: list[tuple[float, float, float, int]], factor: float) -> None:
    decided, seen, limit, verdict = record = a_record(wishes)
    units = np.array([factor, 1.0, 1.0])  # powers of two: exact
    one, other = ranked(record), ranked((decided, seen * units, limit * units, verdict))
    if one.scales[0].of != ONE:
        assert one.places.tobytes() == other.places.tobytes()


def test_of_several_gates_the_farthest_counts_and_the_earliest_wins_a_tie() -> None:
    wishes = [(1.0, 40.0, 0.0, 1), (1.0, 5.0, 0.0, 1), (3.0, 5.0, 0.0, 1), (5.0, 9.0, 0.0, 1), (1.0, 5.0, 0.0, 1)]
    misses = ranked(a_record(wishes))
    edge, spread = misses.scales[0].size, misses.scales[1].size
    assert misses.places.tolist() == [1, 4, 0]
    assert misses.distances.tolist() == pytest.approx([1.0 / edge, 1.0 / edge, 30.0 / spread])


@covers("A06")
def test_a_silent_model_and_missing_data_come_last_and_have_no_distance() -> None:
    record = a_record([(1.0, 5.0, 1.0, 1), (math.nan, 5.0, 0.0, 1), (-19.0, 30.0, 0.0, 1), (9.0, 1.0, 0.0, 1)])
    misses = ranked(record)
    assert misses.places.tolist() == [2, 0, 1] and np.isinf(misses.distances[1:]).all()
    assert ranked(record, lenient=("edge",)).places.tolist() == [1, 2, 0], "what may be unknown lacks nothing"


def test_narrowing_the_look_leaves_the_scales() -> None:
    record = a_record([(1.0, 5.0, 0.0, 1), (0.0, 5.0, 0.0, -1), (9.0, 1.0, 0.0, 1)])
    narrow = ranked(record, among=record[0]["side"] == -1)
    assert narrow.places.tolist() == [1] and narrow.scales == ranked(record).scales


@pytest.mark.parametrize(
    ("seen", "size", "of"),
    [
        ([0.0, 1.0, 2.0, 3.0, 4.0], 2.0, QUARTILES),
        ([1.0] * 7 + [2.0], 0.8, LIMIT),
        ([1.0] * 4, 0.8, LIMIT),
        ([0.5, math.inf], 0.8, LIMIT),
        ([], 1.0, ONE),
    ],
)
def test_a_scale_is_the_spread_or_what_comes_nearest_to_one(seen: list[float], size: float, of: str) -> None:
    """Rare exceptions have a spread that says how rare they are: an alpha of 0 nearly always is one limit away, and not a thousand spreads."""
    found = scale_of(np.array(seen), np.full(len(seen), 0.8), np.full(len(seen), PASS, np.int8))
    assert (found.size, found.of) == (pytest.approx(size), of)


def test_where_the_limit_is_nothing_too_the_mean_deviation_counts() -> None:
    found = scale_of(np.array([1.0] * 7 + [2.0]), np.zeros(8), np.full(8, PASS, np.int8))
    assert (found.size, found.of) == (0.125, DEVIATION)


def test_a_scale_is_taken_from_what_was_asked_and_known_alone() -> None:
    """Gates that were not asked, numbers that are infinite and limits that are not known leave the spread as it is."""
    seen = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 1e9, math.inf, 1e9])
    verdict = np.array([PASS, BLOCK, PASS, BLOCK, PASS, UNKNOWN, BLOCK, 0], np.int8)
    assert (found := scale_of(seen, np.full(8, 0.8), verdict)).size == 2.0 and found.values == 5
    same = np.full(4, 1.0)
    limits = np.array([0.8, math.inf, math.nan, 0.8])
    assert scale_of(same, limits, np.array([PASS, PASS, PASS, 0], np.int8)).size == 0.8
    alone = scale_of(same, np.full(4, math.nan), np.full(4, PASS, np.int8))
    assert (alone.size, alone.of, alone.values) == (1.0, ONE, 4)


def test_what_a_wish_lacked_is_zero_parts_apart_and_in_each_gate_s_own_scales() -> None:
    misses = ranked(a_record([(1.0, 40.0, 0.0, 1), (9.0, 2.0, 0.0, 1), (3.0, 12.0, 0.0, 1)]))
    edge, spread = misses.scales[0].size, misses.scales[1].size
    assert misses.places.tolist() == [2, 0]
    assert misses.parts[1].tolist() == pytest.approx([1.0 / edge, 30.0 / spread, math.nan], nan_ok=True)
    assert misses.parts[0].tolist() == pytest.approx([math.nan, 2.0 / spread, math.nan], nan_ok=True)


def test_a_number_beyond_all_measure_is_farther_than_any_other() -> None:
    misses = ranked(a_record([(-1.7e308, 1.0, 0.0, 1), (1.0, 1.0, 0.0, 1), (-math.inf, 1.0, 0.0, 1)]))
    assert misses.places.tolist()[0] == 1 and math.isinf(misses.distances[-1])
