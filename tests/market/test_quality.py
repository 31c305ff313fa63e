"""The quality of feeds: the score against a plain reading of random histories, its laws, and each issue's beginning and end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.kernel import rows
from metastackerbandit.market.book import BookRow
from metastackerbandit.market.quality import (
    APART,
    BROKEN,
    CLOCK_BACK,
    CROSSED,
    GAP,
    KEPT,
    KINDS,
    MISSING,
    SEVERITIES,
    SHALLOW,
    STALE,
    TIME_BACK,
    WIDE,
    Issue,
    Quality,
    area_at,
    begin_watch,
    begin_window,
    broke,
    clocked,
    close_issue,
    completeness_of,
    consistency_of,
    empty_quality,
    filled,
    freshened,
    freshness_of,
    grow_calm,
    grow_stale,
    happened,
    is_apart,
    is_missing,
    is_shallow,
    is_wide,
    issues_of,
    limits_of,
    look,
    look_apart,
    look_at_blocks,
    look_at_book,
    lost,
    open_issue,
    regained,
    scored,
    share_of,
    stamped,
    standing_of,
    stands,
)
from metastackerbandit.market.settings import QualitySettings
from tests.covering import covers

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


# -- laws of the score -------------------------------------------------------------------------------------------------

COUNTS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 300)), max_size=5)


@given(blocks=COUNTS, more=st.integers(0, 4), added=st.integers(0, 100))
def test_completeness_is_the_mean_share_and_rises_with_frames(blocks: list[tuple[int, int]], more: int, added: int) -> None:
    frames, required = (np.array([block[n] for block in blocks], np.int64) for n in (0, 1))
    share = float(completeness_of(frames, required))
    assert share == pytest.approx(np.mean([min(1.0, have / need) if need else 1.0 for have, need in blocks]) if blocks else 1.0)
    assert 0.0 <= share <= 1.0 and (share == 1.0) == all(have >= need for have, need in blocks)
    assert [share_of(have, need) for have, need in blocks] == [min(1.0, have / need) if need else 1.0 for have, need in blocks]
    if blocks:
        frames[more % len(blocks)] += added
        assert completeness_of(frames, required) >= share


@given(ages=st.lists(st.integers(0, 3_600 * SECOND), min_size=2, max_size=2), frames=st.integers(0, 100), crossed=st.booleans())
@covers("2.048")
def test_the_score_is_the_product_of_its_parts_in_bounds_and_falls_with_age(ages: list[int], frames: int, crossed: bool) -> None:
    quality = watched([(1, 50)])
    filled(quality, 0, LIMITS, 0, 1, START)
    filled(quality, 0, LIMITS, 1, frames, START)
    freshened(quality, 0, LIMITS, START, START)
    if crossed:
        open_issue(quality, 0, LIMITS, CROSSED, START, 7, 7)
    young, old = (scored(quality, 0, limits_of(DEFAULTS), START + age) for age in sorted(ages))
    for one, age in zip((young, old), sorted(ages), strict=True):
        assert one.score == one.completeness * one.freshness * one.consistency
        assert all(0.0 <= part <= 1.0 for part in (one.score, one.completeness, one.freshness, one.consistency))
        assert one.completeness == (1.0 + min(1.0, frames / 50)) / 2 and one.consistency == (0.0 if crossed else 1.0)
        assert one.freshness == pytest.approx(2.0 ** (-age / 1e9 / HALF_LIFE)) and one.age_seconds == pytest.approx(age / 1e9)
    assert young.score >= old.score


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


class Plain:
    """The score's history kept as a list of pieces (from, to, height at from, falling or not), summed at the end."""

    def __init__(self) -> None:
        self.now, self.fresh = START, 0
        self.frames, self.crossed, self.area = [0, 0], False, 0.0

    def height(self, at_ns: int) -> float:
        """The score by its definition."""
        if not self.fresh or self.crossed:
            return 0.0
        return (min(1, self.frames[0]) + min(1.0, self.frames[1] / 4)) / 2 * 2.0 ** (-((at_ns - self.fresh) / 1e9) / HALF_LIFE)

    def pass_time(self, by_ns: int) -> None:
        """Integrate: between events the score only falls by the half-life, so the area is (height lost) x half-life / ln 2."""
        self.area += (self.height(self.now) - self.height(self.now + by_ns)) * HALF_LIFE / math.log(2.0)
        self.now += by_ns


@given(events=EVENTS, last=st.integers(1, 60 * SECOND))
@settings(max_examples=60)
@covers("2.048")
def test_the_time_weighted_score_is_the_exact_integral_of_a_plain_history(events: Any, last: int) -> None:
    quality, plain, limits = watched([(1, 4)]), Plain(), limits_of(DEFAULTS)
    for wait, event in events:
        plain.pass_time(wait)
        if event[0] == "fresh":
            freshened(quality, 0, LIMITS, plain.now, plain.now)
            plain.fresh = plain.now
        elif event[0] == "filled":
            filled(quality, 0, LIMITS, event[1], event[2], plain.now)
            plain.frames[event[1]] = event[2]
        elif event[0] == "look":
            look(quality, LIMITS, plain.now)
        else:
            change = (open_issue, close_issue)[not event[1]]
            kind = CROSSED if event[0] == "crossed" else GAP
            change(*(quality, 0, LIMITS, kind, plain.now), *((1, 2) if event[1] else ()))
            if event[0] == "crossed":
                plain.crossed = event[1]
        assert scored(quality, 0, limits, plain.now).score == pytest.approx(plain.height(plain.now))
    plain.pass_time(last)
    found = scored(quality, 0, limits, plain.now)
    assert found.seconds == pytest.approx((plain.now - START) / 1e9)
    assert found.time_weighted * found.seconds == pytest.approx(plain.area, rel=1e-9, abs=1e-12)
    assert 0.0 <= found.time_weighted <= 1.0


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


# -- laws of issues ----------------------------------------------------------------------------------------------------


@given(turns=st.lists(st.tuples(st.integers(0, len(KINDS) - 1), st.booleans()), max_size=60))
@settings(max_examples=40)
@covers("4.22")
def test_an_issue_is_opened_once_while_it_stands_and_closed_once(turns: list[tuple[int, bool]]) -> None:
    quality = watched([(), ()], venue=3)
    standing: dict[int, int] = {}
    expected: list[list[int]] = []
    for at, (kind, is_so) in enumerate(turns, START):
        if is_so:
            open_issue(quality, 1, LIMITS, kind, at, at + 1, at + 2)
            if kind not in standing:
                standing[kind] = len(expected)
                expected.append([kind, at, 0])
        else:
            close_issue(quality, 1, LIMITS, kind, at)
            if kind in standing:
                expected[standing.pop(kind)][2] = at
        assert [stands(quality.row[1], kind) for kind in range(len(KINDS))] == [kind in standing for kind in range(len(KINDS))]
        assert consistency_of(quality.row[1]) == (0.0 if CROSSED in standing else 1.0)
    assert standing_of(quality, 1) == tuple(KINDS[kind][0] for kind in sorted(standing)) and standing_of(quality, 0) == ()
    whole = [Issue(KINDS[kind][0], KINDS[kind][1], 1, 3, begun, ended, begun + 1, begun + 2) for kind, begun, ended in expected]
    assert list(issues_of(quality)) == whole


@covers("4.22")
def test_the_history_keeps_the_last_thousand_and_an_issue_that_fell_off_stands_until_it_ends() -> None:
    quality = watched()
    open_issue(quality, 0, LIMITS, CROSSED, START, 0, 0)
    for n in range(KEPT):  # one more than there is room for
        open_issue(quality, 0, LIMITS, GAP, START + n, n, 0)
        close_issue(quality, 0, LIMITS, GAP, START + n + 1)
    kept = issues_of(quality)
    assert [one.first for one in kept] == list(range(KEPT)) and all(one.ended_ns == one.begun_ns + 1 for one in kept)
    assert standing_of(quality, 0) == ("crossed",)
    close_issue(quality, 0, LIMITS, CROSSED, START + 9_999)
    assert issues_of(quality) == kept and standing_of(quality, 0) == ()


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


# -- each issue by hand ------------------------------------------------------------------------------------------------


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


def test_stamps_that_go_back_are_one_issue_until_ten_calm_seconds_have_passed() -> None:
    quality = watched()
    for stamp, at in ((100, 0), (100, 0.5), (90, 1), (0, 2), (99, 5), (101, 16), (50, 30)):
        stamped(quality, 0, LIMITS, stamp, START + int(at * SECOND))
    assert told(quality) == [("time_back", 1.0, 15.0, 90, 100), ("time_back", 30.0, None, 50, 101)]
    grow_calm(quality, 0, LIMITS, TIME_BACK, START + 40 * SECOND - 1)
    assert standing_of(quality, 0) == ("time_back",)
    grow_calm(quality, 0, LIMITS, TIME_BACK, START + 40 * SECOND)
    assert told(quality)[-1] == ("time_back", 30.0, 40.0, 50, 101)


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


def test_what_a_crossed_book_was_worth_is_nothing_until_it_is_uncrossed() -> None:
    quality = watched()
    freshened(quality, 0, LIMITS, START, START)
    open_issue(quality, 0, LIMITS, CROSSED, START + 10 * SECOND, 7, 7)
    close_issue(quality, 0, LIMITS, CROSSED, START + 20 * SECOND)
    found = scored(quality, 0, limits_of(DEFAULTS), START + 30 * SECOND)  # 1 to 1/2, nothing, 1/4 to 1/8
    assert found.time_weighted * 30.0 == pytest.approx((0.5 + 0.125) * HALF_LIFE / math.log(2.0)) and found.score == pytest.approx(0.125)


def test_a_window_begins_anew() -> None:
    quality, limits = watched(), limits_of(DEFAULTS)
    freshened(quality, 0, LIMITS, START + 10 * SECOND, START + 10 * SECOND)
    row = quality.row[0]
    begin_window(row, LIMITS, START + 20 * SECOND)
    assert math.isnan(scored(quality, 0, limits, START + 20 * SECOND).time_weighted)
    found = scored(quality, 0, limits, START + 30 * SECOND)  # falls from a half to a quarter
    assert found.seconds == 10.0 and found.time_weighted == pytest.approx(0.25 / math.log(2.0))
    assert area_at(row, LIMITS, START + 19 * SECOND) == 0.0 and freshness_of(row, LIMITS, START + 20 * SECOND) == pytest.approx(0.5)


def test_nothing_ever_came() -> None:
    found = scored(watched(), 0, limits_of(DEFAULTS), START + SECOND)
    assert (found.score, found.freshness, found.age_seconds, found.time_weighted) == (0.0, 0.0, math.inf, 0.0)


@pytest.mark.parametrize("required", [[(1,), (1, 2)], [(-1,)]])
def test_blocks_that_do_not_fit_are_refused(required: Any) -> None:
    with pytest.raises(ValueError, match="same blocks"):
        empty_quality(required)


def test_only_a_crossed_book_is_critical() -> None:
    by_severity = {severity: {name for name, which, *_ in KINDS if which == severity} for severity in SEVERITIES}
    assert by_severity["critical"] == {"crossed"} and by_severity["high"] == {"stale", "gap", "broken"} and not by_severity["low"]
    assert [KINDS[kind][0] for kind in (CROSSED, WIDE, SHALLOW, STALE, GAP, MISSING)] == ["crossed", "wide", "shallow", "stale", "gap", "missing"]
