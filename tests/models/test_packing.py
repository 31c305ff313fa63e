"""A learner's files: the same numbers give the same bytes on every machine, and bytes that are not whole are refused by name."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from metastackerbandit.models.packing import FACTS, as_bytes, as_floats, content, damaged, digest, sealed, unsealed, whole
from tests.covering import covers
from tests.models.by_hand import refused

FLOATS = arrays(np.float64, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), elements=st.floats(allow_nan=False, allow_infinity=False))


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some facts."""

    count: int
    note: str


@given(count=st.integers(-(2**63), 2**63 - 1), note=st.text("aé漢\n \0", max_size=6))
def test_facts_come_back_and_the_same_facts_give_the_same_bytes(count: int, note: str) -> None:
    body = sealed(Told(count, note))
    assert unsealed({FACTS: body}, Told, "here") == Told(count, note)
    assert sealed(Told(count, note)) == body


def test_a_file_is_a_line_with_kind_and_digest_and_then_its_body() -> None:
    body = b"\x82\xa5count\x07\xa4note\xa1a"  # a map of two: count 7, note "a"
    assert sealed(Told(7, "a")) == b"Told " + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


@covers("A20")
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255), kept=st.integers(0, 10_000))
def test_a_changed_byte_and_a_cut_are_refused(place: int, flip: int, kept: int) -> None:
    body = sealed(Told(3, "what was learnt"))
    changed = bytearray(body)
    changed[place % len(body)] ^= flip
    for broken in (bytes(changed), body[: kept % len(body)], body + b" "):
        with refused("the file 'facts' is damaged: it is not a whole Told", "here"):
            unsealed({FACTS: broken}, Told, "here")


def test_whole_facts_of_another_kind_or_other_fields_are_refused() -> None:
    with refused("'facts' is damaged: it is not a whole Told", "here"):
        unsealed({FACTS: sealed(msgspec.defstruct("Heard", [("count", int), ("note", str)])(1, ""))}, Told, "here")
    with refused("'facts' is damaged: Expected `int`, got `str`", "here"):
        unsealed({FACTS: sealed(msgspec.defstruct("Told", [("count", str), ("note", str)])("1", ""))}, Told, "here")


def test_a_file_that_is_missing_is_refused_by_its_name() -> None:
    assert content({"a": b"1", "b": b"2"}, "b", "here") == b"2"
    for ask in (lambda: content({"a": b""}, "trees", "here"), lambda: whole({}, "trees", digest(b""), "here")):
        with refused("the file 'trees' is missing", "here"):
            ask()
    with refused("the file 'facts' is missing", "here"):
        unsealed({}, Told, "here")


def test_a_file_must_have_the_digest_that_the_facts_name() -> None:
    assert whole({"a": b"abc"}, "a", digest(b"abc"), "here") == b"abc"
    with refused("the file 'a' is damaged: 4 bytes with another SHA-256", "here"):
        whole({"a": b"abcd"}, "a", digest(b"abc"), "here")
    assert str(damaged("a", "here", "it is torn")).startswith("here: the file 'a' is damaged: it is torn (")


def test_the_digest_is_that_of_the_standard() -> None:
    """FIPS 180-2, appendix B.1."""
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@settings(max_examples=50)
@given(numbers=FLOATS)
def test_numbers_come_back_to_the_bit(numbers: np.ndarray) -> None:
    back = as_floats(as_bytes(numbers), numbers.shape, "here")
    assert back.tobytes() == numbers.tobytes() and back.shape == numbers.shape
    assert back.dtype == np.float64 and back.dtype.isnative and back.flags.writeable


def test_numbers_are_little_endian_doubles_row_by_row_however_they_lie_in_memory() -> None:
    rows = [[1, 2, 3], [-4, 5, 6]]
    kept: list[Any] = [np.array(rows), np.array(rows, np.float32), np.array(rows, ">f8"), np.array(rows, np.float64, order="F")]
    for one in kept:
        assert as_bytes(one) == struct.pack("<6d", 1, 2, 3, -4, 5, 6)
    assert as_bytes(np.arange(6.0)[::2]) == struct.pack("<3d", 0, 2, 4)
    assert as_floats(struct.pack("<6d", 1, 2, 3, -4, 5, 6), (2, 3), "here").tolist() == rows


@covers("A20")
def test_numbers_of_another_count_or_not_finite_are_refused() -> None:
    for body in (b"", bytes(47), bytes(40), bytes(56)):
        with refused(rf"'facts' is damaged: {len(body)} bytes are no float64 array of shape \(2, 3\)", "here"):
            as_floats(body, (2, 3), "here")
    for wrong in (np.nan, np.inf, -np.inf):
        with refused("'facts' is damaged: a number is not finite", "here"):
            as_floats(struct.pack("<3d", 1.0, wrong, 2.0), (3,), "here")
