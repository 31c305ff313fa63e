"""Settings against hard limits: each that exceeds one is named with both numbers, and none that is within them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.config.loading import load
from metastackerbandit.config.schema import Config
from metastackerbandit.config.within_limits import excesses, refuse_excess
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.hard_limits import HardLimits

ONE = 10**8
LIMITS = HardLimits("USDT", 100 * ONE, 200 * ONE, 100 * ONE, 2, 50, 20 * ONE)
MODEST = ("account.deposit=100", "risk.max_symbol_exposure=1", "risk.max_gross_exposure=1", "execution.max_orders_a_day=25")
BOTH = ("BTCUSDT", "ETHUSDT")


def config(*sets: str) -> Config:
    """Settings over modest ones."""
    return load([], {}, (*MODEST, *sets)).config


def test_modest_settings_are_within_the_limits() -> None:
    refuse_excess(config(), BOTH, LIMITS, 150 * ONE)


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (
            ("risk.max_symbol_exposure=1.5", "risk.max_gross_exposure=1.5"),
            ("comes to 150 USDT, beyond max_position = 100", "max_order"),
        ),
        (("symbols.ETHUSDT.risk.max_symbol_exposure=2", "risk.max_gross_exposure=2"), ("comes to 200 USDT, beyond max_position = 100",)),
        (
            ("account.deposit=250", "risk.max_symbol_exposure=0.4"),
            ("risk.max_gross_exposure of account.deposit comes to 200", "the unlock's"),
        ),
        (("account.deposit=700",), ("risk.max_daily_loss of account.deposit comes to 21 USDT, beyond max_daily_loss = 20",)),
        (("orders.leverage=3",), ("orders.leverage = 3 is beyond max_leverage = 2",)),
        (("risk.max_gross_exposure=1.25",), ("1.25 times the deposit, which orders.leverage = 1 cannot carry",)),
        (("execution.max_orders_a_day=26",), ("execution.max_orders_a_day comes to 52 over all books, beyond max_orders_a_day = 50",)),
        (("account.currency=USDC",), ("account.currency is USDC, and the limits are in USDT",)),
    ],
)
def test_a_setting_that_exceeds_a_limit_is_named_with_both_numbers(sets: tuple[str, ...], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigRefused) as error:
        refuse_excess(config(*sets), BOTH, LIMITS, 150 * ONE)
    assert all(one in error.value.what for one in words), error.value.what


@given(
    deposit=st.integers(1, 10_000),
    symbol=st.integers(1, 200),
    more=st.integers(0, 200),
    position=st.integers(1, 5_000),
    most=st.integers(1, 10_000),
    unlocked=st.integers(1, 10_000),
)
def test_what_is_within_the_limits_cannot_size_beyond_them(deposit: int, symbol: int, more: int, position: int, most: int, unlocked: int) -> None:
    gross = symbol + more
    sets = (f"account.deposit={deposit}", f"risk.max_symbol_exposure={symbol / 100}", f"risk.max_gross_exposure={gross / 100}", "orders.leverage=4")
    limits = HardLimits("USDT", position * ONE, most * ONE, position * ONE, 4, 50, 10_000 * ONE)
    if not list(excesses(config(*sets), BOTH, limits, unlocked * ONE)):
        largest = Decimal(deposit) * symbol / 100
        assert largest <= position and min(2 * largest, Decimal(deposit) * gross / 100) <= min(most, unlocked)
