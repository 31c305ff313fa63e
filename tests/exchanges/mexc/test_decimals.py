"""Decimals, plain and in the short form of Java's, against exact ones."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.exchanges.decoded import FAULTS, steps_of
from metastackerbandit.exchanges.mexc.decimals import read_amount, read_decimal

SIZES = ("0.00001", "0.25", "1", "10")


def read(text: str, size: str, rounds: bool) -> int | str:
    """Whole steps, or the fault's word."""
    steps, raw = steps_of(size), text.encode()
    found = int(read_decimal(np.frombuffer(raw or b" ", np.uint8), 0, len(raw), steps.decimals, steps.step, rounds))
    return FAULTS[-found][0] if found < 0 else found


@given(digits=st.integers(0, 10**7), places=st.integers(-5, 30), size=st.sampled_from(SIZES), rounds=st.booleans(), letter=st.sampled_from("eE"))
def test_the_short_form_is_the_plain_number(digits: int, places: int, size: str, rounds: bool, letter: str) -> None:
    value = Decimal(digits).scaleb(-places)
    short = f"{digits}{letter}{-places}"
    steps = value / Decimal(size)
    expected: int | str = int(steps) if steps == int(steps) or (rounds and steps >= 1) else 1 if rounds else "off_grid"
    assert read(short, size, rounds) == expected
    assert read(f"{value:f}", size, rounds) == expected
    raw = short.encode()
    assert read_amount(np.frombuffer(raw, np.uint8), 0, len(raw)) == pytest.approx(float(value), rel=1e-14)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0E-8", 0),
        ("0E+400", 0),
        ("8.5E-1", "off_grid"),
        ("1E-999", "off_grid"),
        ("1.25E2", 125),
        ("1E+999", "too_large"),
        ("1E", "mistyped"),
        ("1E+", "mistyped"),
        ("1E1.5", "mistyped"),
        ("1E0001", "mistyped"),
        ("1E2E3", "mistyped"),
        ("E5", "mistyped"),
        ("1.E5", "mistyped"),
        ("-1E5", "negative"),
        ("", "mistyped"),
    ],
)
def test_short_forms_as_they_come(text: str, found: int | str) -> None:
    assert read(text, "1", False) == found


@pytest.mark.parametrize("text", ["", "-1", "1E", "x", "1E9999", "-1E2"])
def test_what_is_no_amount_is_not_a_number(text: str) -> None:
    raw = text.encode()
    assert math.isnan(read_amount(np.frombuffer(raw or b" ", np.uint8), 0, len(raw)))
