"""Hard limits: what an unlock says can only narrow them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.hard_limits import HardLimits

money = st.integers(1, 2**62)


@given(position=money, gross=money, order=money, notional=money)
def test_an_unlock_narrows_amounts_and_nothing_else(position: int, gross: int, order: int, notional: int) -> None:
    limits = HardLimits("USDT", position, gross, order, 3, 50, 7)
    within = limits.within(notional)
    assert (within.position, within.gross, within.order) == (min(position, notional), min(gross, notional), min(order, notional))
    assert (within.currency, within.leverage, within.orders_a_day, within.daily_loss) == ("USDT", 3, 50, 7)
