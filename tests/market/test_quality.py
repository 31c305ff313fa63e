"""What is wrong with a feed: each kind of issue begins and ends when it should, however often one looks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.market.feed_score import consistency_of, scored
from metastackerbandit.market.issues import Issue, happened, issues_of, standing_of, stands
from metastackerbandit.market.quality import (
    broke,
    clocked,
    empty_quality,
    filled,
    freshened,
    grow_stale,
    is_apart,
    is_missing,
    is_shallow,
    is_wide,
    limits_of,
    look,
    look_apart,
    look_at_blocks,
    lost,
    regained,
)
from metastackerbandit.market.quality_rows import APART, BROKEN, CLOCK_BACK, TIME_BACK, Quality
from tests.covering import covers
from tests.market.feeds import DEFAULTS, EVENTS, LIMITS, SECOND, START, asks_of, bids_of, put_book, told, watched


@given(events=EVENTS, looks=st.lists(st.integers(0, 300 * SECOND), max_size=8))
@settings(max_examples=40)
def test_how_often_one_looks_changes_neither_issues_nor_score(events: Any, looks: list[int]) -> None:
    seen, unseen = watched([(1, 4)]), watched([(1, 4)])
    now = START
    for wait, event in events:
        for at in sorted(now + look_at % (wait + 1) for look_at in looks):
            look(seen, LIMITS, at)
        now += wait
        for quality in (seen, unseen):
            if event[0] == "fresh":
                freshened(quality, 0, LIMITS, now, now)
            elif event[0] == "filled":
                filled(quality, 0, LIMITS, event[1], event[2], now)
            elif event[0] == "crossed":
                happened(quality, 0, LIMITS, TIME_BACK, now, 1, 2)
            elif event[0] == "high":
                broke(quality, LIMITS, 3, 9, now)
    for quality in (seen, unseen):
        look(quality, LIMITS, now + 100 * SECOND)

    def known(quality: Quality) -> list[Issue]:
        return sorted(
            (structs.replace(one, second=0) if one.kind == "stale" else one for one in issues_of(quality)), key=lambda one: (one.begun_ns, one.kind)
        )

    assert known(seen) == known(unseen)
    one, other = (scored(quality, 0, limits_of(DEFAULTS), now + 100 * SECOND) for quality in (seen, unseen))
    assert one.time_weighted == pytest.approx(other.time_weighted, abs=1e-12) and one.score == other.score


@given(value=st.floats(0.0, 40_000.0), limit=st.floats(1.0, 1_000.0))
def test_what_stands_ends_only_well_within_its_limit(value: float, limit: float) -> None:
    limits = limits_of(structs.replace(DEFAULTS, max_spread_bps=limit, max_apart_bps=limit))[0]
    assert (is_apart(value, limits, False), is_apart(value, limits, True)) == (value > limit, value > limit * DEFAULTS.calm_share)
    ask = round(value) + 10_000
    spread = (ask - 10_000) * 20_000.0 / (ask + 10_000)
    assume(min(abs(spread - limit), abs(spread - 0.8 * limit)) > 1e-6)
    assert (is_wide(10_000, ask, limits, False), is_wide(10_000, ask, limits, True)) == (spread > limit, spread > limit * DEFAULTS.calm_share)
    assert not is_wide(0, ask, limits, True) and not is_wide(10_000, 0, limits, True)
    assert not is_apart(math.nan, limits, False)


@given(levels=st.integers(0, 12), subscribed=st.integers(0, 12))
@example(levels=5, subscribed=0)
@example(levels=6, subscribed=0)
@example(levels=7, subscribed=0)
def test_too_few_levels_are_fewer_than_five_where_more_are_subscribed(levels: int, subscribed: int) -> None:
    most = subscribed or 10**6
    assert is_shallow(levels, subscribed, LIMITS, False) == (levels < 5 and levels < most)
    assert is_shallow(levels, subscribed, LIMITS, True) == (levels < 7 and levels < most)


@covers("4.17", "4.18", "4.19")
def test_a_book_s_issues_begin_and_end_with_it() -> None:
    quality = watched()
    put_book(quality, bids_of(9), asks_of(9), START + SECOND)
    assert issues_of(quality) == ()
    put_book(quality, bids_of(9), asks_of(9, 999), START + 2 * SECOND)
    put_book(quality, bids_of(9), asks_of(9, 998), START + 3 * SECOND)  # still
    assert standing_of(quality, 0) == ("crossed",) and consistency_of(quality.row[0]) == 0.0
    put_book(quality, bids_of(9), asks_of(9, 1_051), START + 4 * SECOND)  # (1051 - 999) / 1025: 507 bps
    put_book(quality, bids_of(9), asks_of(9, 1_045), START + 5 * SECOND)  # 450 bps: within the limit, not well within
    put_book(quality, bids_of(9), asks_of(9, 1_030), START + 6 * SECOND)
    put_book(quality, bids_of(9), asks_of(4), START + 7 * SECOND)
    put_book(quality, bids_of(9), asks_of(6), START + 8 * SECOND)
    put_book(quality, bids_of(9), asks_of(7), START + 9 * SECOND)
    assert told(quality) == [("crossed", 2.0, 4.0, 999, 999), ("wide", 4.0, 6.0, 999, 1_051), ("shallow", 7.0, 9.0, 9, 4)]
    put_book(quality, [], [], START + 10 * SECOND)
    assert standing_of(quality, 0) == ("shallow",)
    assert [one.severity for one in issues_of(quality)] == ["critical", "medium", "medium", "medium"]


def test_a_stream_of_the_best_three_levels_is_not_shallow_with_three() -> None:
    quality = watched(subscribed=3)
    put_book(quality, bids_of(3), asks_of(3), START)
    put_book(quality, bids_of(2), asks_of(3), START + SECOND)
    put_book(quality, bids_of(3), asks_of(3), START + 2 * SECOND)
    assert told(quality) == [("shallow", 1.0, 2.0, 2, 3)]


@covers("4.20")
def test_a_feed_is_stale_thirty_seconds_after_its_newest_change_to_the_nanosecond() -> None:
    quality = watched()
    grow_stale(quality, 0, LIMITS, START + 30 * SECOND)
    assert standing_of(quality, 0) == ()
    grow_stale(quality, 0, LIMITS, START + 30 * SECOND + 1)  # nothing has ever come
    assert standing_of(quality, 0) == ("stale",) and standing_of(quality, 1) == ()
    freshened(quality, 0, LIMITS, START + 40 * SECOND, START + 40 * SECOND)
    freshened(quality, 0, LIMITS, START + 70 * SECOND, START + 70 * SECOND)
    look(quality, LIMITS, START + 104 * SECOND)
    freshened(quality, 0, LIMITS, START + 71 * SECOND, START + 105 * SECOND)  # what came then is as old
    assert told(quality) == [
        ("stale", 30.0, 40.0, START, START + 30 * SECOND + 1),
        ("stale", 100.0, None, START + 70 * SECOND, START + 104 * SECOND),
    ]
    look(quality, LIMITS, START + 10**6 * SECOND)
    assert standing_of(quality, 1) == ()  # the venue's own row has no book


def test_changes_that_are_missing_and_the_snapshot_after_them() -> None:
    quality = watched([(1,)])
    filled(quality, 0, LIMITS, 0, 1, START)
    lost(quality, 0, LIMITS, 70, 75, START + SECOND)
    filled(quality, 0, LIMITS, 0, 0, START + SECOND)
    regained(quality, 0, LIMITS, START + 3 * SECOND)
    filled(quality, 0, LIMITS, 0, 1, START + 3 * SECOND)
    assert told(quality) == [("missing", 0.0, 0.0, 0, 0), ("gap", 1.0, 3.0, 70, 75), ("missing", 1.0, 3.0, 0, 0)]


def test_missing_frames_are_told_of_the_emptiest_block_from_the_start_on() -> None:
    quality = watched([(2, 10, 0), (0, 0, 0)])
    assert told(quality) == [("missing", 0.0, None, 0, 0)] and standing_of(quality, 1) == ()
    for block, frames, at in ((0, 2, 1), (1, 10, 2), (0, 1, 3), (1, 3, 4), (0, 5, 5), (1, 11, 6)):
        filled(quality, 0, LIMITS, block, frames, START + at * SECOND)
    assert told(quality) == [("missing", 0.0, 2.0, 0, 0), ("missing", 3.0, 6.0, 0, 1)]
    quality.frames[0] = (2, 1, 0)
    look_at_blocks(quality, 0, LIMITS, START + 7 * SECOND)
    assert told(quality)[-1] == ("missing", 7.0, None, 1, 1)
    assert is_missing(0.999) and not is_missing(1.0)


def test_our_clock_and_broken_frames_are_the_venue_s_issues() -> None:
    quality = watched([(), ()], venue=2)
    assert [clocked(quality, LIMITS, START + at) for at in (5, 5, 3, 9)] == [START + 5, START + 5, START + 5, START + 9]
    broke(quality, LIMITS, 5, 77, START + SECOND)
    broke(quality, LIMITS, 1, 80, START + 2 * SECOND)
    assert standing_of(quality, 2) == ("clock_back", "broken")
    assert [(one.instrument, one.venue, one.first, one.second) for one in issues_of(quality)] == [(-1, 2, START + 3, START + 5), (-1, 2, 5, 77)]
    look(quality, LIMITS, START + 60 * SECOND)
    ended = {one.kind: one.ended_ns - START for one in issues_of(quality)}
    assert ended == {"clock_back": 10 * SECOND + 5, "broken": 12 * SECOND, "stale": -START}
    assert consistency_of(quality.row[2]) == 1.0 and (CLOCK_BACK, BROKEN) == (6, 9)


def test_a_price_that_jumps_away_from_every_other_venue() -> None:
    quality = watched([(), (), ()])

    def looked(prices: list[float], at: int) -> list[tuple[str, ...]]:
        for s, price in enumerate(prices):
            others = np.array([math.nan if v == s else other for v, other in enumerate(prices)])
            look_apart(quality, s, LIMITS, price, others, START + at * SECOND)
        return [standing_of(quality, s) for s in range(len(prices))]

    assert looked([100.0, 100.5, 100.2], 1) == [(), (), ()]
    assert looked([102.0, 100.5, 100.2], 2) == [("apart",), (), ()]
    assert looked([101.4, 100.5, 100.2], 3) == [("apart",), (), ()]  # 89 bps: within the limit, not well within
    assert looked([101.2, 100.5, 100.2], 4) == [(), (), ()]
    assert looked([102.0, math.nan, 100.2], 5) == [("apart",), (), ("apart",)]  # of two nobody can say which
    assert looked([102.0, math.nan, math.nan], 6) == [(), (), ()]
    first = told(quality)[0]
    assert first == ("apart", 2.0, 4.0, round(1.5 / 101.25 * 1e7), 1) and not stands(quality.row[0], APART)


@pytest.mark.parametrize("required", [[(1,), (1, 2)], [(-1,)]])
def test_blocks_that_do_not_fit_are_refused(required: Any) -> None:
    with pytest.raises(ValueError, match="same blocks"):
        empty_quality(required)
