"""Wallets, positions at average cost and margins of perpetuals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.simulation.exchange_words import ASSET_ONE, NewOrder, Order
from metastackerbandit.simulation.listing import Listing, sizes_of
from metastackerbandit.simulation.perp_money import PerpMoney
from metastackerbandit.simulation.queues import BUY, SELL
from tests.simulation.floor import instrument

TRADES = st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 500), st.integers(900, 1_100)), min_size=1, max_size=12)


class Desk:
    """One owner with 1,000 USDT and no fees; orders that rest are listed by hand."""

    def __init__(self) -> None:
        listing = Listing(instrument(0, "perp"), maker=0, taker=0, most_leverage=50)
        self.marks = [1_000]
        self.resting: list[Order] = []
        self.money = PerpMoney([listing], [sizes_of(listing)], self.marks, lambda owner, s: self.resting)
        self.money.open(1, {"USDT": 1_000 * ASSET_ONE})

    def fill(self, side: int, lots: int, ticks: int) -> int:
        """A fill; what it realized."""
        return self.money.fill(order(side, lots, 0), 1, lots, ticks, False).realized


def order(side: int, lots: int, ticks: int) -> Order:
    """An order."""
    return Order(1, 1, NewOrder(0, side, "limit", lots, ticks), "", lots, "new", 1, 1)


@given(trades=TRADES, mark=st.integers(800, 1_200))
def test_equity_is_the_deposit_and_each_trades_way_to_the_mark(trades: list[tuple[int, int, int]], mark: int) -> None:
    desk = Desk()
    for side, lots, ticks in trades:
        desk.fill(side, lots, ticks)
    desk.marks[0] = mark
    way = sum((1 if side == BUY else -1) * lots * (mark - ticks) * 100_000 for side, lots, ticks in trades)
    assert desk.money.wallets[1] + desk.money.unrealized(1, 0) == 1_000 * ASSET_ONE + way


@given(trades=TRADES)
def test_long_and_short_are_mirror_images(trades: list[tuple[int, int, int]]) -> None:
    desk, mirror = Desk(), Desk()
    for rounded, (side, lots, ticks) in enumerate(trades, start=1):  # average cost is cut to whole units once a fill
        assert abs(desk.fill(side, lots, ticks) - mirror.fill(1 - side, lots, 2_000 - ticks)) <= rounded
    held, other = desk.money.held[1][0], mirror.money.held[1][0]
    assert held.lots == -other.lots


def test_the_larger_exposure_counts_and_leverage_divides_it() -> None:
    desk = Desk()
    desk.fill(BUY, 200, 1_000)  # worth 200
    assert desk.money.set_leverage(1, 0, 10) is None
    assert desk.money.initial_margin(1, 0) == 20 * ASSET_ONE
    desk.resting = [order(SELL, 300, 1_000)]
    assert desk.money.initial_margin(1, 0) == 20 * ASSET_ONE, "200 long less 300 sold is 100 short: the position is the larger one"
    desk.resting = [order(BUY, 100, 1_000), order(SELL, 300, 1_000)]
    assert desk.money.initial_margin(1, 0) == 30 * ASSET_ONE
    desk.marks[0] = 900
    assert desk.money.available(1) == (1_000 - 20) * ASSET_ONE - desk.money.initial_margin(1, 0)


def test_an_isolated_position_is_backed_by_what_was_set_aside() -> None:
    desk = Desk()
    assert desk.money.set_isolated(1, 0, True) is None and desk.money.set_isolated(1, 0, True) is not None
    desk.fill(BUY, 200, 1_000)
    assert desk.money.held[1][0].set_aside == 10 * ASSET_ONE
    desk.marks[0] = 500
    assert desk.money.available(1) == 990 * ASSET_ONE, "its loss does not reach the rest of the wallet"
    refused = desk.money.set_isolated(1, 0, False)
    assert refused is not None and refused.why == "open_position"
    desk.fill(SELL, 100, 1_000)
    assert desk.money.held[1][0].set_aside == 5 * ASSET_ONE
    desk.fill(SELL, 100, 1_000)
    assert desk.money.set_isolated(1, 0, False) is None and desk.money.available(1) == 1_000 * ASSET_ONE


def test_margin_is_not_set_free_below_what_is_needed() -> None:
    desk = Desk()
    desk.money.set_leverage(1, 0, 50)
    desk.fill(BUY, 30_000, 1_000)  # worth 30,000, margin 600
    refused = desk.money.set_leverage(1, 0, 20)
    assert refused is not None and refused.why == "margin" and desk.money.held[1][0].leverage == 50
    for leverage in (0, 51):
        refused = desk.money.set_leverage(1, 0, leverage)
        assert refused is not None and refused.why == "leverage"


@given(side=st.sampled_from([BUY, SELL]), rate=st.integers(-50_000, 50_000))
def test_funding_passes_from_the_longs_to_the_shorts_and_no_unit_too_many(side: int, rate: int) -> None:
    desk = Desk()
    desk.fill(side, 333, 1_000)
    change = desk.money.fund(1, 0, rate, 1_001)
    exact = -(1 if side == BUY else -1) * 333 * 1_001 * 100_000 * rate / 1e8
    assert desk.money.wallets[1] == 1_000 * ASSET_ONE + change and exact - 1 <= change <= exact
    assert desk.money.maintenance(1, 0) == -(-333 * 1_000 * 100_000 // 200)
