"""Balances: what is locked is what can be needed, and fills exchange one asset for the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.simulation.exchange_words import ASSET_ONE, NewOrder, Order
from metastackerbandit.simulation.listing import Listing, sizes_of
from metastackerbandit.simulation.queues import BUY, SELL
from metastackerbandit.simulation.spot_money import SpotMoney
from tests.simulation.floor import instrument


def money(base: int, quote: int) -> SpotMoney:
    """One owner with so many coins and dollars; 0.1 % of a maker, 0.2 % of a taker."""
    listing = Listing(instrument(0, "spot"), maker=100_000, taker=200_000)
    made = SpotMoney([listing], [sizes_of(listing)])
    made.open(1, {"AAA": base * ASSET_ONE, "USDT": quote * ASSET_ONE})
    return made


@given(
    side=st.sampled_from([BUY, SELL]), ticks=st.integers(500, 2_000), lots=st.integers(2, 500), better=st.integers(0, 400), part=st.integers(1, 500)
)
def test_a_fill_pays_from_what_is_locked_and_the_rest_comes_back(side: int, ticks: int, lots: int, better: int, part: int) -> None:
    made, part = money(1_000, 100_000), min(part, lots)
    order = Order(1, 1, NewOrder(0, side, "limit", lots, ticks), "", lots, "new", 1, 1)
    assert made.admit(order, lots * ticks) is None
    assert made.total(1, "AAA") == 1_000 * ASSET_ONE and made.total(1, "USDT") == 100_000 * ASSET_ONE
    at = ticks - better if side == BUY else ticks + better
    fill = made.fill(order, 7, part, at, False)
    order.filled += part
    order.status = "filled" if order.left == 0 else "partly_filled"
    made.keep(order)
    base, quote = part * 10**6, part * at * 100_000
    received = base if side == BUY else quote
    assert fill.fee == -(-received // 500) and fill.fee_asset == ("AAA" if side == BUY else "USDT")
    sign = 1 if side == BUY else -1
    assert made.total(1, "AAA") == 1_000 * ASSET_ONE + sign * base - (fill.fee if side == BUY else 0)
    assert made.total(1, "USDT") == 100_000 * ASSET_ONE - sign * quote - (fill.fee if side == SELL else 0)
    assert order.locked == order.left * (ticks * 100_000 if side == BUY else 10**6)
    order.status = "canceled"
    made.keep(order)
    assert sum(made.locked[1].values()) == 0


def test_what_is_not_there_is_refused_and_nothing_is_locked() -> None:
    made = money(1, 10)
    order = Order(1, 1, NewOrder(0, BUY, "limit", 100, 1_000), "", 100, "new", 1, 1)
    assert made.admit(order, 100_001) is not None and made.locked[1]["USDT"] == 0 and order.locked == 0


def test_asked_again_no_more_is_locked_than_is_needed_now() -> None:
    made = money(1, 100)
    order = Order(1, 1, NewOrder(0, BUY, "limit", 100, 1_000), "", 100, "new", 1, 1)
    assert made.admit(order, 100_000) is None and made.admit(order, 40_000) is None
    assert order.locked == 40 * ASSET_ONE and made.free[1]["USDT"] == 60 * ASSET_ONE
