"""Money is exact: text and units are the same thing or refused, and what is divided is rounded to a stated side."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.money import BOUND, money_digits, money_float, money_of, money_text, muldiv, opposes, rate_signed, rate_up
from tests.covering import covers

BIG = st.integers(0, 2**62)
SIGNED = st.integers(-(2**62), 2**62)
FEW = settings(max_examples=50)
CURRENCIES = st.sampled_from(["USDT", "BTC", "EUR"])


@FEW
@given(units=st.integers(-BOUND + 1, BOUND - 1), currency=CURRENCIES)
def test_money_text_round_trips(units: int, currency: str) -> None:
    assert money_of(money_text(units, currency), currency) == units
    assert Fraction(Decimal(money_text(units, currency))) == Fraction(units, 10 ** money_digits(currency))
    assert money_float(units, currency) == pytest.approx(float(Fraction(units, 10 ** money_digits(currency))), rel=1e-15)


@pytest.mark.parametrize(
    ("text", "currency", "units", "again"),
    [
        ("1", "USDT", 100_000_000, "1"),
        ("1", "BTC", 10**12, "1"),
        ("2.50", "ETH", 2_500_000_000_000, "2.5"),
        ("-0.00000001", "EUR", -1, "-0.00000001"),
        ("120", "BNB", 120 * 10**12, "120"),
        ("0.000", "USDT", 0, "0"),
        ("1e3", "USD", 10**11, "1000"),
    ],
)
def test_a_dollar_has_eight_decimals_and_a_dear_coin_twelve(text: str, currency: str, units: int, again: str) -> None:
    assert money_of(text, currency) == units
    assert money_text(units, currency) == again
    assert money_float(units, currency) == float(text)


def test_an_amount_may_be_text_a_decimal_or_a_whole_number() -> None:
    assert money_of(7, "USDT") == money_of("7", "USDT") == money_of(Decimal(7), "USDT") == 700_000_000


@pytest.mark.parametrize(
    ("text", "what", "mend"),
    [
        ("x", "'x' is not an amount of USDT", "write a plain decimal number"),
        ("1e-9", "1e-9 USDT is finer than its money unit of 1e-8", "round it"),
        ("NaN", "NaN USDT is finer", "round it"),
        ("Infinity", "Infinity USDT is finer", "round it"),
        ("1.000000000000000000000000000000001", "is finer than its money unit", "round it"),
        ("1" + "0" * 20, "does not fit 64-bit money", "use a smaller amount"),
    ],
)
def test_amounts_that_are_no_money_are_refused(text: str, what: str, mend: str) -> None:
    with pytest.raises(InstrumentRefused) as refused:
        money_of(text, "USDT")
    assert what in refused.value.what and refused.value.mend == mend


def test_a_refusal_names_the_unit_of_its_own_currency() -> None:
    with pytest.raises(InstrumentRefused, match="1e-13 BTC is finer than its money unit of 1e-12"):
        money_of("1e-13", "BTC")


@pytest.mark.parametrize("sign", ["", "-"])
def test_money_ends_just_below_the_bound(sign: str) -> None:
    most = f"{sign}46116860184.27387903"
    assert abs(money_of(most, "USDT")) == BOUND - 1
    with pytest.raises(InstrumentRefused, match=f"{sign}46116860184.27387904 USDT does not fit"):
        money_of(f"{sign}46116860184.27387904", "USDT")


@FEW
@given(a=BIG, b=BIG, c=st.integers(1, 2**62))
@example(a=2**62, b=2**62, c=2**62)
@example(a=2**62 - 1, b=2**62, c=2**62)
@example(a=3, b=2**62, c=2**61 + 1)  # a remainder that passes c twice in one round
@example(a=0, b=5, c=3)
@example(a=1, b=5, c=3)
@example(a=5, b=1, c=3)
@example(a=5, b=0, c=3)
def test_muldiv_is_exact_where_the_product_passes_64_bits(a: int, b: int, c: int) -> None:
    assume(a * b // c < 2**63)
    assert muldiv(a, b, c) == a * b // c


@FEW
@given(c=st.integers(2**61 + 1, 2**62), b=st.integers(2**60, 2**62), less=st.integers(0, 1_000))
def test_muldiv_is_exact_where_every_number_is_near_its_bound(c: int, b: int, less: int) -> None:
    for a in (c - less, less, b, c // 2 + less):
        assert muldiv(a, b, c) == a * b // c


@FEW
@given(a=SIGNED, b=SIGNED)
@example(a=0, b=0)
@example(a=1, b=0)
@example(a=0, b=1)
@example(a=-1, b=0)
@example(a=0, b=-1)
@example(a=1, b=-1)
@example(a=-1, b=1)
@example(a=1, b=1)
@example(a=-1, b=-1)
def test_quantities_oppose_each_other_where_their_product_is_negative(a: int, b: int) -> None:
    assert opposes(a, b) == (a * b < 0)


@covers("C19")
@FEW
@given(amount=st.integers(0, 2**58), rate=st.integers(0, 10**8))
@example(amount=10**8, rate=1)
@example(amount=1, rate=10**8)
@example(amount=1, rate=1)
@example(amount=99_999_999, rate=99_999_999)
@example(amount=7, rate=0)
def test_what_we_pay_is_rounded_up_and_what_we_receive_down(amount: int, rate: int) -> None:
    exact = Fraction(amount * rate, 10**8)
    assert rate_up(amount, rate) == rate_signed(amount, rate) == math.ceil(exact)
    assert rate_signed(amount, -rate) == -math.floor(exact)


@FEW
@given(amount=st.integers(0, 2**62), rate=st.integers(0, 10_000_000))
def test_what_we_pay_is_rounded_up_exactly_for_any_money(amount: int, rate: int) -> None:
    assert rate_up(amount, rate) == math.ceil(Fraction(amount * rate, 10**8))
