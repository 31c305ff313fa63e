"""Funding is settled at every boundary of the clock, once, and what was settled can be asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.practice.funding import FundingBoard, Settlement
from metastackerbandit.simulation.exchange_words import BalanceEvent, NewOrder
from metastackerbandit.simulation.queues import BUY
from tests.simulation.floor import exchange, placed

START_NS = 1_000 * HOUR_NS + 7


@given(st.lists(st.integers(1, 5 * HOUR_NS), max_size=12), st.sampled_from([1, 4, 8]))
def test_every_boundary_that_passes_is_settled_once(spans: list[int], hours: int) -> None:
    made, board, now_ns = exchange("perp"), FundingBoard(1, hours * HOUR_NS, START_NS), START_NS
    for span in spans:
        now_ns += span
        before = len(board.settled[0])
        assert board.settle_due(made, now_ns) == (len(board.settled[0]) > before)
        assert now_ns < board.next_ns <= now_ns + board.interval_ns
    first = START_NS // board.interval_ns + 1
    due = [n * board.interval_ns for n in range(first, now_ns // board.interval_ns + 1)]
    assert [one.at_ns for one in board.settled[0]] == due


def test_longs_pay_what_the_board_says_and_hear_of_it() -> None:
    made, board = exchange("perp"), FundingBoard(1, HOUR_NS, START_NS)
    placed(made, 1, NewOrder(0, BUY, "market", 100), START_NS)
    made.drain()
    board.rates[0] = 50_000
    before = made.perp.wallets[1]
    board.settle_due(made, board.next_ns + 3)
    (event,) = made.drain()
    assert isinstance(event, BalanceEvent) and (event.why, event.owner, event.positions) == ("funding", 1, (0,))
    assert event.change == made.perp.wallets[1] - before == -(100 * 1_000 * made.sizes[0].unit * 50_000 // 10**8)
    assert list(board.settled[0]) == [Settlement(1_001 * HOUR_NS, 50_000, 1_000)]


def test_the_oldest_settlements_are_forgotten() -> None:
    made, board = exchange("perp"), FundingBoard(1, HOUR_NS, START_NS, kept=3)
    board.settle_due(made, START_NS + 10 * HOUR_NS)
    assert [one.at_ns // HOUR_NS for one in board.settled[0]] == [1_008, 1_009, 1_010]
