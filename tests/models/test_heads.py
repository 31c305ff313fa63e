"""Value heads: expected returns of a long and of a short, each linear in scaled features, under the contract of learners."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from msgspec.structs import replace

from metastackerbandit.models.heads import HeadFacts, Heads, lines_over
from metastackerbandit.models.packing import FACTS, sealed
from metastackerbandit.models.scaling import Scaler
from tests.covering import covers
from tests.models.by_hand import ROWS, plain, refused

SCALER = Scaler(np.array([0.5, -1.0]), np.array([2.0, 0.5]), 4.0)
HEADS = Heads(SCALER, np.array([[0.5, -0.25], [-0.375, 1.0]]), np.array([0.25, -0.125]), 1.5, "by hand")


@given(rows=ROWS)
def test_returns_are_linear_in_scaled_features(rows: np.ndarray) -> None:
    found = HEADS.predict(rows)
    assert found.shape == (len(rows), 2)
    assert found == pytest.approx(SCALER.applied(rows) @ HEADS.coefficients.T + HEADS.intercepts, abs=1e-12)


@given(rows=ROWS)
def test_the_kernel_gives_the_same_bits_without_compiling_and_row_by_row(rows: np.ndarray) -> None:
    again = np.empty((len(rows), 2))
    for i in range(len(rows)):
        plain(lines_over)(rows[i : i + 1], SCALER.centre, SCALER.per_unit, 4.0, HEADS.coefficients, HEADS.intercepts, again[i : i + 1])
    assert HEADS.predict(rows).tobytes() == again.tobytes()


def test_a_row_by_hand() -> None:
    """Scaled (1, 2): a long expects 1/4 + 1/2 - 2/4, a short -1/8 - 3/8 + 2."""
    assert HEADS.predict(np.array([[1.0, 3.0], [np.nan, np.nan]])).tolist() == [[0.25, 1.5], [0.25, -0.125]]


@covers("A19", "A20")
def test_heads_come_back_from_their_one_file() -> None:
    files = HEADS.pack()
    numbers = struct.pack("<4d", 0.5, -0.25, -0.375, 1.0), struct.pack("<2d", 0.25, -0.125)
    assert files == {FACTS: sealed(HeadFacts(SCALER.facts(), *numbers, 1.5, "by hand"))}
    again, rows = Heads.unpack(files), np.array([[1.0, 3.0], [0.3, np.nan]])
    assert (again.n_features, again.effective_dof, again.note) == (HEADS.n_features, HEADS.effective_dof, HEADS.note) == (2, 1.5, "by hand")
    assert again.predict(rows).tobytes() == HEADS.predict(rows).tobytes() and again.pack() == files


@covers("A19", "A20")
def test_rows_of_another_width_and_damaged_files_are_refused_in_their_name() -> None:
    with refused(r"rows of shape \(3, 1\) where \(N, 2\)", "heads"):
        HEADS.predict(np.zeros((3, 1)))
    with refused("not a whole HeadFacts", "heads"):
        Heads.unpack({FACTS: HEADS.pack()[FACTS][:-2]})
    short = Scaler(np.zeros(2), np.zeros(3), 8.0)
    for name, wrong, shape in (("coefficients", np.ones((3, 2)), r"\(2, 2\)"), ("intercepts", np.ones(3), r"\(2,\)"), ("scaler", short, r"\(2,\)")):
        with refused(f"are no float64 array of shape {shape}", "heads"):
            Heads.unpack(replace(HEADS, **{name: wrong}).pack())
