"""The book against a plain dictionary of levels, and what a side forgets when it is full."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import DepthRow
from metastackerbandit.market.book import Book, change, empty_books, is_crossed, lots_to, place_of, put, replace

LEVELS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=30)


def sent(book: Book, bids: list[tuple[int, int]], asks: list[tuple[int, int]], *, whole: bool = False, last_id: int = 7) -> None:
    """Hand a message to the first book."""
    depth = rows(DepthRow, 1)[0]
    depth.bids, depth.asks, depth.last_id, depth.exchange_ns, depth.received_ns = len(bids), len(asks), last_id, 5, 6
    levels = [np.array([*side, (0, 0)], np.int64) for side in (bids, asks)]
    (replace if whole else change)(book.row[0], book.bids[0], book.asks[0], depth, *levels)


def side_of(book: Book, name: str) -> list[tuple[int, int]]:
    """Levels of the first book, the best first."""
    count = int(book.row[0][name])
    return [(int(ticks), int(lots)) for ticks, lots in getattr(book, name)[0, :count][::-1]]


def of_dictionary(levels: dict[int, int], sign: int) -> list[tuple[int, int]]:
    """The same from a dictionary."""
    return sorted(((ticks, lots) for ticks, lots in levels.items() if lots), key=lambda level: -sign * level[0])


@given(messages=st.lists(st.tuples(LEVELS, LEVELS), max_size=6))
def test_a_book_is_the_last_size_of_each_price_the_best_last(messages: list[Any]) -> None:
    book = empty_books(1, 64)
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    for number, (more_bids, more_asks) in enumerate(messages):
        sent(book, more_bids, more_asks, last_id=number)
        bids |= dict(more_bids)
        asks |= dict(more_asks)
        assert side_of(book, "bids") == of_dictionary(bids, 1)
        assert side_of(book, "asks") == of_dictionary(asks, -1)
        row = book.row[0]
        assert (row.last_id, row.exchange_ns, row.received_ns, row.forgotten) == (number, 5, 6, 0)
        best_bid, best_ask = max((t for t, q in bids.items() if q), default=0), min((t for t, q in asks.items() if q), default=99)
        assert bool(is_crossed(row, book.bids[0], book.asks[0])) == (best_bid >= best_ask)


@given(before=LEVELS, bids=LEVELS, asks=LEVELS)
def test_a_snapshot_forgets_what_was_before_and_is_known_to_its_ends(before: Any, bids: Any, asks: Any) -> None:
    book = empty_books(1, 64)
    sent(book, before, before)
    sent(book, bids, asks, whole=True)
    left, right = of_dictionary(dict(bids), 1), of_dictionary(dict(asks), -1)
    assert (side_of(book, "bids"), side_of(book, "asks")) == (left, right)
    assert book.row[0].known_bid == (left[-1][0] if left else 0)
    assert book.row[0].known_ask == (right[-1][0] if right else 0)


@given(levels=st.permutations(range(1, 41)))
def test_a_full_side_forgets_its_farthest_quarter_and_says_how_far_it_is_known(levels: list[int]) -> None:
    book = empty_books(1, 16)
    sent(book, [(ticks, 1) for ticks in levels], [(ticks, 1) for ticks in levels])
    bids, asks = [ticks for ticks, _ in side_of(book, "bids")], [ticks for ticks, _ in side_of(book, "asks")]
    row = book.row[0]
    assert bids[:4] == [40, 39, 38, 37] and asks[:4] == [1, 2, 3, 4]
    assert row.forgotten == 80 - len(bids) - len(asks) and 12 <= len(bids) <= 16
    known = [ticks for ticks in range(1, 41) if ticks >= row.known_bid]
    assert [ticks for ticks in bids if ticks >= row.known_bid] == known[::-1]
    assert [ticks for ticks in asks if ticks <= row.known_ask] == list(range(1, int(row.known_ask) + 1))


@pytest.mark.parametrize("capacity", [1, 2, 3, 5])
def test_the_smallest_side_keeps_the_best_that_fit(capacity: int) -> None:
    book, message = empty_books(1, capacity), rows(DepthRow, 1)
    for n, ticks in enumerate((100, 103, 101, 104, 102, 99)):
        message[0]["bids"], message[0]["last_id"] = 1, n + 1
        change(book.row[0], book.bids[0], book.asks[0], message[0], np.array([[ticks, 7]]), np.zeros((1, 2), np.int64))
    count = int(book.row[0]["bids"])
    kept = book.bids[0, :count, 0].tolist()
    assert 1 <= count <= capacity and kept == sorted(kept) and (kept[-1] == 104 or capacity == 1)


@given(prices=st.sets(st.integers(1, 60), max_size=20), wanted=st.integers(1, 60), sign=st.sampled_from([1, -1]))
def test_a_price_has_the_first_place_that_is_not_worse(prices: set[int], wanted: int, sign: int) -> None:
    side = np.zeros((32, 2), np.int64)
    ordered = sorted(prices, key=lambda ticks: sign * ticks)
    side[: len(ordered), 0] = ordered
    assert place_of(side, len(ordered), sign, wanted) == sum(sign * ticks < sign * wanted for ticks in ordered)


def test_a_level_that_was_never_there_may_go() -> None:
    book = empty_books(1, 4)
    sent(book, [(5, 0)], [(6, 0)])
    assert side_of(book, "bids") == side_of(book, "asks") == []


@given(levels=LEVELS, ticks=st.integers(0, 61))
def test_lots_up_to_a_price(levels: Any, ticks: int) -> None:
    for sign in (1, -1):
        side, count = np.zeros((64, 2), np.int64), 0
        for price, lots in levels:
            count = put(side, count, sign, price, lots)
        expected = sum(lots for price, lots in dict(levels).items() if sign * price >= sign * ticks)
        assert lots_to(side, count, sign, ticks) == expected


def test_books_of_several_instruments_do_not_touch_each_other() -> None:
    book = empty_books(2, 8)
    sent(book, [(5, 1)], [(7, 2)])
    assert book.row[1].bids == book.row[1].asks == 0 and not book.bids[1].any()
