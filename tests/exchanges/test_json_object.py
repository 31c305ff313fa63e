"""Objects walked member by member, and lists item by item, against a reader that others wrote."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.exchanges.json_fields import END, FIRST, KIND, NEW_FIELDS
from metastackerbandit.exchanges.json_object import first_item, first_member, next_item, next_member, note, value_of_key
from metastackerbandit.exchanges.json_scan import MALFORMED, TRUNCATED, skip_value

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=5)
OBJECTS = st.dictionaries(st.text(alphabet='ab"\\é', max_size=3), VALUES, max_size=4)


def members(raw: bytes) -> list[tuple[bytes, bytes]]:
    """The members of an object as bytes, its braces being the first byte and the last; ValueError with the fault where there is one."""
    text, found = np.frombuffer(raw, np.uint8), []
    p, is_done = first_member(text, 0, len(text))
    while not is_done:
        begins, last = value_of_key(text, p, len(text))
        if begins < 0:
            raise ValueError(begins)
        behind = skip_value(text, begins, len(text))
        if behind < 0:
            raise ValueError(behind)
        found.append((raw[p + 1 : last], raw[begins:behind]))
        p, is_done = next_member(text, behind, len(text))
    if p < 0:
        raise ValueError(p)
    assert p == len(raw)
    return found


def items(raw: bytes) -> list[bytes]:
    """The items of a list."""
    text, found = np.frombuffer(raw, np.uint8), []
    p = first_item(text, 0, len(text))
    while p >= 0:
        behind = skip_value(text, p, len(text))
        found.append(raw[p:behind])
        p = next_item(text, behind, len(text))
    return found


@given(value=OBJECTS, spaced=st.booleans(), ascii=st.booleans())
def test_members_are_those_that_another_reader_finds(value: dict[str, Any], spaced: bool, ascii: bool) -> None:
    raw = json.dumps(value, indent=1 if spaced else None, ensure_ascii=ascii).encode(errors="surrogatepass")
    found = members(raw)
    assert [(json.loads(b'"' + key + b'"'), json.loads(text)) for key, text in found] == list(value.items())


@given(value=st.lists(VALUES, max_size=4), spaced=st.booleans())
def test_items_are_those_that_another_reader_finds(value: list[Any], spaced: bool) -> None:
    assert [json.loads(text) for text in items(json.dumps(value, indent=1 if spaced else None).encode())] == value


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"{", TRUNCATED),
        (b'{"a', TRUNCATED),
        (b'{"a"', TRUNCATED),
        (b'{"a":', TRUNCATED),
        (b'{"a":1', TRUNCATED),
        (b'{"a":1,', TRUNCATED),
        (b'{"a":1,}', MALFORMED),
        (b'{"a":1 2}', MALFORMED),
        (b'{"a" 1}', MALFORMED),
        (b"{a:1}", MALFORMED),
        (b"{,}", MALFORMED),
    ],
)
def test_what_is_wrong_with_an_object_is_named(raw: bytes, fault: int) -> None:
    with pytest.raises(ValueError, match=str(fault)):
        members(raw)


@pytest.mark.parametrize(("value", "inset"), [(b'"12"', 1), (b"12", 0), (b"[1]", 0), (b'""', 1)])
def test_a_field_is_noted_without_its_quotes(value: bytes, inset: int) -> None:
    text, fields = np.frombuffer(b"  " + value, np.uint8), np.zeros(NEW_FIELDS, np.int64)
    note(text, fields, 0, 2, len(text))
    assert not fields.any()
    note(text, fields, 7, 2, len(text))
    assert (fields[FIRST, 7], fields[END, 7], fields[KIND, 7]) == (2 + inset, len(text) - inset, value[0])
    assert np.count_nonzero(fields) == 3
