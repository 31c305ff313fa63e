"""Features in comparable units: the distance from the median in spreads, cut; what is missing or not used counts as the median."""

from __future__ import annotations

import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.models.scaling import Scaler, ScalerFacts, scale_over, scaled, scaler_of
from tests.covering import covers
from tests.models.by_hand import ROWS, SCALER, plain, refused

NUMBERS = st.floats(-1e150, 1e150)


@given(value=NUMBERS, centre=NUMBERS, per_unit=st.floats(1e-6, 1e6), most=st.floats(0.1, 100.0))
def test_a_value_is_its_distance_in_spreads_and_never_beyond_the_bound(value: float, centre: float, per_unit: float, most: float) -> None:
    assert scaled(value, centre, per_unit, most) == np.clip((value - centre) * per_unit, -most, most)
    assert scaled(-value, -centre, per_unit, most) == -scaled(value, centre, per_unit, most)


@covers("A21", "A22")
@given(value=st.one_of(NUMBERS, st.just(np.nan)), centre=NUMBERS)
def test_what_is_missing_or_of_an_unused_column_is_the_median(value: float, centre: float) -> None:
    assert scaled(value, centre, 0.0, 8.0) == 0.0 == scaled(np.nan, centre, 2.0, 8.0)
    assert scaled(centre, centre, 2.0, 8.0) == 0.0


@covers("A22")
def test_scaling_by_hand() -> None:
    rows = np.array([[1.5, 3.0], [np.nan, 3.0], [100.0, 3.0], [-100.0, np.nan]])
    assert np.array_equal(SCALER.applied(rows), [[1.0, 0.0], [0.0, 0.0], [8.0, 0.0], [-8.0, 0.0]])
    unused = Scaler(np.array([1e308]), np.array([0.0]), 8.0)
    assert unused.applied(np.array([[-1e308]]))[0, 0] == 0.0  # their difference is infinite


@given(rows=ROWS)
def test_rows_are_scaled_value_by_value_and_left_alone(rows: np.ndarray) -> None:
    both = Scaler(np.array([0.5, -2.0]), np.array([2.0, 0.25]), 3.0)
    before = rows.copy()
    out = both.applied(rows)
    assert np.array_equal(rows, before, equal_nan=True) and out.shape == rows.shape
    assert out.tolist() == [[scaled(row[j], both.centre[j], both.per_unit[j], 3.0) for j in range(2)] for row in rows]


@given(rows=ROWS)
def test_the_kernel_gives_the_same_bits_without_compiling(rows: np.ndarray) -> None:
    out = np.empty_like(rows)
    plain(scale_over)(rows, SCALER.centre, SCALER.per_unit, SCALER.most, out)
    assert out.tobytes() == SCALER.applied(rows).tobytes()


def test_a_scaler_is_stored_as_doubles_and_comes_back() -> None:
    facts = SCALER.facts()
    assert facts == ScalerFacts(2, struct.pack("<2d", 1.0, 10.0), struct.pack("<2d", 2.0, 0.0), 8.0)
    again = scaler_of(facts, "here")
    assert (again.centre.tolist(), again.per_unit.tolist(), again.most) == ([1.0, 10.0], [2.0, 0.0], 8.0)


@covers("A20")
@pytest.mark.parametrize("name", ["centre", "per_unit"])
def test_a_scaler_whose_columns_are_of_another_count_is_refused(name: str) -> None:
    with refused(r"24 bytes are no float64 array of shape \(2,\)", "here"):
        scaler_of(msgspec.structs.replace(SCALER.facts(), **{name: bytes(24)}), "here")
