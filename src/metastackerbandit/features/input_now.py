"""Every block of the input as of one time, copied from the rings of its state into arrays that were made before."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features import calendar
from metastackerbandit.features.input_bars import is_kept, newest_index, take_bars, write_bars, write_reference
from metastackerbandit.features.input_book import take_seconds
from metastackerbandit.features.input_pivots import write_pivots
from metastackerbandit.features.input_schema import SCHEMA
from metastackerbandit.market.cob import average_back
from metastackerbandit.market.feed_score import consistency_of, freshness_of

WRITTEN = tuple(name for name in SCHEMA.names if name not in ("predictions", "hidden"))  # what the market says; other models speak for themselves
_SHAPES = tuple((name, SCHEMA.block(name).shape) for name in WRITTEN)
PRICE, WIDTH, FRESHNESS, CONSISTENCY = range(4)
_MARK_LIFE_NS = 60_000_000_000  # a mark price is told every one to three seconds; one older than a minute is none
_SETTLEMENT_NS = 28_800_000_000_000  # what times to a settlement are told in


class Written(NamedTuple):
    """The blocks that the market fills, in the order of the schema: N inputs of each, and when the newest of each was known."""

    bars_1s: Any  # (N, 300, 6) float32, or bool of the mask; so are the others
    bars_1m: Any
    bars_1h: Any
    bars_1d: Any
    reference_1s: Any
    cob: Any
    cob_averages: Any
    heatmap: Any
    mids: Any
    micro: Any
    indicators: Any
    pivots: Any
    funding: Any
    calendar: Any
    known_ns: Any  # (N, W) int64
    told: Any  # (N, 4) float64: newest middle price, width of a bucket, both in ticks; freshness and consistency of the feed


def room_for(count: int, dtype: type = np.float32) -> Written:
    """Arrays for so many inputs, to be written whole."""
    made: dict[str, Any] = {name: np.empty((count, *shape), dtype) for name, shape in _SHAPES}
    return Written(**made, known_ns=np.empty((count, len(WRITTEN)), np.int64), told=np.empty((count, 4)))


@kernel
def advance_input(state: Any, bars: Any, cob: Any, s: int, now_ns: int) -> None:
    """Take what an instrument's bars, trades and consolidated book have closed since the last time, as known at `now_ns`: once a second."""
    take_bars(state, bars, s, now_ns)
    take_seconds(state, bars, cob, s)


@kernel
def take_mark(state: Any, row: Any) -> None:
    """What a venue said of a perpetual's mark price (MarkRow)."""
    mark = state.mark[0]
    mark.received_ns = row.received_ns
    mark.settles_ns = row.settles_ns
    mark.rate = row.rate * 1e-4
    mark.basis = (row.mark_price / row.index_price - 1.0) * 1e4 if row.index_price > 0.0 else math.nan


@kernel
def write_quality(quality: Any, s: int, limits: Any, at_ns: int, n: int, out: Any) -> None:
    """Freshness and consistency of an instrument's feed (market.quality) as of `at_ns`, of input n."""
    out.told[n, FRESHNESS] = freshness_of(quality.row[s], limits[0], at_ns)
    out.told[n, CONSISTENCY] = consistency_of(quality.row[s])


@kernel
def _write_book(state: Any, newest: int, out: Any, valid: Any, heat: Any, heat_valid: Any) -> None:
    """The tensor (4, 300, 41) and the heatmap (300, 21) of the seconds up to `newest`."""
    for t in range(300):
        second = newest - 299 + t
        there = is_kept(state.course[0].second, second)
        for k in range(4):
            for c in range(41):
                out[k, t, c] = state.cob[k, second % 300, c] if there else math.nan
                valid[k, t, c] = not math.isnan(out[k, t, c])
        for c in range(21):
            heat[t, c] = state.heat[second % 300, c] if there else math.nan
            heat_valid[t, c] = not math.isnan(heat[t, c])


@kernel
def _write_seconds(state: Any, newest: int, mids: Any, mids_valid: Any, out: Any, valid: Any) -> None:
    """The middle prices (300,) and the rows of prices and trades (300, 10) of the seconds up to `newest`."""
    price = math.log(state.course[0].price) if state.course[0].price > 0.0 else math.nan
    for t in range(300):
        second = newest - 299 + t
        there = is_kept(state.course[0].second, second)
        mids[t] = (state.log_mids[second % 300] - price) * 1e4 if there else math.nan
        mids_valid[t] = not math.isnan(mids[t])
        for c in range(10):
            out[t, c] = state.micro[second % 300, c] if there else math.nan
            valid[t, c] = not math.isnan(out[t, c])


@kernel
def _write_averages(state: Any, cob: Any, s: int, second: int, out: Any, valid: Any) -> None:
    """Averages of the imbalance (4,) at the end of `second`, where the book has got as far and still keeps the minute before."""
    there = state.course[0].second > 0 and cob.row[s].second - 240 < second <= cob.row[s].second
    place = second % 300 + 300
    for c, seconds in enumerate((1, 5, 15, 60)):
        out[c] = average_back(cob.imbalances[s], place, seconds) if there else math.nan
        valid[c] = not math.isnan(out[c])


@kernel
def _write_indicators(state: Any, at_ns: int, out: Any, valid: Any) -> int:
    """The newest minute's features (F,), unless they are two minutes old. When they were known."""
    course = state.bar_course[1]
    is_new = course.closed_ns > 0 and at_ns - course.closed_ns < 2 * state.frames[1]
    of = state.indicated
    for c in range(len(out)):
        valid[c] = is_new and of.valid[0, c]
        out[c] = of.values[0, c] if valid[c] else math.nan
    return course.known_ns


@kernel
def _write_funding(state: Any, at_ns: int, out: Any, valid: Any) -> int:
    """Rate, basis, time to the settlement (3,). When they were known."""
    mark = state.mark[0]
    is_due = mark.received_ns > 0 and mark.settles_ns > at_ns
    out[0] = mark.rate if is_due else math.nan
    out[1] = mark.basis if mark.received_ns > 0 and at_ns - mark.received_ns < _MARK_LIFE_NS else math.nan
    out[2] = (mark.settles_ns - at_ns) / _SETTLEMENT_NS if is_due else math.nan
    for c in range(3):
        valid[c] = not math.isnan(out[c])
    return mark.received_ns


@kernel
def _write_calendar(state: Any, at_ns: int, out: Any, valid: Any) -> None:
    """The time of day and week (4,), by the features' own formula."""
    state.clock[0].closed_ns = at_ns
    state.clock[0].frame_ns = 1
    calendar.step(state.clock[0], out)
    valid[:] = True


@kernel
def write_input(state: Any, reference: Any, has_reference: bool, cob: Any, s: int, at_ns: int, grace_ns: int, n: int, out: Any, masks: Any) -> None:
    """Input n as of `at_ns` -> out, masks. `reference` is the reference's state (any, where it has none), `cob` this instrument's at place `s`."""
    known = out.known_ns[n]
    course = state.course[0]
    out.told[n, PRICE] = course.price if course.price > 0.0 else math.nan
    out.told[n, WIDTH] = course.width if course.width > 0 else math.nan
    out.told[n, FRESHNESS] = math.nan
    out.told[n, CONSISTENCY] = math.nan
    known[0] = write_bars(state, 0, at_ns, grace_ns, out.bars_1s[n], masks.bars_1s[n])
    known[1] = write_bars(state, 1, at_ns, grace_ns, out.bars_1m[n], masks.bars_1m[n])
    known[2] = write_bars(state, 2, at_ns, grace_ns, out.bars_1h[n], masks.bars_1h[n])
    known[3] = write_bars(state, 3, at_ns, grace_ns, out.bars_1d[n], masks.bars_1d[n])
    known[4] = 0
    out.reference_1s[n, :, :] = math.nan
    masks.reference_1s[n, :, :] = False
    if has_reference:
        known[4] = write_reference(reference, at_ns, grace_ns, out.reference_1s[n], masks.reference_1s[n])
    second = at_ns // 1_000_000_000 - 1
    known_ns = (course.second + 1) * 1_000_000_000 if course.second > 0 else 0
    _write_book(state, second, out.cob[n], masks.cob[n], out.heatmap[n], masks.heatmap[n])
    _write_seconds(state, second, out.mids[n], masks.mids[n], out.micro[n], masks.micro[n])
    _write_averages(state, cob, s, second, out.cob_averages[n], masks.cob_averages[n])
    known[5:10] = known_ns
    known[10] = _write_indicators(state, at_ns, out.indicators[n], masks.indicators[n])
    known[11] = write_pivots(state, newest_index(at_ns, grace_ns, state.frames[0]), out.pivots[n], masks.pivots[n])
    known[12] = _write_funding(state, at_ns, out.funding[n], masks.funding[n])
    known[13] = at_ns
    _write_calendar(state, at_ns, out.calendar[n], masks.calendar[n])
