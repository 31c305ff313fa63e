"""Fees in money: exact in the quote currency, by the fill's price in the base coin, never rounded in our favour, and unknown in any other coin."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.execution.fees import fee_money, nearest_tick
from tests.markets import instrument

ONE = instrument("BTCUSDT", "spot", "BINANCE")
UNIT = Fraction(1, 10**8)
fees = st.decimals("-1000", "1000", places=12)
prices = st.decimals("0.0000001", "10000000", places=9)


@given(fees, prices)
def test_a_fee_is_never_understated_nor_overstated_by_a_unit(fee: Decimal, price: Decimal) -> None:
    for asset, paid in (("USDT", Fraction(fee)), ("BTC", Fraction(fee) * Fraction(price))):
        money = fee_money(fee, asset, price, ONE)
        assert money is not None and 0 <= money * UNIT - paid < UNIT


def test_a_fee_in_another_coin_is_not_priced_and_no_fee_is_nothing() -> None:
    assert fee_money(Decimal("0.01"), "BNB", Decimal(50_000), ONE) is None
    assert fee_money(Decimal(0), "BNB", Decimal(50_000), ONE) == 0 == fee_money(Decimal(0), "", Decimal(1), ONE)
    assert fee_money(Decimal("0.00001"), "BTC", Decimal(50_000), ONE) == 50_000_000


@given(st.decimals("0.01", "100000", places=6), st.sampled_from([1, -1]))
def test_a_price_between_two_ticks_is_the_worse_one(price: Decimal, side: int) -> None:
    ticks = nearest_tick(price, side, ONE)
    exact = Fraction(price) * 10
    assert side * (ticks - exact) >= 0 or ticks == 1
    assert abs(ticks - exact) < 1 or ticks == 1


@pytest.mark.parametrize(("price", "side", "ticks"), [("10.01", 1, 101), ("10.01", -1, 100), ("10.1", 1, 101), ("0.01", -1, 1)])
def test_nearest_ticks_by_hand(price: str, side: int, ticks: int) -> None:
    assert nearest_tick(Decimal(price), side, ONE) == ticks
