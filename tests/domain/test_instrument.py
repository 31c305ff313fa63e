"""An instrument's steps: price and quantity text and whole steps are the same thing, exactly, or refused with the mend."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.instrument import MOST_TICKS, Instrument, Rules
from metastackerbandit.domain.money import BOUND
from tests.covering import covers
from tests.markets import instrument


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
@settings(max_examples=50)
@given(rules=instruments(), ticks=st.integers(1, 10**7), lots=st.integers(-(10**9), 10**9))
def test_text_and_steps_round_trip_exactly(rules: Instrument, ticks: int, lots: int) -> None:
    assume(ticks <= rules.rules().max_ticks)
    assert rules.ticks(rules.price_text(ticks)) == ticks
    assert rules.lots(rules.quantity_text(lots)) == lots
    assert Decimal(rules.price_text(ticks)) == ticks * Decimal(rules.tick_size)
    assert Decimal(rules.quantity_text(lots)) == lots * Decimal(rules.lot_size)


@settings(max_examples=50)
@given(rules=instruments())
def test_the_largest_order_at_the_highest_price_fits_64_bits(rules: Instrument) -> None:
    numbers = rules.rules()
    assert numbers.max_lots * numbers.max_ticks * numbers.unit <= BOUND
    assert numbers.max_ticks == MOST_TICKS or numbers.max_lots * (numbers.max_ticks + 1) * numbers.unit > BOUND
    assert rules.ticks(rules.price_text(numbers.max_ticks)) == numbers.max_ticks
    with pytest.raises(InstrumentRefused, match="beyond what 64-bit money can hold") as refused:
        rules.ticks(rules.price_text(numbers.max_ticks + 1))
    assert refused.value.what == f"price {rules.price_text(numbers.max_ticks + 1)} is beyond what 64-bit money can hold ({numbers.max_ticks} steps)"
    assert refused.value.mend == "use larger steps"


def test_rules_in_integers() -> None:
    """A tick of 0.1 and a lot of 0.001 are 1e-4 dollars, 10,000 units of 1e-8; 10^6 lots leave room for 4.6e8 ticks."""
    assert instrument().rules() == Rules(unit=10_000, min_lots=1, max_lots=10**6, max_ticks=461_168_601, min_notional=500_000_000, is_spot=False)
    spot = instrument(market="spot", min_quantity="0.002", max_quantity="0.002", min_notional="0").rules()
    assert (spot.min_lots, spot.max_lots, spot.min_notional, spot.is_spot, spot.max_ticks) == (2, 2, 0, True, MOST_TICKS)
    coins = Instrument("ETHBTC", "ETH", "BTC", "spot", "TEST", "0.00001", "0.0001", "0.0001", "100", "0.0001").rules()
    assert (coins.unit, coins.min_notional) == (1_000, 10**8)  # of 1e-12 BTC
    least = instrument(tick_size="0.00001", min_quantity="0.001", max_quantity="0.001").rules()
    assert (least.unit, least.min_lots, least.max_lots) == (1, 1, 1)


def test_an_order_of_nothing_is_never_the_smallest() -> None:
    with pytest.raises(InstrumentRefused, match="min_quantity 0 is not positive"):
        instrument(min_quantity="0").rules()


def test_an_instrument_is_named_by_what_is_traded_against_what_as_what_and_where() -> None:
    assert instrument().id == "BTC-USDT.PERP.TEST"
    assert instrument("ETHUSDT", "spot").id == "ETH-USDT.SPOT.TEST"


def test_examples_of_text_and_steps() -> None:
    rules = instrument()
    assert rules.ticks("100.10") == rules.ticks(Decimal("100.1")) == 1_001
    assert (rules.lots("0.005"), rules.lots("-2"), rules.lots("0"), rules.lots(Decimal("-0.001"))) == (5, -2_000, 0, -1)
    assert (rules.price_text(1_001), rules.quantity_text(-5), rules.money_text(150_000_000)) == ("100.1", "-0.005", "1.5")
    small = Instrument("PEPEBTC", "PEPE", "BTC", "spot", "TEST", "0.00000001", "0.0000001", "1", "9", "0")
    assert (small.price_text(3), small.quantity_text(-3), small.money_text(5)) == ("0.00000003", "-0.0000003", "0.000000000005")
    with pytest.raises(InstrumentRefused, match="not a whole number of money units of 1e-12"):
        small.rules()
    assert rules.lots("4611686018427387.904") == BOUND
    for beyond in ("4611686018427387.905", "-4611686018427387.905"):
        with pytest.raises(InstrumentRefused, match=r"quantity 4611686018427387.905 is beyond"):
            rules.lots(beyond)


@pytest.mark.parametrize(
    ("price", "what", "mend"),
    [
        ("100.05", "price 100.05 is not a multiple of tick_size 0.1", "round it, or mend the instrument's tick_size"),
        ("0", "price 0 is not positive", "check the source"),
        ("-5", "price -5 is not positive", "check the source"),
        ("NaN", "price NaN is not a multiple", "round it, or mend the instrument's tick_size"),
        ("Infinity", "price Infinity is not a multiple", "round it, or mend the instrument's tick_size"),
        ("abc", "price 'abc' is not a number", "write a plain decimal number"),
        ("", "price '' is not a number", "write a plain decimal number"),
        ("1e400", "price 1e400 is beyond what 64-bit money can hold", "use larger steps"),
    ],
)
def test_prices_that_are_no_ticks_are_refused(price: str, what: str, mend: str) -> None:
    with pytest.raises(InstrumentRefused) as refused:
        instrument(tick_size="0.1").ticks(price)
    assert what in refused.value.what
    assert (refused.value.mend, refused.value.where) == (mend, "BTC-USDT.PERP.TEST")


def test_a_quantity_off_the_grid_is_refused_by_its_own_name() -> None:
    with pytest.raises(InstrumentRefused, match=r"quantity 0\.0005 is not a multiple of lot_size 0\.001"):
        instrument().lots("-0.0005")


@pytest.mark.parametrize(
    ("changes", "what", "mend"),
    [
        ({"tick_size": "0"}, "tick_size 0 is not positive", "mend the rules"),
        ({"tick_size": "-1"}, "tick_size -1 is not positive", "mend the rules"),
        ({"lot_size": "Infinity"}, "lot_size Infinity is not positive", "mend the rules"),
        ({"tick_size": "x"}, "tick_size 'x' is not a number", "write a plain decimal number"),
        (
            {"lot_size": "0.0000000001"},
            "one tick of one lot is 0.00000000001 USDT, not a whole number of money units of 1e-8",
            "use a larger lot_size",
        ),
        ({"tick_size": "1.5", "lot_size": "0.00000001"}, "not a whole number of money units", "use a larger lot_size"),
        (
            {"max_quantity": "0.0005", "lot_size": "0.0005", "min_quantity": "0.001"},
            "0.0005 is below min_quantity",
            "raise max_quantity",
        ),
        ({"max_quantity": "0.0015"}, "max_quantity 0.0015 is not a multiple of lot_size 0.001", "mend the rules"),
        ({"min_quantity": "0.0015"}, "min_quantity 0.0015 is not a multiple of lot_size 0.001", "mend the rules"),
        (
            {"max_quantity": "1000000000000000"},
            "64-bit money overflows at 0 ticks of 1000000000000000 BTC",
            "lower max_quantity or use a larger lot_size",
        ),
        ({"min_notional": "0.000000001"}, "min_notional 0.000000001 is finer than the money unit", "round it"),
        ({"min_notional": "-1"}, "min_notional -1 is not positive", "mend the rules"),
    ],
)
def test_rules_that_cannot_be_exact_are_refused_with_the_mend(changes: dict[str, str], what: str, mend: str) -> None:
    with pytest.raises(InstrumentRefused) as refused:
        instrument(**changes).rules()
    assert what in refused.value.what
    assert (refused.value.mend, refused.value.where) == (mend, "BTC-USDT.PERP.TEST")


def test_a_thousand_ticks_of_the_largest_order_must_fit() -> None:
    """2^62 units over 10,000 of a tick of a lot are 461,168,601,842,738 tick-lots."""
    assert instrument(max_quantity="461168601.842").rules().max_ticks == 1_000
    with pytest.raises(InstrumentRefused, match="overflows at 999 ticks"):
        instrument(max_quantity="461168601.843").rules()
