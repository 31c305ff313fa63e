"""A booster is its scaler, its trees and the classes it never saw; its trees are read once, and only where they belong to it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from msgspec.structs import replace
from scipy.special import softmax

from metastackerbandit.models.lightgbm import FAMILY, TREES, Booster, BoosterFacts, unpack
from metastackerbandit.models.packing import FACTS, as_bytes, digest, sealed
from metastackerbandit.models.settling import settled
from tests.covering import covers
from tests.models.by_hand import ALL_SEEN, ROWS, SCALER, STUMPS, booster, facts_of, refused

SEEN_TWO = np.array([0.0, 0.25, 0.0])


@given(rows=ROWS)
def test_a_row_is_scaled_walked_and_settled(rows: np.ndarray) -> None:
    below = SCALER.applied(rows)[:, :1] <= 0.5
    scores = np.where(below, [1.0, 0.25, -1.0], [-1.0, 0.25, 1.0])
    for unseen in (ALL_SEEN, SEEN_TWO):
        expected = settled(softmax(scores, axis=1), unseen)
        assert booster(unseen).predict(rows) == pytest.approx(expected, abs=1e-15)


def test_a_missing_value_is_the_median() -> None:
    assert np.array_equal(*booster().predict(np.array([[np.nan, np.nan], [1.0, 0.0]])))


@covers("A19")
def test_it_comes_back_from_its_facts_and_its_trees() -> None:
    learner = booster(SEEN_TWO)
    files, trees = learner.pack(), STUMPS.encode()
    facts = BoosterFacts(SCALER.facts(), struct.pack("<3d", 0, 0.25, 0), digest(trees), 3.0, "by hand")
    assert files == {FACTS: sealed(facts), TREES: trees}
    again, rows = unpack(files), np.array([[1.2, 0.0], [1.3, 0.0]])
    assert facts_of(again) == facts_of(learner) == ("lightgbm", 2, 3.0, "by hand")
    assert again.predict(rows).tobytes() == learner.predict(rows).tobytes() and again.pack() == files


@covers("A20")
def test_trees_for_another_width_and_text_that_is_none_are_refused() -> None:
    wide = STUMPS.replace("max_feature_idx=1", "max_feature_idx=2").encode()
    with refused("'trees.txt' is damaged: it reads 3 features, not 2", FAMILY):
        Booster(SCALER, ALL_SEEN, wide, 3.0, "")
    with refused("'trees.txt' is damaged: it ends before", FAMILY):
        Booster(SCALER, ALL_SEEN, b"", 3.0, "")


@covers("A19", "A20")
def test_rows_of_another_width_and_damaged_files_are_refused_in_its_name() -> None:
    learner = booster()
    with refused(r"rows of shape \(1, 3\)", FAMILY):
        learner.predict(np.zeros((1, 3)))
    files = learner.pack()
    with refused("not a whole BoosterFacts", FAMILY):
        unpack({**files, FACTS: files[FACTS][:-1]})
    with refused("'trees.txt' is damaged: .* another SHA-256", FAMILY):
        unpack({**files, TREES: files[TREES] + b"\n"})
    with refused("'trees.txt' is missing", FAMILY):
        unpack({FACTS: files[FACTS]})
    facts = BoosterFacts(SCALER.facts(), as_bytes(ALL_SEEN), digest(files[TREES]), 3.0, "")
    for wrong, shape in (
        (replace(facts, unseen=bytes(16)), r"\(3,\)"),
        (replace(facts, scaler=replace(facts.scaler, centre=bytes(8))), r"\(2,\)"),
    ):
        with refused(f"are no float64 array of shape {shape}", FAMILY):
            unpack({**files, FACTS: sealed(wrong)})
