"""Texts of prices, sizes and amounts are exact, and have the digits of their steps."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.practice.binance.perp_text import share, steps_of

STEPS = st.sampled_from(["0.10", "0.01", "0.0001", "0.5", "1", "0.00000001", "10"])


@given(STEPS, STEPS, st.integers(0, 10**9), st.integers(-(10**9), 10**9))
def test_prices_and_sizes_are_the_instruments_own(tick: str, lot: str, ticks: int, lots: int) -> None:
    one = Instrument("AUSDT", "A", "USDT", "perp", "BINANCE", tick, lot, lot, "100000", "5")
    steps = steps_of(one)
    assert Decimal(steps.price(ticks)) == Decimal(one.price_text(ticks)) and Decimal(steps.size(lots)) == Decimal(one.quantity_text(lots))
    if Decimal(tick) * Decimal(lot) >= Decimal("1e-8"):
        assert Decimal(steps.turnover(ticks)) == Decimal(tick) * Decimal(lot) * ticks


@given(STEPS, st.lists(st.tuples(st.integers(1, 10**7), st.integers(1, 10**6)), min_size=1, max_size=5))
def test_a_mean_price_is_right_to_its_last_digit(tick: str, fills: list[tuple[int, int]]) -> None:
    steps = steps_of(Instrument("AUSDT", "A", "USDT", "perp", "BINANCE", tick, "1", "1", "100000", "5"))
    lots = sum(one[1] for one in fills)
    turnover = sum(ticks * size for ticks, size in fills)
    assert abs(Decimal(steps.mean(turnover, lots)) - Decimal(turnover) * Decimal(tick) / lots) <= Decimal("0.5e-8")
    assert steps.mean(0, 0) == "0.00000000"


def test_rates_have_no_zeros_at_their_end() -> None:
    assert (share(20_000), share(120_000_000), share(0), share(-50_000)) == ("0.0002", "1.2", "0", "-0.0005")
