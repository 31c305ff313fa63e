"""The score of a feed against a plain reading of random histories, and its laws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.completeness import completeness_of, share_of
from metastackerbandit.market.feed_score import area_at, begin_window, freshness_of, scored
from metastackerbandit.market.issues import close_issue, open_issue
from metastackerbandit.market.quality import filled, freshened, limits_of, look
from metastackerbandit.market.quality_rows import CROSSED, GAP
from tests.covering import covers
from tests.market.feeds import DEFAULTS, EVENTS, HALF_LIFE, LIMITS, SECOND, START, watched

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
