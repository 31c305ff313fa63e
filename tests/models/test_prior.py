"""The class prior says the same of every row, and only of rows that it is made for."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import given

from metastackerbandit.models.packing import FACTS, sealed
from metastackerbandit.models.prior import Prior, PriorFacts, unpack
from tests.covering import covers
from tests.models.by_hand import PRIOR, ROWS, facts_of, refused


@given(rows=ROWS)
def test_every_row_gets_the_shares(rows: np.ndarray) -> None:
    p = PRIOR.predict(rows)
    assert p.shape == (len(rows), 3) and p.tolist() == [[0.3, 0.3, 0.4]] * len(rows)


def test_it_is_the_base_rate_and_spent_nothing_beyond() -> None:
    assert facts_of(PRIOR) == ("prior", 2, 0.0, "by hand")


@covers("A19")
def test_it_comes_back_from_its_one_file() -> None:
    files = PRIOR.pack()
    assert files == {FACTS: sealed(PriorFacts(2, struct.pack("<3d", 0.3, 0.3, 0.4), "by hand"))}
    again = unpack(files)
    assert facts_of(again) == facts_of(PRIOR) and again.shares.tolist() == [0.3, 0.3, 0.4] and again.pack() == files


@covers("A19", "A20")
def test_rows_of_another_width_and_damaged_files_are_refused_in_its_name() -> None:
    with refused(r"rows of shape \(1, 3\)", "prior"):
        PRIOR.predict(np.zeros((1, 3)))
    with refused("not a whole PriorFacts", "prior"):
        unpack({FACTS: PRIOR.pack()[FACTS][:-1]})
    with refused(r"32 bytes are no float64 array of shape \(3,\)", "prior"):
        unpack(Prior(2, np.ones(4), "").pack())
