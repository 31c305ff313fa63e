"""A recording on a venue's floor: books, trades and marks as they were told, until it ends."""

from __future__ import annotations

import numpy as np

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import MarkRow
from metastackerbandit.domain.timeframe import HOUR_NS, SECOND_NS
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.recorded_source import RecordedSource
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.tape import book_side, trades_between
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import NewOrder, Order, Refusal
from metastackerbandit.simulation.flow import LEVEL, PRINT, Flow
from metastackerbandit.simulation.listing import Listing
from metastackerbandit.simulation.queues import BUY, SELL
from tests.practice.walking import GIVEN, instruments

BEGUN_NS = 1_790_000_000 * SECOND_NS
TOLD = [
    *((-5, LEVEL, side, 6_000_000 + (k if side else -k), 1_000 * k) for k in range(1, 6) for side in (BUY, SELL)),
    (-4, PRINT, BUY, 6_000_001, 77),
    (1, LEVEL, BUY, 5_999_999, 0),
    (2, PRINT, SELL, 5_999_998, 300),
    (2, LEVEL, BUY, 5_999_998, 1_700),
    (9, LEVEL, SELL, 6_000_001, 40),
]


def recorded(*told: tuple[int, int, int, int, int]) -> np.ndarray:
    """Rows of flow: second, what, side, ticks, lots."""
    made = rows(Flow, len(told))
    for n, (second, what, side, ticks, lots) in enumerate(told):
        made[n] = (BEGUN_NS + second * SECOND_NS, 0, what, side, ticks, lots)
    return made


def marked(*told: tuple[int, float, int]) -> np.ndarray:
    """Marks: second, price, rate."""
    made = rows(MarkRow, len(told))
    for n, (second, price, rate) in enumerate(told):
        made[n] = (0, BEGUN_NS + second * SECOND_NS, 0, price, price, rate, 0)
    return made


def floor(market: str = "spot", funding: FundingBoard | None = None, marks: np.ndarray | None = None) -> Floor:
    """A floor on the recording, with an owner."""
    exchange = Exchange([Listing(instruments(market)[0])])
    exchange.open(1, GIVEN)
    source = RecordedSource(1, recorded(*TOLD), marked() if marks is None else marks, BEGUN_NS + 9 * SECOND_NS, funding)
    return Floor(exchange, source, BEGUN_NS, PracticeSettings())


def best(ground: Floor) -> tuple[int, int]:
    """The best bid and ask."""
    return book_side(ground.exchange.queues, 0, BUY, 1)[0][0], book_side(ground.exchange.queues, 0, SELL, 1)[0][0]


def test_it_begins_with_the_book_as_it_stands_and_plays_what_follows() -> None:
    ground = floor()
    assert best(ground) == (5_999_999, 6_000_001) and int(ground.exchange.queues.row[0]["trade"]) == 0, "what was before is not traded again"
    ground.advance(BEGUN_NS + SECOND_NS)
    assert best(ground) == (5_999_998, 6_000_001)
    ground.advance(BEGUN_NS + 9 * SECOND_NS)
    (trade,) = trades_between(ground.exchange.queues, 0, 0, 9)
    assert trade[1:5] == (BEGUN_NS + 2 * SECOND_NS, 5_999_998, 300, 1)
    assert book_side(ground.exchange.queues, 0, BUY, 1) == [(5_999_998, 1_700)] and book_side(ground.exchange.queues, 0, SELL, 1) == [(6_000_001, 40)]


def test_a_recorded_trade_fills_who_came_first_and_then_who_stands_behind() -> None:
    ground = floor()
    ground.advance(BEGUN_NS + SECOND_NS)
    order = ground.exchange.place(1, NewOrder(0, BUY, "limit", 2_000, 5_999_998), ground.now_ns)
    better = ground.exchange.place(1, NewOrder(0, BUY, "limit", 100, 5_999_999), ground.now_ns)
    ground.advance(BEGUN_NS + 3 * SECOND_NS)
    assert isinstance(order, Order) and isinstance(better, Order)
    assert (better.filled, order.filled) == (100, 0), "200 of 300 passed the 2,000 that stood before"


def test_it_is_over_when_the_recording_is() -> None:
    ground = floor()
    ground.advance(BEGUN_NS + 9 * SECOND_NS)
    assert ground.exchange.listings[0].is_trading
    ground.advance(BEGUN_NS + 10 * SECOND_NS)
    assert not ground.exchange.listings[0].is_trading
    assert ground.exchange.place(1, NewOrder(0, BUY, "market", 2_000), ground.now_ns) == Refusal("closed")


def test_marks_and_rates_are_the_recorded_ones_each_at_its_time() -> None:
    funding = FundingBoard(1, HOUR_NS, BEGUN_NS)
    funding.next_ns = BEGUN_NS + 5 * SECOND_NS
    ground = floor("perp", funding, marked((0, 60_001.234, 4_000), (4, 60_002.0, -3_000), (6, 60_003.0, 9_000)))
    assert (ground.exchange.marks, funding.rates) == ([6_000_123], [4_000])
    ground.advance(BEGUN_NS + 8 * SECOND_NS)
    assert (ground.exchange.marks, funding.rates) == ([6_000_300], [9_000])
    assert [(one.rate, one.mark) for one in funding.settled[0]] == [(-3_000, 6_000_200)]


def test_without_recorded_marks_a_perpetuals_mark_is_the_middle_and_then_the_newest_trade() -> None:
    ground = floor("perp", FundingBoard(1, HOUR_NS, BEGUN_NS))
    assert ground.exchange.marks == [6_000_000]
    ground.advance(BEGUN_NS + 3 * SECOND_NS)
    assert ground.exchange.marks == [5_999_998]
