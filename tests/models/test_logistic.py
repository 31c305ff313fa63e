"""Logistic regression: log-odds that are linear in scaled features, the same for a row whatever stands beside it."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from msgspec.structs import replace
from scipy.special import softmax

from metastackerbandit.models.logistic import LogisticFacts, softmax_over, unpack
from metastackerbandit.models.packing import FACTS, sealed
from metastackerbandit.models.scaling import Scaler
from tests.covering import covers
from tests.models.by_hand import LOGISTIC, ROWS, facts_of, plain, refused

BOTH = Scaler(np.array([0.5, -1.0]), np.array([2.0, 0.5]), 4.0)
TWO = replace(LOGISTIC, scaler=BOTH, coefficients=np.array([[0.5, -0.25], [0.125, 0.5], [-0.5, 1.0]]), intercepts=np.array([0.25, -0.5, 0.0]))


@given(rows=ROWS)
def test_log_odds_are_linear_in_scaled_features(rows: np.ndarray) -> None:
    scaled = BOTH.applied(rows)
    expected = softmax(scaled @ TWO.coefficients.T + TWO.intercepts, axis=1)
    assert TWO.predict(rows) == pytest.approx(expected, abs=1e-12)


@given(rows=ROWS)
def test_the_kernel_gives_the_same_bits_without_compiling_and_row_by_row(rows: np.ndarray) -> None:
    numbers = (BOTH.centre, BOTH.per_unit, BOTH.most, TWO.coefficients, TWO.intercepts)
    raw, again = np.empty((len(rows), 3)), np.empty((len(rows), 3))
    softmax_over(rows, *numbers, raw)
    for i in range(len(rows)):
        plain(softmax_over)(rows[i : i + 1], *numbers, again[i : i + 1])
    assert raw.tobytes() == again.tobytes()
    assert raw.max(axis=1).tolist() == [1.0] * len(rows)  # the largest score of a row, so that nothing overflows


def test_a_logistic_row_by_hand() -> None:
    x = np.log(3.0) / 2.0 + 1.0  # scaled: log 3
    p = LOGISTIC.predict(np.array([[x, 77.0]]))
    assert p[0] == pytest.approx(np.array([3.0, 2.0, 1 / 3]) / (5 + 1 / 3), abs=1e-15)


def test_each_class_may_lead_however_far() -> None:
    for k in range(3):
        sure = replace(LOGISTIC, intercepts=np.where(np.arange(3) == k, 2_000.0, 0.0))
        assert sure.predict(np.zeros((1, 2)))[0] == pytest.approx(np.eye(3)[k], abs=3e-6)


def test_a_class_that_was_never_seen_keeps_its_share() -> None:
    p = replace(LOGISTIC, unseen=np.array([0.0, 0.1, 0.0])).predict(np.array([[1.0, 0.0]]))  # the median: down and up alike
    assert p[0] == pytest.approx([0.45, 0.1, 0.45], abs=1e-15)


@covers("A19")
def test_it_comes_back_from_its_one_file() -> None:
    kept = replace(LOGISTIC, unseen=np.array([0.0, 0.0, 0.125]))
    files = kept.pack()
    coefficients, intercepts = struct.pack("<6d", 1.0, 5.0, 0.0, 5.0, -1.0, 5.0), struct.pack("<3d", 0.0, math.log(2.0), 0.0)
    assert files == {FACTS: sealed(LogisticFacts(kept.scaler.facts(), coefficients, intercepts, struct.pack("<3d", 0, 0, 0.125), 1.0, "by hand"))}
    again, rows = unpack(files), np.array([[1.25, 0.0], [np.nan, 3.0]])
    assert facts_of(again) == facts_of(kept) == ("logistic", 2, 1.0, "by hand")
    assert again.predict(rows).tobytes() == kept.predict(rows).tobytes() and again.pack() == files


@covers("A19", "A20")
def test_rows_of_another_width_and_damaged_files_are_refused_in_its_name() -> None:
    with refused(r"rows of shape \(1, 3\)", "logistic"):
        LOGISTIC.predict(np.zeros((1, 3)))
    with refused("not a whole LogisticFacts", "logistic"):
        unpack({FACTS: LOGISTIC.pack()[FACTS][:-1]})
    short = Scaler(np.zeros(2), np.zeros(3), 8.0)
    for name, wrong, shape in (
        ("coefficients", np.ones((3, 1)), r"\(3, 2\)"),
        ("intercepts", np.ones(2), r"\(3,\)"),
        ("unseen", np.ones(4), r"\(3,\)"),
        ("scaler", short, r"\(2,\)"),
    ):
        with refused(f"are no float64 array of shape {shape}", "logistic"):
            unpack(replace(LOGISTIC, **{name: wrong}).pack())
