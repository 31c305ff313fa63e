"""The catalog makes a learner of any family from its files, and takes no family's files for another's."""

from __future__ import annotations

import numpy as np
import pytest

from metastackerbandit.models.catalog import FAMILIES, unpack
from tests.covering import covers
from tests.models.by_hand import facts_of, one_of_each, refused

NAMES = [spec.name for spec in FAMILIES]


def test_names_are_told_apart_and_explained() -> None:
    assert list(one_of_each()) == NAMES and len(set(NAMES)) == len(NAMES)
    assert all(spec.meaning for spec in FAMILIES)


@covers("A19")
@pytest.mark.parametrize("family", NAMES)
def test_a_learner_comes_back_from_its_files_with_the_same_answers(family: str) -> None:
    learner, rows = one_of_each()[family], np.array([[1.5, -1.0], [np.nan, 2.0], [1.0, np.nan]])
    again = unpack(family, learner.pack())
    assert type(again) is type(learner) and facts_of(again) == facts_of(learner)
    assert again.predict(rows).tobytes() == learner.predict(rows).tobytes() and again.pack() == learner.pack()


@covers("A20")
def test_files_of_another_family_and_unknown_families_are_refused() -> None:
    for family in NAMES:
        for other in NAMES:
            if other != family:
                with refused("'facts' is damaged", other):
                    unpack(other, one_of_each()[family].pack())
    with refused(f"unknown family 'oracle'.*{', '.join(NAMES)}", "models"):
        unpack("oracle", one_of_each()["prior"].pack())
