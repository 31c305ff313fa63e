"""Levels on their way from text to ticks and lots: whatever a book holds is read in one pass, and what is wrong with it is named."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row
from metastackerbandit.exchanges.decoded import FAULTS, Route, Steps
from metastackerbandit.exchanges.json_book import ASKS, BIDS, LAST_UPDATE, PRIOR, sides_fault, walk_object
from metastackerbandit.exchanges.json_fields import HELD, KIND, NEW_FIELDS

ROUTE = row(Route(Steps(1, 5), Steps(3, 1)))[0]  # ticks of 0.5, lots of 0.001
LEVELS = st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**9)), max_size=6)


class Book:
    """The walker with its scratch."""

    def __init__(self) -> None:
        self.fields = np.zeros(NEW_FIELDS, np.int64)
        self.sides = {key: np.zeros((6, 2), np.int64) for key in (BIDS, ASKS)}

    def walk(self, raw: bytes, skims: bool = False) -> int:
        """Behind the object, or minus the fault."""
        text = np.frombuffer(raw, np.uint8)
        return int(walk_object(text, 0, len(text), self.fields, self.sides[BIDS], self.sides[ASKS], ROUTE, skims))

    def levels(self, key: int) -> list[tuple[int, int]]:
        """What the walker found of a side."""
        return [tuple(level) for level in self.sides[key][: self.fields[HELD, key]].tolist()]


BOOK = Book()


def written(levels: list[tuple[int, int]], quoted: bool, more: list[Any]) -> list[Any]:
    """Levels as text, or as numbers, with fields behind the size."""
    made = [(f"{ticks // 2}.{5 * (ticks % 2)}", f"{lots // 1000}.{lots % 1000:03d}") for ticks, lots in levels]
    return [[*(pair if quoted else map(float, pair)), *more] for pair in made]


@given(bids=LEVELS, asks=LEVELS, quoted=st.booleans(), more=st.sampled_from([[], [[]], [1, "x"]]), long=st.booleans(), spaced=st.booleans())
@settings(max_examples=60)
def test_levels_are_read_in_whatever_form_they_come(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], quoted: bool, more: list[Any], long: bool, spaced: bool
) -> None:
    names = ("bids", "asks") if long else ("b", "a")
    message = {"pu": 5, names[0]: written(bids, quoted, more), names[1]: written(asks, quoted, more), "more": {"b": [["?"]]}, "lastUpdateId": 7}
    raw = json.dumps(message, indent=1 if spaced else None).encode()
    assert BOOK.walk(raw) == len(raw)
    assert (BOOK.levels(BIDS), BOOK.levels(ASKS), sides_fault(BOOK.fields)) == (bids, asks, 0)
    assert all(BOOK.fields[KIND, key] != 0 for key in (PRIOR, LAST_UPDATE))


@pytest.mark.parametrize(
    ("side", "fault"),
    [
        ("[", "truncated"),
        ("[[", "truncated"),
        ('[["1"', "truncated"),
        ('[["1",', "truncated"),
        ('[["1","1"', "truncated"),
        ('[["1","1"]', "truncated"),
        ('[["1","1"],', "truncated"),
        ('[["1","1"],]', "malformed"),
        ('[["1","1" 2]]', "malformed"),
        ('[["1","1",]]', "malformed"),
        ('[["1" "1"]]', "malformed"),
        ('[["1","1"] 2]', "malformed"),
        ("[5]", "mistyped"),
        ('[{"p":1}]', "mistyped"),
        ('[["1"]]', "missing"),
        ("[[]]", "malformed"),
        ('[["0","1"]]', "negative"),
        ('[["-1","1"]]', "negative"),
        ('[["1.25","1"]]', "off_grid"),
        ('[["1","1e3"]]', "mistyped"),
        ("[" + ",".join(['["1","1"]'] * 7) + "]", "too_many"),
    ],
)
def test_what_is_wrong_with_a_level_is_named(side: str, fault: str) -> None:
    found = BOOK.walk(f'{{"b":{side}}}'.encode() if side[-1] == "]" and fault != "truncated" else f'{{"b":{side}'.encode())
    assert found < 0 and FAULTS[-found][0] == fault


def test_what_is_skimmed_is_walked_and_not_read() -> None:
    raw = b'{"b":[["off the grid",{}]],"a":[5]}'
    assert BOOK.walk(raw, skims=True) == len(raw) and sides_fault(BOOK.fields) == 0
    assert BOOK.walk(raw) < 0


@pytest.mark.parametrize(
    ("raw", "fault"), [(b"{}", "missing"), (b'{"b":[]}', "missing"), (b'{"b":[],"a":"x"}', "mistyped"), (b'{"b":1,"a":[]}', "mistyped")]
)
def test_a_book_has_two_sides(raw: bytes, fault: str) -> None:
    assert BOOK.walk(raw) == len(raw)
    assert FAULTS[-sides_fault(BOOK.fields)][0] == fault
