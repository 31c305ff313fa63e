"""What every learner asks of its rows: the width of its card, no infinite feature, and memory that kernels are compiled for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from metastackerbandit.models.learner import checked, first_infinite
from tests.covering import covers
from tests.models.by_hand import refused

TABLES = array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=5)
SOME = st.sampled_from([0.0, -1.5, 1e300, np.nan, np.nan, np.inf, -np.inf])


@given(rows=arrays(np.float64, TABLES, elements=SOME))
def test_the_first_infinite_value_is_found_row_by_row(rows: np.ndarray) -> None:
    places = np.flatnonzero(np.isinf(rows))
    assert first_infinite(rows) == (places[0] if len(places) else -1)


@given(rows=arrays(np.float64, TABLES, elements=st.sampled_from([0.0, -1.5, 1e300, np.nan])))
def test_rows_pass_with_their_gaps_as_kernels_want_them(rows: np.ndarray) -> None:
    frozen = rows.copy()
    frozen.flags.writeable = False
    for given_ in (rows, np.asfortranarray(rows), frozen, rows[::-1][::-1]):
        found = checked(given_, rows.shape[1], "here")
        assert np.array_equal(found, rows, equal_nan=True)
        assert found.dtype == np.float64 and found.flags.c_contiguous and found.flags.writeable
    assert checked(rows, rows.shape[1], "here") is rows


def test_other_numbers_become_doubles() -> None:
    for kind in (np.float32, np.int64, ">f8"):
        found = checked(np.array([[1, 2], [3, 4]], kind), 2, "here")
        assert found.dtype == np.float64 and found.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@covers("A19")
@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 3), (0, 3), (1, 3, 2), ()])
def test_rows_of_another_shape_are_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    with refused(rf"rows of shape \({str(shape)[1:-1]}\) where \(N, 2\) is expected", "here"):
        checked(np.zeros(shape), 2, "here")


@pytest.mark.parametrize("place", [(0, 0), (0, 2), (1, 0), (2, 1)])
def test_an_infinite_feature_is_refused_by_its_place(place: tuple[int, int]) -> None:
    rows = np.zeros((3, 3))
    rows[place] = -np.inf
    with refused(f"feature {place[1]} of row {place[0]} is infinite", "here"):
        checked(rows, 3, "here")
