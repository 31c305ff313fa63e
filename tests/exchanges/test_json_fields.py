"""A message's fields as numbers: what each reader gives, and how it names what is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row
from metastackerbandit.exchanges.decoded import FAULTS, Route, Steps
from metastackerbandit.exchanges.json_fields import (
    NEW_FIELDS,
    flag_of,
    float_of,
    frame_length_of,
    id_of,
    is_word,
    lots_of,
    number_of,
    ticks_of,
    time_of,
    worst,
)

KEY = 99
ROUTE = row(Route(Steps(1, 5), Steps(3, 1)))[0]  # ticks of 0.5, lots of 0.001


def noted(value: bytes) -> tuple[np.ndarray, np.ndarray]:
    """A value's text and the field that a scanner notes of it; nothing where it is empty."""
    fields = np.zeros(NEW_FIELDS, np.int64)
    if value:
        is_text = int(value[:1] == b'"')
        fields[:3, KEY] = (is_text, len(value) - is_text, value[0])
    return np.frombuffer(value or b" ", np.uint8), fields


def named(found: int) -> str:
    """The fault's word, or the number as text."""
    return FAULTS[-found][0] if found < 0 else str(found)


@given(st.integers(0, 9 * 10**18))
def test_a_whole_number_is_itself(value: int) -> None:
    assert number_of(*noted(b"%d" % value), KEY) == value


@given(st.integers(-5, 9 * 10**18))
def test_an_id_is_itself_and_minus_one_is_none(value: int) -> None:
    found = id_of(*noted(b"%d" % value), KEY)
    assert found == value if value >= -1 else FAULTS[-found][0] == "negative"


@pytest.mark.parametrize(("value", "found"), [(b"", "-1"), (b"-1", "-1"), (b'"-1"', "mistyped"), (b"-1.0", "negative"), (b"9" * 30, "too_large")])
def test_an_id_that_is_not_there_is_none_and_other_words_are_faults(value: bytes, found: str) -> None:
    told = id_of(*noted(value), KEY)
    assert (FAULTS[-told][0] if told < -1 else str(told)) == found


@given(ms=st.integers(0, 8_999_999_999_999))
def test_milliseconds_become_nanoseconds(ms: int) -> None:
    assert time_of(*noted(b"%d" % ms), KEY) == ms * 1_000_000


@given(us=st.integers(100_000_000_000_000, 8_999_999_999_999_999))
def test_microseconds_become_nanoseconds(us: int) -> None:
    assert time_of(*noted(b"%d" % us), KEY) == us * 1_000


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_prices_and_sizes_become_whole_steps(ticks: int, lots: int) -> None:
    assert ticks_of(*noted(b'"%d.%d"' % divmod(ticks * 5, 10)), KEY, ROUTE) == ticks
    assert lots_of(*noted(b'"%d.%03d"' % divmod(lots, 1_000)), KEY, ROUTE) == lots


@pytest.mark.parametrize(
    ("reader", "value", "word"),
    [
        (number_of, b"", "missing"),
        (number_of, b'"1"', "mistyped"),
        (number_of, b"-1", "negative"),
        (time_of, b"9000000000000", "too_large"),
        (time_of, b"9000000000000000", "too_large"),
        (time_of, b"", "missing"),
        (flag_of, b"true", "1"),
        (flag_of, b"false", "0"),
        (flag_of, b"null", "mistyped"),
        (flag_of, b"", "missing"),
    ],
)
def test_what_is_wrong_with_a_field_is_named(reader, value: bytes, word: str) -> None:  # type: ignore[no-untyped-def]
    assert named(reader(*noted(value), KEY)) == word


@pytest.mark.parametrize(
    ("value", "price", "size"),
    [
        (b"", "missing", "missing"),
        (b"1.5", "mistyped", "mistyped"),  # a number, where text is due
        (b'"1.2"', "off_grid", "1200"),
        (b'"0.0001"', "off_grid", "1"),  # dust is a whole lot
        (b'"-1"', "negative", "negative"),
        (b'"1.50"', "3", "1500"),
    ],
)
def test_prices_are_on_the_grid_and_sizes_are_cut_to_whole_lots(value: bytes, price: str, size: str) -> None:
    assert named(ticks_of(*noted(value), KEY, ROUTE)) == price
    assert named(lots_of(*noted(value), KEY, ROUTE)) == size


def test_a_float_is_text_and_nothing_else() -> None:
    assert float_of(*noted(b'"-0.25"'), KEY) == -0.25
    assert all(math.isnan(float_of(*noted(value), KEY)) for value in (b"", b"0.25", b'"x"', b"null"))


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("15m", 900), ("4h", 14_400), ("3d", 259_200), ("1w", 604_800)])
def test_a_candle_s_length_is_its_seconds(text: str, seconds: int) -> None:
    assert frame_length_of(np.frombuffer(text.encode(), np.uint8), 0, len(text)) == seconds * 10**9


@pytest.mark.parametrize("text", ["1M", "0m", "m", "1.5h", "1y"])
def test_what_has_no_length_is_no_candle(text: str) -> None:
    assert named(frame_length_of(np.frombuffer(text.encode(), np.uint8), 0, len(text))) == "mistyped"


@pytest.mark.parametrize("text", ["331w", "9000000000000000000w", "200000001s"])
def test_a_candle_whose_end_would_not_fit_is_too_large(text: str) -> None:
    assert named(frame_length_of(np.frombuffer(text.encode(), np.uint8), 0, len(text))) == "too_large"


@given(st.lists(st.integers(-12, 5), min_size=4, max_size=4))
def test_the_first_fault_is_the_one_told(values: list[int]) -> None:
    assert worst(*values) == next((value for value in values if value < 0), 0)


@given(st.binary(min_size=1, max_size=6), st.binary(min_size=1, max_size=6))
def test_a_word_is_itself_to_the_letter(one: bytes, other: bytes) -> None:
    text = np.frombuffer(one, np.uint8)
    assert is_word(text, 0, len(one), tuple(one))
    assert is_word(text, 0, len(one), tuple(other)) == (one == other)
