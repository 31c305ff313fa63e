"""Feeds whose quality is watched, for tests: books put before them, and their history in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.market.book import BookRow
from metastackerbandit.market.issues import issues_of
from metastackerbandit.market.quality import (
    begin_watch,
    empty_quality,
    limits_of,
    look_at_book,
)
from metastackerbandit.market.quality_rows import (
    Quality,
)
from metastackerbandit.market.settings import QualitySettings

SECOND = 10**9
START = 1_700_000_000 * SECOND
DEFAULTS = QualitySettings()
LIMITS = limits_of(DEFAULTS)[0]
HALF_LIFE = DEFAULTS.half_life_seconds


def watched(required: list[tuple[int, ...]] | None = None, **terms: int) -> Quality:
    """Feeds watched from START on."""
    made = empty_quality(required or [()], **terms)
    begin_watch(made, LIMITS, START)
    return made


def put_book(quality: Quality, bids: list[int], asks: list[int], at_ns: int, s: int = 0) -> None:
    """Look at a book of these ticks, the best last."""
    book = rows(BookRow, 1)
    book["bids"], book["asks"] = len(bids), len(asks)
    bid_levels, ask_levels = (np.array([(ticks, 1) for ticks in side] or [(0, 0)], np.int64) for side in (bids, asks))
    look_at_book(quality, s, LIMITS, book[0], bid_levels, ask_levels, at_ns)


def told(quality: Quality) -> list[tuple[Any, ...]]:
    """The history: kind, seconds from START of beginning and end (None: stands), the two numbers."""
    return [
        (one.kind, (one.begun_ns - START) / SECOND, (one.ended_ns - START) / SECOND if one.ended_ns else None, one.first, one.second)
        for one in issues_of(quality)
    ]


def bids_of(count: int) -> list[int]:
    """So many bids below 1,000 ticks."""
    return list(range(1_000 - count, 1_000))


def asks_of(count: int, best: int = 1_001) -> list[int]:
    """So many asks from `best` on, the best last."""
    return list(range(best, best + count))[::-1]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 40 * SECOND),
        st.one_of(
            st.just(("fresh",)),
            st.tuples(st.just("filled"), st.integers(0, 1), st.integers(0, 9)),
            st.tuples(st.just("crossed"), st.booleans()),
            st.tuples(st.just("high"), st.booleans()),
            st.just(("look",)),
        ),
    ),
    max_size=14,
)
