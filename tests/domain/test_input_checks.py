"""What is wrong with an input is named: the block, what was expected, and what is there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.input_checks import NAN_KNOWN, NUMBER_UNKNOWN, OUT_OF_RANGE, count_faults
from tests.covering import covers
from tests.domain.inputs import AT, SCHEMA, given_input

ALL = SCHEMA.names


@given(
    values=st.lists(st.sampled_from((-2.0, -1.0, 0.0, 1.0, 2.0, math.nan, math.inf)), max_size=30),
    mask=st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_faults_are_counted_one_by_one(values: list[float], mask: list[bool]) -> None:
    known, counts = mask[: len(values)], np.zeros(3, np.int64)
    count_faults(np.array(values, np.float32), np.array(known, np.bool_), -1.0, 1.0, counts)
    pairs = list(zip(values, known, strict=True))
    assert counts[NAN_KNOWN] == sum(is_known and not math.isfinite(value) for value, is_known in pairs)
    assert counts[NUMBER_UNKNOWN] == sum(not is_known and not math.isnan(value) for value, is_known in pairs)
    assert counts[OUT_OF_RANGE] == sum(is_known and abs(value) == 2.0 for value, is_known in pairs)


def changed(name: str, value: Any, *, mask: Any = None, **fields: Any) -> tuple[str, ...]:
    """The problems of an input with another array in a block."""
    one = given_input(**fields)
    one.values[name] = value
    if mask is not None:
        one.valid[name] = mask
    return one.problems(ALL)


@covers("2.034", "2.036")
def test_problems_name_the_block_with_what_was_expected_and_what_is_there() -> None:
    assert given_input().problems(ALL) == ()
    assert changed("bars", np.zeros((299, 2), np.float32)) == ("bars has shape (299, 2): expected (300, 2) (time, channel)",)
    assert changed("bars", np.zeros((300, 2))) == ("bars is of float64: expected float32",)
    assert changed("share", np.zeros(2, np.float32), mask=np.zeros(2, np.int64)) == ("share's mask is of int64: expected bool",)
    assert changed("share", np.zeros(2, np.float32), mask=np.zeros(3, np.bool_)) == ("share's mask has shape (3,): expected (2,) (channel)",)
    hole = np.full((300, 2), 0.5, np.float32)
    hole[7:9, 0] = np.nan, np.inf
    assert changed("bars", hole) == ("bars has 2 values that are not finite where its mask says that they are known: expected none",)
    mask = np.ones((300, 2), np.bool_)
    mask[3] = False
    padded = "bars has 2 numbers where its mask says that nothing is known: expected NaN"
    assert changed("bars", np.zeros((300, 2), np.float32), mask=mask) == (padded,)
    assert changed("share", np.array((0.0, 1.5), np.float32)) == ("share has 1 values outside -1 to 1: expected none",)


@covers("2.034")
@pytest.mark.parametrize("width", [0.0, -1.0, math.nan, math.inf])
def test_a_book_by_buckets_that_are_none_is_a_problem(width: float) -> None:
    assert given_input(bucket=width).problems(ALL) == (f"book is by buckets that are {width} wide, which is no bucket: expected a width above 0",)
    assert given_input({"book": 0}, bucket=width).problems(ALL) == ()  # where there is no book there are no buckets


def test_an_absent_block_is_a_problem_only_for_whoever_declares_it() -> None:
    one = given_input()
    del one.values["book"], one.valid["book"]
    assert one.problems(ALL) == ("book is absent: expected shape (2, 300, 5)", "book's mask is absent: expected shape (2, 300, 5)")
    assert one.problems(("bars", "share")) == ()


def test_nothing_may_have_become_known_later_and_other_models_spoke_before() -> None:
    known = dict.fromkeys(ALL, AT)
    assert given_input(known_ns=known).problems(ALL) == (f"predictions was said at {AT}: expected before {AT}",)
    assert given_input(known_ns=known | {"bars": AT + 1, "predictions": AT - 1}).problems(ALL) == (
        f"bars was known at {AT + 1}: expected at or before {AT}",
    )
