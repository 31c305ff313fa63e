"""A client may call its message by a whole number, by a short text, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.practice.message_id import is_message_id


@given(st.one_of(st.none(), st.integers(), st.from_regex(r"[A-Za-z0-9_-]{1,36}", fullmatch=True)))
def test_numbers_and_short_texts_are_taken(value: Any) -> None:
    assert is_message_id(value)


@pytest.mark.parametrize("value", [True, False, 1.5, "", "a b", "a\n", "ä", "x" * 37, [1], {}])
def test_anything_else_is_not(value: Any) -> None:
    assert not is_message_id(value)
