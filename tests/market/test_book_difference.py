"""How two books differ, held against sets of levels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import DepthRow
from metastackerbandit.market.book import Book, empty_books, replace
from metastackerbandit.market.book_difference import differing_levels

SIDES = st.dictionaries(st.integers(1, 30), st.integers(1, 3), max_size=12)


def book_of(bids: dict[int, int], asks: dict[int, int], known: tuple[int, int] = (0, 0)) -> Book:
    """A book of these levels, known as far as is said (0: throughout)."""
    book, depth = empty_books(1, 64), rows(DepthRow, 1)[0]
    depth.bids, depth.asks = len(bids), len(asks)
    replace(book.row[0], book.bids[0], book.asks[0], depth, *(np.array([*side.items(), (0, 0)], np.int64) for side in (bids, asks)))
    book.row[0]["known_bid"], book.row[0]["known_ask"] = known
    return book


def difference(one: Book, other: Book) -> int:
    return int(differing_levels(one.row[0], one.bids[0], one.asks[0], other.row[0], other.bids[0], other.asks[0]))


@given(bids=SIDES, asks=SIDES, other_bids=SIDES, other_asks=SIDES, ends=st.tuples(*[st.integers(0, 30)] * 4))
def test_levels_that_one_has_and_the_other_has_not_within_what_both_know(
    bids: dict[int, int], asks: dict[int, int], other_bids: dict[int, int], other_asks: dict[int, int], ends: tuple[int, int, int, int]
) -> None:
    one, other = book_of(bids, asks, ends[:2]), book_of(other_bids, other_asks, ends[2:])
    bid_end = max(ends[0], ends[2])
    ask_end = min((end for end in (ends[1], ends[3]) if end), default=99)
    expected = sum(bids.get(at) != other_bids.get(at) for at in bids.keys() | other_bids.keys() if at >= bid_end)
    expected += sum(asks.get(at) != other_asks.get(at) for at in asks.keys() | other_asks.keys() if at <= ask_end)
    assert difference(one, other) == difference(other, one) == expected
    assert difference(one, one) == 0


def test_a_size_a_level_too_many_and_one_too_few_are_three_differences() -> None:
    one = book_of({100: 5, 99: 4, 98: 1}, {101: 7})
    other = book_of({100: 5, 99: 3, 97: 1}, {101: 7})
    assert difference(one, other) == 3
    assert difference(one, book_of({100: 5, 99: 4}, {101: 7}, (99, 0))) == 0  # the other does not know what is below
