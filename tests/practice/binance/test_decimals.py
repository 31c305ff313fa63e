"""Decimals are exact both ways, however many digits they have."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.practice.binance.decimals import fixed, text8, whole


@given(st.integers(-(10**40), 10**40), st.integers(0, 30))
def test_what_is_written_is_read_back(value: int, digits: int) -> None:
    text = fixed(value, digits)
    assert len(text.partition(".")[2]) == digits and whole(Decimal(text), digits) == value
    assert whole(Decimal(text), digits + 3) == 1_000 * value


@given(st.integers(1, 10**40), st.integers(1, 30))
def test_a_value_that_is_finer_is_no_whole_number(value: int, digits: int) -> None:
    found = whole(Decimal(fixed(value, digits)), digits - 1)
    assert found == (None if value % 10 else value // 10)


def test_amounts_and_rates_have_eight_digits() -> None:
    assert (text8(0), text8(1), text8(-150_000_000)) == ("0.00000000", "0.00000001", "-1.50000000")
    assert whole(Decimal("1234567890123456789012345678.00000001"), 8) == 123456789012345678901234567800000001
