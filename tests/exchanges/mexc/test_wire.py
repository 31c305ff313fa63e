"""The wire reader: what an independent encoder wrote is read back, and whatever is broken is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.exchanges.decoded import FAULTS
from metastackerbandit.exchanges.json_fields import END, FIRST, HELD, KIND, NEW_FIELDS
from metastackerbandit.exchanges.mexc.wire import (
    MESSAGE,
    NUMBER,
    TEXT,
    is_utf8,
    read_length,
    read_tag,
    read_varint,
    schema,
    skip_field,
    walk_message,
)
from tests.exchanges.mexc.plain import field, fields_of, varint
from tests.exchanges.reading import Wrong

KINDS = schema({1: TEXT, 2: NUMBER, 3: MESSAGE, 100: NUMBER, 115: TEXT}, 100)


def array(text: bytes) -> np.ndarray:
    """Bytes as kernels take them."""
    return np.frombuffer(text or b" ", np.uint8)


def named(found: Any) -> str:
    """The fault's word, "" for none."""
    return FAULTS[-int(found)][0] if found < 0 else ""


def walked(text: bytes) -> tuple[int, np.ndarray]:
    """The position behind a message, or minus the fault, and its fields."""
    fields = np.full(NEW_FIELDS, 7, np.int64)
    return int(walk_message(array(text), 0, len(text), KINDS, 100, fields)), fields


@given(value=st.integers(-(2**63), 2**63 - 1), rest=st.binary(max_size=3))
def test_a_number_is_read_back_and_every_cut_is_truncated(value: int, rest: bytes) -> None:
    made = varint(value)
    assert read_varint(array(made + rest), 0, len(made + rest)) == (len(made), value)
    assert {named(read_varint(array(made), 0, cut)[0]) for cut in range(len(made))} == {"truncated"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"\x80\x00", (2, 0)),  # padded, as every reader allows
        (b"\xff" * 9 + b"\x01", (10, -1)),
        (b"\x80" * 9 + b"\x01", (10, -(2**63))),
        (b"\xff" * 9 + b"\x02", "too_large"),
        (b"\x80" * 10 + b"\x00", "malformed"),
        (b"", "truncated"),
    ],
)
def test_a_number_has_at_most_ten_bytes_and_64_bits(text: bytes, found: Any) -> None:
    p, value = read_varint(array(text), 0, len(text))
    assert (named(p) or (p, value)) == found


@given(number=st.integers(1, 2**29 - 1), wire=st.sampled_from([0, 1, 2, 5]))
def test_a_tag_is_a_number_and_a_type(number: int, wire: int) -> None:
    made = varint(number << 3 | wire)
    assert read_tag(array(made), 0, len(made)) == (len(made), number, wire)


@pytest.mark.parametrize("tag", [0, 7, *(1 << 3 | wire for wire in (3, 4, 6, 7)), 2**29 << 3, 2**64 - 8])
def test_groups_and_numbers_out_of_range_are_malformed(tag: int) -> None:
    made = varint(tag)
    assert named(read_tag(array(made), 0, len(made))[0]) == "malformed"


@given(payload=st.binary(max_size=200), more=st.integers(1, 9))
def test_bytes_end_where_their_length_says(payload: bytes, more: int) -> None:
    made = varint(len(payload)) + payload
    assert read_length(array(made), 0, len(made)) == (len(made) - len(payload), len(made))
    made = varint(len(payload) + more) + payload
    assert named(read_length(array(made), 0, len(made))[0]) == "truncated"


def test_a_length_beyond_63_bits_is_truncated() -> None:
    made = varint(-1) + b"x"
    assert named(read_length(array(made), 0, len(made))[0]) == "truncated"


@given(number=st.integers(16, 99), wire=st.sampled_from([0, 1, 2, 5]), payload=st.binary(min_size=8, max_size=8), value=st.integers(0, 2**63 - 1))
def test_fields_that_nobody_reads_are_walked_over(number: int, wire: int, payload: bytes, value: int) -> None:
    body = {0: varint(value), 1: payload, 2: varint(8) + payload, 5: payload[:4]}[wire]
    assert skip_field(array(body), 0, len(body), wire) == len(body)
    assert named(skip_field(array(body), 0, len(body) - 1, wire)) == "truncated"
    text = field(2, 5) + varint(number << 3 | wire) + body + field(1, b"seen")
    end, fields = walked(text)
    assert (end, fields[FIRST, 2], text[fields[FIRST, 1] : fields[END, 1]]) == (len(text), 5, b"seen")


@given(st.lists(st.tuples(st.sampled_from([1, 2, 3, 100, 115]), st.integers(-9, 9), st.text(max_size=3)), max_size=8))
def test_of_a_field_that_stands_twice_the_last_one_counts(parts: list[tuple[int, int, str]]) -> None:
    values = [(number, value if number in (2, 100) else text.encode()) for number, value, text in parts]
    text = b"".join(field(number, value) for number, value in values)
    end, fields = walked(text)
    assert end == len(text)
    for number, slot, kind in ((1, 1, TEXT), (2, 2, NUMBER), (3, 3, MESSAGE), (100, 16, NUMBER), (115, 31, TEXT)):
        mine = [value for told, value in values if told == number]
        assert (fields[KIND, slot], fields[HELD, slot]) == ((kind if mine else 0), len(mine))
        if mine:
            assert (fields[FIRST, slot] if kind == NUMBER else text[fields[FIRST, slot] : fields[END, slot]]) == mine[-1]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (field(1, 5), "mistyped"),
        (field(2, b"5"), "mistyped"),
        (varint(3 << 3 | 5) + b"0000", "mistyped"),
        (field(1, b"\xff"), "unreadable"),
        (field(1, b"\xe2\x82"), "unreadable"),  # a character cut in two
        (field(3, b"\xff")[:-1], "truncated"),
        (b"\x0a", "truncated"),
        (b"\x0b\x0c", "malformed"),
    ],
)
def test_what_is_wrong_with_a_message_is_named(text: bytes, fault: str) -> None:
    assert named(walked(text)[0]) == fault


@given(st.binary(max_size=40))
def test_any_bytes_are_read_as_the_plain_reader_reads_them(text: bytes) -> None:
    end, fields = walked(text)
    try:
        expected = fields_of(text)
    except Wrong:
        assert end < 0
        return
    kinds = {1: 2, 2: 0, 3: 2, 100: 0, 115: 2}
    if any(wire != kinds.get(number, wire) for number, wire, _ in expected):
        assert end < 0
    elif end >= 0:
        assert end == len(text)
        assert fields[HELD, :32].sum() == sum(number in kinds for number, _, _ in expected)
    else:
        assert named(end) == "unreadable"


@given(st.binary(max_size=12) | st.text(max_size=6).map(str.encode))
def test_text_is_utf8_or_it_is_not(text: bytes) -> None:
    assert is_utf8(array(text), 0, len(text)) == (text.decode(errors="replace").encode() == text)


def test_a_field_without_a_slot_is_refused() -> None:
    with pytest.raises(ValueError, match="field 99 is neither below 16 nor from 100 to 115"):
        schema({99: TEXT}, 100)
