"""Persistence follows the sign of one past return, and knows nothing where there is none."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import replace

from metastackerbandit.models.packing import FACTS, sealed
from metastackerbandit.models.persistence import AFTER_FALL, AFTER_RISE, OTHERWISE, PersistenceFacts, turns, unpack
from tests.covering import covers
from tests.models.by_hand import PERSISTENCE, ROWS, facts_of, refused

TABLE = struct.pack("<9d", 0.5, 0.3, 0.2, 0.3, 0.4, 0.3, 0.1, 0.3, 0.6)


@given(past=arrays(np.float64, st.integers(0, 8), elements=st.one_of(st.sampled_from([0.0, -0.0, np.nan, 5e-324, -5e-324]), st.floats(-9.0, 9.0))))
def test_a_row_of_the_table_for_a_fall_nothing_and_a_rise(past: np.ndarray) -> None:
    places = {-1.0: AFTER_FALL, 0.0: OTHERWISE, 1.0: AFTER_RISE}
    assert turns(past).tolist() == [places[float(np.nan_to_num(np.sign(x)))] for x in past]


def test_persistence_by_hand() -> None:
    rows = np.array([[9.0, -1e-9], [9.0, 0.0], [9.0, np.nan], [-9.0, 1e-9]])
    assert PERSISTENCE.predict(rows).tolist() == [[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.3, 0.4, 0.3], [0.1, 0.3, 0.6]]


@given(rows=ROWS)
def test_only_its_column_counts(rows: np.ndarray) -> None:
    first = replace(PERSISTENCE, place=0)
    assert np.array_equal(first.predict(rows), PERSISTENCE.predict(rows[:, ::-1]))


@covers("A19")
def test_it_comes_back_from_its_one_file() -> None:
    files = PERSISTENCE.pack()
    assert files == {FACTS: sealed(PersistenceFacts(2, 1, "log_return_12", TABLE, 2.0, "by hand"))}
    again = unpack(files)
    assert facts_of(again) == facts_of(PERSISTENCE) == ("persistence", 2, 2.0, "by hand")
    assert (again.place, again.feature, again.table.tolist()) == (1, "log_return_12", PERSISTENCE.table.tolist()) and again.pack() == files
    assert unpack(replace(PERSISTENCE, place=0).pack()).place == 0


@covers("A20")
@pytest.mark.parametrize("place", [-1, 2, 3])
def test_a_column_that_rows_do_not_have_is_refused(place: int) -> None:
    with refused(f"'facts' is damaged: column {place} of 2", "persistence"):
        unpack(replace(PERSISTENCE, place=place).pack())


@covers("A19", "A20")
def test_rows_of_another_width_and_damaged_files_are_refused_in_its_name() -> None:
    with refused(r"rows of shape \(1, 3\)", "persistence"):
        PERSISTENCE.predict(np.zeros((1, 3)))
    with refused("not a whole PersistenceFacts", "persistence"):
        unpack({FACTS: PERSISTENCE.pack()[FACTS][:-1]})
    with refused(r"16 bytes are no float64 array of shape \(3, 3\)", "persistence"):
        unpack(replace(PERSISTENCE, table=np.ones(2)).pack())
