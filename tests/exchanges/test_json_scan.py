"""The walker of JSON against readers that others wrote: what they take it takes, what they refuse it refuses, and numbers are the same."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metastackerbandit.exchanges.json_scan import (
    DEEPEST,
    MALFORMED,
    MISTYPED,
    NEGATIVE,
    OFF_GRID,
    TOO_DEEP,
    TOO_LARGE,
    TRUNCATED,
    UNREADABLE,
    read_float,
    read_integer,
    read_steps,
    skip_space,
    skip_value,
    take_steps,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
PIECES = st.sampled_from([*'{}[]",:\\tfn019.-+eEu \n', "true", "null", '"a"', '"\\u00e9"', "1e5", "é", "\x01", "{}", "[]", '{"a":1}'])


def walked(text: bytes) -> int:
    """Where a value that begins the text ends with the blanks behind it, or minus the fault."""
    bytes_ = np.frombuffer(text, np.uint8)
    end = int(skip_value(bytes_, 0, len(bytes_)))
    return int(skip_space(bytes_, end, len(bytes_))) if end >= 0 else end


def read(text: bytes) -> Any:
    """What a strict reader makes of it; ValueError where it refuses."""

    def refuse(_: str) -> None:
        raise ValueError

    return json.loads(text.decode("utf-8"), parse_constant=refuse)


@given(value=VALUES, spaced=st.booleans(), ascii=st.booleans())
def test_every_value_is_walked_to_its_end_however_it_is_written(value: Any, spaced: bool, ascii: bool) -> None:
    text = json.dumps(value, indent=1 if spaced else None, ensure_ascii=ascii)
    if "\\ud" not in text and not any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        assert walked(text.encode()) == len(text.encode())


@given(pieces=st.lists(PIECES, max_size=12))
@example(["[", "1", ",", "]"])
@example(["{", '"a"', ":", "1", ",", "}"])
@example(["0", "1"])
@example(["-"])
@example(["1", "."])
@example(["[", "}"])
def test_what_a_strict_reader_refuses_is_refused(pieces: list[str]) -> None:
    text = "".join(pieces).encode()
    try:
        read(text)
    except ValueError:
        assert walked(text) != len(text)
    else:
        assert walked(text) == len(text)


@given(value=VALUES, place=st.integers(0, 200), byte=st.integers(0, 255))
def test_one_byte_changed_is_judged_as_a_strict_reader_judges_it(value: Any, place: int, byte: int) -> None:
    text = bytearray(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    text[place % len(text)] = byte
    try:
        read(bytes(text))
    except ValueError:
        assert walked(bytes(text)) != len(text)
    else:
        assert walked(bytes(text)) == len(text)


@given(raw=st.binary(max_size=12))
def test_text_must_be_utf_8(raw: bytes) -> None:
    text = b'"' + raw.replace(b'"', b"q").replace(b"\\", b"q") + b'"'
    try:
        read(text)
    except ValueError:
        assert walked(text) != len(text)
    else:
        assert walked(text) == len(text)


@given(value=VALUES)
def test_a_value_cut_short_is_truncated(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=True).encode()
    for size in range(len(text)):
        fault = walked(text[:size])
        assert fault == TRUNCATED or (text[:size].lstrip(b"-0123456789.eE+") == b"" and fault in (size, MALFORMED, TRUNCATED))


def test_faults_say_what_was_seen() -> None:
    assert walked(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1)) == TOO_DEEP
    assert walked(b"[" * DEEPEST + b"]" * DEEPEST) == 2 * DEEPEST
    assert walked(b'"\xff"') == UNREADABLE
    assert walked(b'"\xc3"') == UNREADABLE or walked(b'"\xc3"') == TRUNCATED
    assert walked(b"nul") == TRUNCATED
    assert walked(b"nulL") == MALFORMED
    assert walked(b'{"a" 1}') == MALFORMED
    assert walked(b"") == TRUNCATED


def spans(text: str) -> tuple[Any, int, int]:
    """A text inside of another, as a field is."""
    raw = f'"{text}"'.encode()
    return np.frombuffer(raw, np.uint8), 1, len(raw) - 1


@given(value=st.integers(0, 9 * 10**18))
def test_whole_numbers_are_exact(value: int) -> None:
    assert int(read_integer(*spans(str(value)))) == value


def test_what_is_no_whole_number_is_told() -> None:
    texts = ("", "-1", "1.0", "1e3", "x", "9" * 20)
    assert [int(read_integer(*spans(text))) for text in texts] == [MISTYPED, NEGATIVE, MISTYPED, MISTYPED, MISTYPED, TOO_LARGE]


DECIMALS = st.decimals(0, 10**9, places=8, allow_nan=False).map(lambda value: format(value, "f"))


@given(
    text=DECIMALS | st.from_regex(r"[0-9]{1,10}(\.[0-9]{1,10})?", fullmatch=True), decimals=st.integers(0, 8), step=st.sampled_from([1, 5, 25, 10])
)
def test_decimals_become_whole_steps_or_are_off_the_grid(text: str, decimals: int, step: int) -> None:
    steps = Decimal(text) / (Decimal(step).scaleb(-decimals))
    exact = int(steps) if steps == int(steps) else OFF_GRID
    rounded = exact if exact != OFF_GRID else max(int(steps), 1)
    raw, first, end = spans(text)
    assert int(read_steps(raw, first, end, decimals, step, False)) == exact
    assert int(read_steps(raw, first, end, decimals, step, True)) == rounded
    for rounds, expected in ((False, exact), (True, rounded)):
        behind, value = take_steps(raw, 0, len(raw), decimals, step, rounds)
        assert (int(behind), int(value)) == ((expected, 0) if expected < 0 else (len(raw), expected))
        bare = np.frombuffer(text.encode() + b",", np.uint8)
        behind, value = take_steps(bare, 0, len(bare), decimals, step, rounds)
        if len(text) == 1 or text[0] != "0" or text[1] == ".":  # JSON numbers have no zeros before them
            assert (int(behind), int(value)) == ((expected, 0) if expected < 0 else (len(text), expected))


@pytest.mark.parametrize(
    ("text", "fault"),
    [("", MISTYPED), (".", MISTYPED), ("1.", MISTYPED), (".5", MISTYPED), ("-1", NEGATIVE), ("1e5", MISTYPED), ("1 ", MISTYPED), ("1.2.3", MISTYPED)],
)
def test_text_that_is_no_plain_decimal_is_told(text: str, fault: int) -> None:
    raw, first, end = spans(text)
    assert int(read_steps(raw, first, end, 2, 1, False)) == fault
    assert tuple(map(int, take_steps(raw, 0, len(raw), 2, 1, True))) == (fault, 0)


@given(digits=st.integers(10**17, 10**30), decimals=st.integers(0, 8), rounds=st.booleans())
def test_what_does_not_fit_64_bits_is_told_and_never_wraps(digits: int, decimals: int, rounds: bool) -> None:
    raw, first, end = spans(str(digits))
    value = int(read_steps(raw, first, end, decimals, 1, rounds))
    assert value in (TOO_LARGE, digits * 10**decimals)
    behind, taken = take_steps(raw, 0, len(raw), decimals, 1, rounds)
    assert (int(behind), int(taken)) == ((value, 0) if value < 0 else (len(raw), value))


@given(text=st.decimals(-(10**9), 10**9, places=6, allow_nan=False).map(lambda value: format(value, "f")))
def test_floats_are_the_nearest_ones(text: str) -> None:
    assert float(read_float(*spans(text))) == float(text)


@given(text=st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?", fullmatch=True))
def test_long_floats_are_within_two_units_in_the_last_place(text: str) -> None:
    value, exact = float(read_float(*spans(text))), float(text)
    assert abs(value - exact) <= 2 * math.ulp(exact)


def test_what_is_no_float_is_not_a_number() -> None:
    assert all(math.isnan(read_float(*spans(text))) for text in ("", "-", ".", "1.", ".5", "1e5", "nan", "1.2.3", "--1"))
