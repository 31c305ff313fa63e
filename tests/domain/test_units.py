"""Units: text and integers are the same thing, exactly, or refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ConfigRefused, InstrumentRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.money import BOUND, money_digits, money_of, money_text, muldiv, rate_signed, rate_up
from metastackerbandit.domain.timeframe import FRAMES, bars_a_year, frame_name, frame_ns
from tests.covering import covers
from tests.markets import instrument

BIG = st.integers(0, 2**62)


def steps(places: int, unit: int) -> str:
    """unit x 10^-places as text."""
    return format(Decimal(unit).scaleb(-places), "f")


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    """Instruments whose money is exact."""
    tick_places, lot_places = draw(st.integers(0, 5)), draw(st.integers(0, 3))
    tick, lot = draw(st.sampled_from([1, 2, 5])), draw(st.sampled_from([1, 5, 10]))
    unit = tick * lot * 10 ** (8 - tick_places - lot_places)  # money units of a tick of a lot
    most = draw(st.integers(10, min(10**6, BOUND // (1_000 * unit))))  # a thousand ticks of the largest order must fit
    return instrument(
        tick_size=steps(tick_places, tick),
        lot_size=steps(lot_places, lot),
        min_quantity=steps(lot_places, lot),
        max_quantity=steps(lot_places, lot * most),
    )


@covers("A28", "A14", "1.03")
@given(rules=instruments(), ticks=st.integers(1, 10**7), lots=st.integers(-(10**9), 10**9))
def test_text_and_steps_round_trip_exactly(rules: Instrument, ticks: int, lots: int) -> None:
    assume(ticks <= rules.rules().max_ticks)
    assert rules.ticks(rules.price_text(ticks)) == ticks
    assert rules.lots(rules.quantity_text(lots)) == lots
    assert Decimal(rules.price_text(ticks)) == ticks * Decimal(rules.tick_size)


@given(rules=instruments(), lots=st.integers(1, 10**6))
def test_the_largest_order_at_the_highest_price_fits_64_bits(rules: Instrument, lots: int) -> None:
    numbers = rules.rules()
    assert numbers.max_lots * numbers.max_ticks * numbers.unit <= BOUND
    with pytest.raises(InstrumentRefused):
        rules.ticks(rules.price_text(numbers.max_ticks + 1))


@pytest.mark.parametrize("price", ["100.05", "0", "-5", "NaN", "Infinity", "abc", "", "1e400"])
def test_prices_that_are_no_ticks_are_refused(price: str) -> None:
    with pytest.raises(InstrumentRefused) as refused:
        instrument(tick_size="0.1").ticks(price)
    assert refused.value.mend and "BTC-USDT.PERP.TEST" in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tick_size": "0"}, "tick_size"),
        ({"tick_size": "x"}, "tick_size"),
        ({"lot_size": "0.0000000001"}, "money units"),
        ({"max_quantity": "0.0005", "lot_size": "0.0005", "min_quantity": "0.001"}, "below min_quantity"),
        ({"max_quantity": "0.0015"}, "multiple of lot_size"),
        ({"max_quantity": "1000000000000000"}, "overflows"),
        ({"min_notional": "0.000000001"}, "finer"),
    ],
)
def test_rules_that_cannot_be_exact_are_refused_with_the_mend(changes: dict[str, str], what: str) -> None:
    with pytest.raises(InstrumentRefused, match=what) as refused:
        instrument(**changes).rules()
    assert refused.value.mend


@given(units=st.integers(-(2**62) + 1, 2**62 - 1), currency=st.sampled_from(["USDT", "BTC", "EUR"]))
def test_money_text_round_trips(units: int, currency: str) -> None:
    assert money_of(money_text(units, currency), currency) == units
    assert Fraction(Decimal(money_text(units, currency))) == Fraction(units, 10 ** money_digits(currency))


@pytest.mark.parametrize("text", ["1e-9", "x", "NaN", "Infinity", "1" + "0" * 20, "1.000000000000000000000000000000001"])
def test_amounts_that_are_no_money_are_refused(text: str) -> None:
    with pytest.raises(InstrumentRefused):
        money_of(text, "USDT")


@given(a=BIG, b=BIG, c=st.integers(1, 2**62))
def test_muldiv_is_exact_where_the_product_passes_64_bits(a: int, b: int, c: int) -> None:
    assume(a * b // c < 2**63)
    assert muldiv(a, b, c) == a * b // c


@covers("C19")
@given(amount=st.integers(0, 2**58), rate=st.integers(0, 10**8))
def test_what_we_pay_is_rounded_up_and_what_we_receive_down(amount: int, rate: int) -> None:
    exact = Fraction(amount * rate, 10**8)
    assert exact <= rate_up(amount, rate) < exact + 1
    assert exact <= rate_signed(amount, rate) < exact + 1
    assert -exact <= rate_signed(amount, -rate) < -exact + 1


@covers("A33", "E21")
def test_frames_have_one_name_each_and_a_year_of_bars() -> None:
    for name, length in FRAMES.items():
        assert frame_ns(name) == length and frame_name(length) == name
    assert frame_ns("1d") == frame_ns("24h")
    assert bars_a_year(frame_ns("24h")) == 365.25
    assert bars_a_year(frame_ns("5m")) == 365.25 * 288
    with pytest.raises(ConfigRefused, match="use one of"):
        frame_ns("7m")
    with pytest.raises(ConfigRefused):
        frame_name(7)
