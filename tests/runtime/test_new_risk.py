"""What the last look knows: positions, orders that are out, the highest price known, the day's orders and loss, and what is unlocked now."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metastackerbandit.domain.effects import SubmitOrder
from metastackerbandit.domain.hard_limits import HardLimits
from metastackerbandit.domain.rows import MARKET
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.engine.engine import Engine
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.runtime.new_risk import DayBefore, NewRisk, nothing_limited
from metastackerbandit.storage.unlocks import Locked, Terms, Unlock
from tests.practice.walking import instruments
from tests.runtime.test_live_market import plan

PLAN = plan(tuple(instruments("perp")), ("1m",), "buy_and_hold")
ONE = 10**8  # money of one USDT
LIMITS = HardLimits("USDT", position=10_000 * ONE, gross=15_000 * ONE, order=5_000 * ONE, leverage=1, orders_a_day=4, daily_loss=100 * ONE)
UNLOCK = Unlock(Terms("loopback", "perp", ("BTCUSDT", "ETHUSDT"), "14000", "USDT", 0, 10, "ada", "why", "hash"), 1, "seal")
NOW_NS = 20_000 * DAY_NS + 5
BTC, ETH = 0, 1
LOT_OF_1000 = 100_000  # lots of BTC (1e-5) that are worth 1,000 USDT at the price below
PRICE = 100_000  # ticks of 0.01


class Stage:
    """An engine with prices, and the look at its orders."""

    def __init__(self, before: DayBefore | None = None, **limits: Any) -> None:
        self.engine = Engine(PLAN)
        for seat in self.engine.world.seats:
            seat.position.mark = PRICE
        self.unlocked: Unlock | Locked = UNLOCK
        self.look = NewRisk(PLAN, self.engine, replace(LIMITS, **limits), lambda: self.unlocked, before or DayBefore(NOW_NS // DAY_NS * DAY_NS, 0, 0))

    def ask(self, book: int, lots: int, *out: HeldOrder, now_ns: int = NOW_NS) -> str:
        """The look at an order, while others are out."""
        return self.look.objection(SubmitOrder(book, 9, 9, MARKET, lots, 0, 0, 0, now_ns), out, now_ns)


def held(book: int, lots: int, *, filled: int = 0, reduces: bool = False) -> HeldOrder:
    """An order that is out."""
    return HeldOrder(book, 1, 1, MARKET, 1 if lots > 0 else -1, abs(lots), 0, reduces, NOW_NS, filled=filled)


def test_an_order_within_the_limits_goes_and_one_beyond_them_is_refused_with_numbers() -> None:
    stage = Stage()
    assert stage.ask(BTC, 5 * LOT_OF_1000) == ""
    assert stage.ask(BTC, 5 * LOT_OF_1000 + 1) == "the order could come to 5000.01 USDT, and the hard limits allow 5000 USDT (max_order)"


def test_what_is_held_and_what_is_out_counts_and_what_is_filled_or_reduces_does_not_count_twice() -> None:
    stage = Stage()
    stage.engine.world.seats[BTC].position.lots = 3 * LOT_OF_1000
    out = held(BTC, 4 * LOT_OF_1000, filled=LOT_OF_1000)
    assert "the position in BTCUSDT could come to 11000 USDT" in stage.ask(BTC, 5 * LOT_OF_1000, out)
    assert stage.ask(BTC, 4 * LOT_OF_1000, out, held(BTC, -3 * LOT_OF_1000, reduces=True)) == ""


def test_all_positions_together_are_bound_by_limits_and_unlock_alike() -> None:
    stage = Stage()
    stage.engine.world.seats[BTC].position.lots = -10 * LOT_OF_1000
    lots = 4 * 10_000  # ETH has lots of 1e-4
    assert stage.ask(ETH, lots) == "" and "could come to 14000.1 USDT, and the hard limits allow 14000 USDT (max_gross)" in stage.ask(ETH, lots + 1)


@pytest.mark.parametrize(("mark", "ask", "refused"), [(PRICE, 0, False), (0, PRICE, False), (PRICE, 2 * PRICE, True), (0, 0, True)])
def test_the_highest_price_known_counts_and_none_refuses(mark: int, ask: int, refused: bool) -> None:
    stage = Stage()
    stage.engine.world.seats[BTC].position.mark, stage.engine.world.seats[BTC].touch.ask = mark, ask
    assert bool(stage.ask(BTC, 4 * LOT_OF_1000)) == refused


def test_an_unlock_that_ends_or_has_other_symbols_refuses_from_then_on() -> None:
    stage = Stage()
    assert stage.ask(BTC, 10) == ""
    stage.unlocked = replace(UNLOCK, terms=replace(UNLOCK.terms, symbols=("ETHUSDT",)))
    assert stage.ask(BTC, 10) == "BTCUSDT is not unlocked: ETHUSDT is"
    stage.unlocked = Locked("the unlock of loopback perp has expired")
    assert stage.ask(ETH, 10) == "the unlock of loopback perp has expired"


def test_orders_are_counted_by_day_with_those_of_before_and_refused_ones_are_not() -> None:
    stage = Stage(DayBefore(NOW_NS // DAY_NS * DAY_NS, 2, 0))
    assert stage.ask(BTC, 50 * LOT_OF_1000) and not stage.ask(BTC, 10) and not stage.ask(BTC, 10)
    assert stage.ask(BTC, 10) == "it would be order 5 of new risk today, and the hard limits allow 4 (max_orders_a_day)"
    assert stage.ask(BTC, 10, now_ns=NOW_NS + DAY_NS) == ""


@pytest.mark.parametrize(("earlier", "own", "is_refused"), [(0, 99, False), (0, 100, True), (60, 40, True), (100, 0, True), (150, -51, False)])
def test_the_day_s_loss_is_that_of_this_run_and_of_those_before_it(earlier: int, own: int, is_refused: bool) -> None:
    stage = Stage(DayBefore(NOW_NS // DAY_NS * DAY_NS, 0, earlier * ONE))
    account = stage.engine.world.account[0]
    account.breakers.day_equity = int(account.cash) + own * ONE
    assert ("were lost today" in stage.ask(BTC, 10)) == is_refused
    assert ("were lost today" in stage.ask(BTC, 10, now_ns=NOW_NS + DAY_NS)) == (own >= 100), "what others lost yesterday is over"


@settings(max_examples=50)
@given(orders=st.lists(st.tuples(st.sampled_from([BTC, ETH]), st.integers(-800_000, 800_000).filter(bool)), max_size=12))
def test_no_sequence_of_orders_that_are_out_passes_the_limits(orders: list[tuple[int, int]]) -> None:
    stage, out = Stage(orders_a_day=6), list[HeldOrder]()
    for book, lots in orders:
        if not stage.ask(book, lots, *out):
            out.append(held(book, lots))
    units = [book.instrument.rules().unit for book in PLAN.books]
    sides = [max(sum(one.left for one in out if (one.instrument, one.side) == (book, side)) for side in (1, -1)) for book in (BTC, ETH)]
    worth = [lots * PRICE * unit for lots, unit in zip(sides, units, strict=True)]
    assert all(one <= LIMITS.position for one in worth) and sum(worth) <= 14_000 * ONE and len(out) <= 6


def test_where_no_real_money_is_traded_nothing_is_limited() -> None:
    assert nothing_limited(SubmitOrder(0, 1, 1, MARKET, 10**12, 0, 0, 0, 0), (), 0) == ""
