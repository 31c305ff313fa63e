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
from metastackerbandit.exchanges.rules import instrument_of
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
