"""A venue's rules as an instrument: what it allows, the venue allows, and 64 bits hold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.money import BOUND
from metastackerbandit.exchanges.binance.symbol_rules import read_rules
from metastackerbandit.exchanges.rules import changes_of, instrument_of
from tests.covering import covers
from tests.exchanges.binance.test_symbol_rules import PERP, SPOT, body

(SPOT_RULES,) = read_rules(body(SPOT | {"filters": SPOT["filters"][:-1]}))
(PERP_RULES,) = read_rules(body(PERP))


@covers("A28")
def test_the_stricter_limits_bind() -> None:
    one = instrument_of(SPOT_RULES, "spot", "BINANCE", Decimal(50_000))
    assert (one.tick_size, one.lot_size, one.min_quantity, one.max_quantity, one.min_notional) == ("0.01", "0.00001", "0.00001", "80.5", "5")
    assert (one.source, one.id) == ("venue", "BTC-USDT.SPOT.BINANCE")
    one = instrument_of(PERP_RULES, "perp", "BINANCE", Decimal(50_000))
    assert (one.tick_size, one.lot_size, one.max_quantity, one.min_notional) == ("0.1", "0.001", "120", "100")


@given(
    price=st.decimals("0.0001", "1000000", places=4),
    tick=st.integers(-8, 2),
    lot=st.integers(-8, 3),
    least=st.integers(1, 1_000),
    most=st.integers(1_000, 10**9),
)
def test_whatever_it_allows_the_venue_allows_and_a_rally_fits(price: Decimal, tick: int, lot: int, least: int, most: int) -> None:
    step = Decimal(1).scaleb(lot)
    rules = replace(
        SPOT_RULES,
        tick_size=Decimal(1).scaleb(tick),
        lot_size=step,
        min_quantity=least * step,
        max_quantity=most * step,
        market_min_quantity=None,
        market_max_quantity=None,
    )
    try:
        one = instrument_of(rules, "spot", "BINANCE", price)
    except InstrumentRefused:
        return
    whole = one.rules()
    assert least == whole.min_lots <= whole.max_lots <= most
    assert 20 * int(price / rules.tick_size) * whole.max_lots * whole.unit <= BOUND


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_trading": False, "status": "HALT"}, "HALT"),
        ({"price_base": Decimal("0.05"), "tick_size": Decimal("0.1")}, "prices go in steps of 0.1 counted from 0.05"),
        ({"lot_base": Decimal("0.0005")}, "quantities go in steps"),
    ],
)
def test_what_cannot_be_traded_exactly_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InstrumentRefused, match=words):
        instrument_of(replace(PERP_RULES, **changes), "perp", "BINANCE", Decimal(50_000))
    with pytest.raises(InstrumentRefused, match="not positive"):
        instrument_of(PERP_RULES, "perp", "BINANCE", Decimal(0))


SWAP = instrument_of(PERP_RULES, "perp", "BINANCE", Decimal(50_000))


def test_an_order_is_no_larger_than_a_position_may_be_or_than_its_notional() -> None:
    held = instrument_of(replace(SPOT_RULES, max_position=Decimal(3)), "spot", "BINANCE", Decimal(50_000))
    worth = instrument_of(replace(SPOT_RULES, max_notional=Decimal(100_000)), "spot", "BINANCE", Decimal(50_000))
    assert (held.max_quantity, worth.max_quantity) == ("3", "2")


@covers("2.123")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"tick_size": Decimal("0.05")}, ""),
        ({"min_notional": Decimal(50), "max_quantity": Decimal(2_000)}, ""),
        ({"tick_size": Decimal("0.2")}, "prices go in steps of 0.2, before 0.1"),
        ({"tick_size": Decimal("0.03")}, "prices go in steps of 0.03"),
        ({"lot_size": Decimal("0.01")}, "quantities go in steps of 0.01, before 0.001"),
        ({"market_lot_size": Decimal("0.002")}, "quantities go in steps of 0.002"),
        ({"min_quantity": Decimal("0.5")}, "the least quantity is 0.5, before 0.001"),
        ({"max_quantity": Decimal(5)}, "the largest quantity is 5, before 120"),
        ({"min_notional": Decimal(150)}, "the least notional is 150, before 100"),
        ({"is_trading": False, "status": "BREAK"}, "its state is BREAK"),
        ({"unread": ("NEW_ONE",)}, "filters that nobody here knows: NEW_ONE"),
    ],
)
def test_a_change_that_would_refuse_our_orders_is_told_and_one_that_would_not_is_none(changes: dict[str, object], words: str) -> None:
    found = changes_of(SWAP, replace(PERP_RULES, **changes))
    assert bool(found) == bool(words) and words in "; ".join(found)


def test_an_instrument_that_is_gone_has_changed() -> None:
    assert changes_of(SWAP, None) == ("it is not listed any more",)


@given(
    tick=st.sampled_from(["0.05", "0.1", "0.2", "0.3"]),
    lot=st.sampled_from(["0.0005", "0.001", "0.002"]),
    least=st.integers(50, 150),
    ticks=st.integers(10_000, 10**6),
    lots=st.integers(1, 120_000),
)
def test_while_nothing_has_changed_every_order_made_before_is_legal_now(tick: str, lot: str, least: int, ticks: int, lots: int) -> None:
    rules = replace(PERP_RULES, tick_size=Decimal(tick), lot_size=Decimal(lot), market_lot_size=None, min_notional=Decimal(least))
    if not changes_of(SWAP, rules):
        price, size = Decimal(SWAP.price_text(ticks)), Decimal(SWAP.quantity_text(lots))
        assert price % rules.tick_size == 0 and size % rules.lot_size == 0
        assert price * size < 100 or price * size >= (rules.min_notional or 0)
