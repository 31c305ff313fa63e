"""Parameters are read as what they must be, or refused with the venue's code; a strict venue refuses what nobody reads."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.practice.replies import Parameters, WireRefusal, one_or_all


def code(what) -> int:
    with pytest.raises(WireRefusal) as refusal:
        what()
    return refusal.value.code


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    given = Parameters({"n": text})
    for read in (lambda: given.whole("n"), lambda: given.decimal("n"), lambda: given.flag("n")):
        try:
            read()
        except WireRefusal as refusal:
            assert refusal.code in (-1100, -1102, -1105)


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_are_read(number: int) -> None:
    assert Parameters({"n": str(number)}).whole("n") == number


@pytest.mark.parametrize(("text", "value"), [("1", Decimal(1)), ("0.10", Decimal("0.1")), (".5", Decimal("0.5")), ("5.", Decimal(5))])
def test_decimals_are_read_exactly(text: str, value: Decimal) -> None:
    assert Parameters({"n": text}).decimal("n") == value


@pytest.mark.parametrize("text", ["-1", "1e5", "NaN", "1.2.3", ".", "٣", "1" * 21, "1." + "0" * 21])
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    assert code(lambda: Parameters({"n": text}).decimal("n")) in (-1100, -1102)


def test_what_is_missing_is_named() -> None:
    given = Parameters({"a": ""})
    assert code(lambda: given.text("b")) == -1102 and code(lambda: given.maybe("a")) == -1105
    assert given.whole("c", 7) == 7 and given.flag("d", True) and given.decimal("e") is None
    assert code(lambda: given.whole("f")) == -1102 and code(lambda: Parameters({"n": "11"}).whole("n", 1, 0, 10)) == -1102


def test_words_are_one_of_a_list_or_refused_as_asked() -> None:
    assert Parameters({"w": "GTC"}).one_of("w", ("GTC", "IOC"), None) == "GTC"
    assert code(lambda: Parameters({"w": "gtc"}).one_of("w", ("GTC",), (400, -1115, "Invalid timeInForce."))) == -1115
    assert code(lambda: Parameters({"w": "gtc"}).one_of("w", ("GTC",), None)) == -1102
    assert Parameters({}).one_of("w", ("GTC",), None, "GTC") == "GTC"


def test_a_weight_may_depend_on_whether_a_symbol_is_named() -> None:
    weight = one_or_all(2, 80)
    assert (weight(Parameters({"symbol": "BTCUSDT"})), weight(Parameters({}))) == (2, 80)


def test_a_strict_venue_refuses_what_nobody_reads() -> None:
    sent = {"a": "1", "more": "2", "timestamp": "3"}
    for is_strict in (False, True):
        given = Parameters(sent, is_strict=is_strict)
        given.text("a")
        if is_strict:
            assert code(given.settle) == -1104
            given.maybe("more")
        given.settle()
