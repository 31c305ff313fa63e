"""The input's blocks of bars: each closed bar becomes a row, scaled by the bars before it."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.advance import advance
from metastackerbandit.features.input_pivots import take_swing
from metastackerbandit.features.input_schema import INDICATED
from metastackerbandit.features.input_state import IMBALANCE, OFI, deviation, score_then_take, take_square

LOG_RETURN, RANGE, VOLUME, FLOW, AGE, PRESENT = range(6)
_DAY_NS = 86_400_000_000_000


@kernel
def newest_index(at_ns: int, grace_ns: int, frame_ns: int) -> int:
    """Index of the newest bar that may be known at `at_ns`."""
    return (at_ns - grace_ns) // frame_ns - 1


@kernel
def is_kept(newest: int, index: int) -> bool:
    """Whether a ring whose newest row is `newest` (0: none) holds that of `index`."""
    return newest > 0 and newest - 300 < index <= newest


@kernel
def _write_bar(out: Any, place: int, course: Any, bar: Any, change: float, span: int) -> None:
    """A whole bar's row, twice; `change` is its log return, NaN without a bar before it."""
    sigma = deviation(course.returns)
    volume = score_then_take(course.volumes, math.log1p(bar.quote_volume), span)
    flow = math.nan
    if bar.volume > 0.0 and 0.0 <= bar.taker_volume <= bar.volume:
        flow = 2.0 * (bar.taker_volume / bar.volume) - 1.0
    for at in (place, place + 300):
        out[at, LOG_RETURN] = change / sigma
        out[at, RANGE] = (math.log(bar.high) - math.log(bar.low)) / sigma
        out[at, VOLUME] = volume
        out[at, FLOW] = flow
    if not math.isnan(change):
        take_square(course.returns, change, span)


@kernel
def forget_bars(state: Any, k: int) -> None:
    """Know nothing of a block's bars."""
    course = state.bar_course[k]
    course.index = 0
    course.taken = 0
    course.closed_ns = 0
    course.known_ns = 0
    for spread in (course.returns, course.volumes):
        spread.seen = 0
        spread.centre = 0.0
        spread.variance = 0.0
    state.bar_rows[k, :, :] = math.nan
    if k == 0:
        state.cells[:] = 0
        state.points[:, :, :, :] = 0.0
    if k == INDICATED:
        of = state.indicated
        of.memory[0] = of.blank[0]
        of.reals[:] = 0.0
        of.integers[:] = 0
        of.valid[0, :] = False


@kernel
def take_bar(state: Any, k: int, bars: Any, place: int) -> None:
    """Take the closed bar bars[place] (N,) of block k; one that is not newer than the last is left out."""
    bar = bars[place]
    course = state.bar_course[k]
    frame_ns = state.frames[k]
    index = bar.opened_ns // frame_ns
    course.closed_ns = bar.closed_ns
    if index <= course.index:
        return
    for missed in range(max(course.index + 1, index - 300), index + 1):
        state.bar_rows[k, missed % 300, :] = math.nan
        state.bar_rows[k, missed % 300 + 300, :] = math.nan
    is_next = course.index > 0 and index == course.index + 1
    change = math.log(bar.close) - course.log_close if is_next else math.nan
    course.index = index
    course.known_ns = max(course.known_ns, bar.known_ns)
    course.log_close = math.log(bar.close)
    if bar.parts >= bar.parts_due:
        _write_bar(state.bar_rows[k], index % 300, course, bar, change, max(_DAY_NS // frame_ns, 48))
    if k == 0:
        take_swing(state.cells, state.points, bar.high, bar.low, index)
    if k == INDICATED:
        of = state.indicated
        advance(
            bars, place, of.setup, of.memory, of.blank, of.past, of.reals, of.integers, of.settlements, of.hearing, of.cells, of.values, of.valid, 0
        )


@kernel
def take_bars(state: Any, bars: Any, s: int, now_ns: int) -> None:
    """Take what has closed of an instrument (market.bars) since the last time and was known at `now_ns`: a venue's clock may be ahead of ours.

    A ring that was filled anew is read from its beginning.
    """
    for k in range(len(state.frames)):
        f = state.places[k]
        written = bars.cursor[s, f].written
        course = state.bar_course[k]
        length = bars.closed.shape[2] // 2
        if course.taken > written or (course.taken > 0 and bars.closed[s, f, (course.taken - 1) % length].closed_ns != course.closed_ns):
            forget_bars(state, k)
        course.taken = max(course.taken, written - length)
        while course.taken < written and bars.closed[s, f, course.taken % length].known_ns <= now_ns:
            take_bar(state, k, bars.closed[s, f], course.taken % length)
            course.taken += 1


@kernel
def take_history(state: Any, k: int, history: Any, at_ns: int) -> None:
    """Take the bars (N,) of block k that were known at `at_ns` or before and have not been taken, in order of time."""
    course = state.bar_course[k]
    while course.taken < len(history) and history[course.taken].known_ns <= at_ns:
        take_bar(state, k, history, course.taken)
        course.taken += 1


@kernel
def write_bars(state: Any, k: int, at_ns: int, grace_ns: int, out: Any, valid: Any) -> int:
    """Rows of block k as of `at_ns` -> out (300, 6), valid; the last row is of the newest bar whose grace is over by the clock. When it was known."""
    frame_ns = state.frames[k]
    newest = newest_index(at_ns, grace_ns, frame_ns)
    for t in range(300):
        index = newest - 299 + t
        there = is_kept(state.bar_course[k].index, index)
        for c in range(4):
            value = state.bar_rows[k, index % 300, c] if there else math.nan
            out[t, c] = value
            valid[t, c] = not math.isnan(value)
        out[t, AGE] = (at_ns - index * frame_ns) / (300.0 * frame_ns)
        out[t, PRESENT] = 1.0 if valid[t, RANGE] else 0.0
        valid[t, AGE] = True
        valid[t, PRESENT] = True
    return state.bar_course[k].known_ns


@kernel
def write_reference(reference: Any, at_ns: int, grace_ns: int, out: Any, valid: Any) -> int:
    """The reference's bars of a second, its book's imbalance and order-flow imbalance -> out (300, 5), valid. When it was known."""
    newest = newest_index(at_ns, grace_ns, reference.frames[0])
    for t in range(300):
        index = newest - 299 + t
        there = is_kept(reference.bar_course[0].index, index)
        row = reference.bar_rows[0, index % 300]
        out[t, 0] = row[LOG_RETURN] if there else math.nan
        out[t, 1] = row[VOLUME] if there else math.nan
        out[t, 2] = row[FLOW] if there else math.nan
        is_heard = is_kept(reference.course[0].second, index)
        out[t, 3] = reference.micro[index % 300, IMBALANCE] if is_heard else math.nan
        out[t, 4] = reference.micro[index % 300, OFI] if is_heard else math.nan
        for c in range(5):
            valid[t, c] = not math.isnan(out[t, c])
    return reference.bar_course[0].known_ns
