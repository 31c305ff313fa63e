"""Triggers are mirror images of each other, and are held against every trade that a ring still has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.simulation.exchange_words import NewOrder
from metastackerbandit.simulation.queues import BUY, SELL, Traded
from metastackerbandit.simulation.triggers import is_met, traded_between

PRICES = st.integers(1, 200)


@given(trigger=PRICES, low=PRICES, more=st.integers(0, 50), sort=st.sampled_from(["stop", "stop_limit", "take_profit", "take_profit_limit"]))
def test_a_buyers_trigger_is_a_sellers_in_the_mirror(trigger: int, low: int, more: int, sort: str) -> None:
    buys = NewOrder(0, BUY, sort, 1, trigger=trigger)  # type: ignore[arg-type]
    sells = NewOrder(0, SELL, sort, 1, trigger=1_000 - trigger)  # type: ignore[arg-type]
    assert is_met(buys, low, low + more) == is_met(sells, 1_000 - low - more, 1_000 - low)


@given(trigger=PRICES, price=PRICES, side=st.sampled_from([BUY, SELL]))
def test_stop_and_take_profit_look_the_other_way_and_both_take_the_price_itself(trigger: int, price: int, side: int) -> None:
    stop, take = (NewOrder(0, side, sort, 1, trigger=trigger) for sort in ("stop", "take_profit"))  # type: ignore[arg-type]
    assert is_met(stop, price, price) or is_met(take, price, price)
    assert (is_met(stop, price, price) and is_met(take, price, price)) == (price == trigger)
    assert not is_met(stop, 0, 0) and not is_met(take, 0, 0), "without a price nothing is met"


def test_the_range_is_of_the_trades_asked_for_that_are_still_known() -> None:
    ring = rows(Traded, 4)
    for number in range(1, 8):
        ring[number % 4]["ticks"] = 100 + number
    assert traded_between(ring, 6, 7) == (106, 107) and traded_between(ring, 1, 7) == (104, 107) and traded_between(ring, 8, 7) == (0, 0)
