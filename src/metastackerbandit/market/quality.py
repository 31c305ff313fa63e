"""What is wrong with a venue's feed, from what is told of it: messages, stamps, books, silence; the score is in feed_score, the history in issues.

An issue is opened once while it stands. What ends it:

    a value (wide, shallow, apart)            it is within `calm_share` of its limit; levels need as many more
    events (time_back, clock_back, broken)    none of them for `calm_seconds`
    a state (crossed, stale, gap, missing)    the state itself, which is not one that flaps around a limit

Times at which something grows stale or calm are computed, not observed: how often `look` is called changes nothing but when they are told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from metastackerbandit.domain.completeness import completeness_of, share_of
from metastackerbandit.domain.kernel import kernel, row, rows
from metastackerbandit.market.book import is_crossed
from metastackerbandit.market.feed_score import advance
from metastackerbandit.market.issues import close_issue, grow_calm, happened, open_issue, stands, turned
from metastackerbandit.market.quality_rows import (
    APART,
    BROKEN,
    CLOCK_BACK,
    CROSSED,
    GAP,
    KEPT,
    KINDS,
    MISSING,
    NOBODY,
    SHALLOW,
    STALE,
    TIME_BACK,
    WIDE,
    HistoryRow,
    IssueRow,
    Quality,
    QualityRow,
    StandingRow,
)
from metastackerbandit.market.settings import QualitySettings


def empty_quality(required: Sequence[Sequence[int]], *, venue: int = 0, subscribed: int = 0) -> Quality:
    """Feeds that nobody has watched yet; `required` (S, B) frames of each block that the reader of each instrument declares."""
    count = len(required)
    blocks = {len(needs) for needs in required}
    if len(blocks) > 1 or any(need < 0 for needs in required for need in needs):
        raise ValueError(f"required frames {required}: each instrument has the same blocks, each of which needs 0 frames or more")
    needed = np.zeros((count + 1, max(blocks, default=0)), np.int64)
    needed[:count] = required
    made = Quality(
        row=rows(QualityRow, count + 1),
        standing=np.stack([rows(StandingRow, len(KINDS)) for _ in range(count + 1)]),
        frames=np.zeros_like(needed),
        required=needed,
        issues=rows(IssueRow, KEPT),
        history=rows(HistoryRow, 1),
    )
    made.row["instrument"] = [*range(count), NOBODY]
    made.row["subscribed"] = subscribed
    made.row["completeness"] = [completeness_of(made.frames[s], needed[s]) for s in range(count + 1)]
    made.history["venue"] = venue
    return made


def limits_of(settings: QualitySettings) -> np.ndarray[Any, Any]:
    """The settings (1,) as kernels read them."""
    return row(settings)


@kernel
def begin_watch(quality: Any, limits: Any, now_ns: int) -> None:
    """Watch from here on: windows begin, and what is missing is missing from the start."""
    for s in range(len(quality.row)):
        row = quality.row[s]
        row.begun_ns = now_ns
        row.since_ns = now_ns
        row.until_ns = now_ns
        look_at_blocks(quality, s, limits, now_ns)


@kernel
def look(quality: Any, limits: Any, now_ns: int) -> None:
    """What time alone brings: feeds grow stale, events calm. To be called every few seconds; the issues' times do not depend on it."""
    for s in range(len(quality.row)):
        grow_stale(quality, s, limits, now_ns)
        grow_calm(quality, s, limits, TIME_BACK, now_ns)
        grow_calm(quality, s, limits, CLOCK_BACK, now_ns)
        grow_calm(quality, s, limits, BROKEN, now_ns)
        advance(quality.row[s], limits, now_ns)


@kernel
def grow_stale(quality: Any, s: int, limits: Any, now_ns: int) -> None:
    """Begin the issue of a feed whose book has not changed for too long."""
    row = quality.row[s]
    newest = max(row.fresh_ns, row.begun_ns)
    if row.instrument < 0 or now_ns - newest <= limits.stale_seconds * 1e9:
        return
    open_issue(quality, s, limits, STALE, newest + int(limits.stale_seconds * 1e9), newest, now_ns)


@kernel
def stamped(quality: Any, s: int, limits: Any, stamp_ns: int, now_ns: int) -> None:
    """A message of the stream with the venue's stamp (0: it has none): time must not go back."""
    row = quality.row[s]
    if 0 < stamp_ns < row.stamp_ns:
        happened(quality, s, limits, TIME_BACK, now_ns, stamp_ns, row.stamp_ns)
    row.stamp_ns = max(row.stamp_ns, stamp_ns)


@kernel
def freshened(quality: Any, s: int, limits: Any, received_ns: int, now_ns: int) -> None:
    """A message that came at `received_ns`, not after now, has gone into the book."""
    row = quality.row[s]
    grow_stale(quality, s, limits, now_ns)
    advance(row, limits, now_ns)
    row.fresh_ns = max(row.fresh_ns, received_ns)
    if stands(row, STALE) and now_ns - row.fresh_ns <= limits.stale_seconds * 1e9:
        close_issue(quality, s, limits, STALE, now_ns)


@kernel
def lost(quality: Any, s: int, limits: Any, newest_id: int, came_id: int, now_ns: int) -> None:
    """Changes are missing; `regained` ends it."""
    open_issue(quality, s, limits, GAP, now_ns, newest_id, came_id)


@kernel
def regained(quality: Any, s: int, limits: Any, now_ns: int) -> None:
    """A snapshot has come."""
    close_issue(quality, s, limits, GAP, now_ns)


@kernel
def filled(quality: Any, s: int, limits: Any, block: int, frames: int, now_ns: int) -> None:
    """There are so many frames of a block now."""
    advance(quality.row[s], limits, now_ns)
    quality.frames[s, block] = frames
    look_at_blocks(quality, s, limits, now_ns)


@kernel
def look_at_blocks(quality: Any, s: int, limits: Any, now_ns: int) -> None:
    """Are all blocks there that the reader needs?"""
    row = quality.row[s]
    frames, required = quality.frames[s], quality.required[s]
    row.completeness = completeness_of(frames, required)
    if not is_missing(row.completeness):
        close_issue(quality, s, limits, MISSING, now_ns)
        return
    emptiest = 0
    for b in range(len(required)):
        if share_of(frames[b], required[b]) < share_of(frames[emptiest], required[emptiest]):
            emptiest = b
    open_issue(quality, s, limits, MISSING, now_ns, emptiest, frames[emptiest])


@kernel
def broke(quality: Any, limits: Any, fault: int, at: int, now_ns: int) -> None:
    """A frame of the venue could not be read: its fault (exchanges.decoded), and at which byte."""
    happened(quality, len(quality.row) - 1, limits, BROKEN, now_ns, fault, at)


@kernel
def clocked(quality: Any, limits: Any, received_ns: int) -> int:
    """A frame of the venue came at `received_ns` by our clock, which must not go back; the time that counts from here on."""
    venue = quality.row[len(quality.row) - 1]
    if received_ns < venue.stamp_ns:
        happened(quality, len(quality.row) - 1, limits, CLOCK_BACK, venue.stamp_ns, received_ns, venue.stamp_ns)
    else:
        venue.stamp_ns = received_ns
    return venue.stamp_ns


@kernel
def look_at_book(quality: Any, s: int, limits: Any, book: Any, bids: Any, asks: Any, now_ns: int) -> None:
    """The book (market.book) has changed: is it crossed, wide, shallow?"""
    row = quality.row[s]
    bid = bids[book.bids - 1, 0] if book.bids > 0 else 0
    ask = asks[book.asks - 1, 0] if book.asks > 0 else 0
    crossed = is_crossed(book, bids, asks)
    wide = is_wide(bid, ask, limits, stands(row, WIDE))
    shallow = is_shallow(min(book.bids, book.asks), row.subscribed, limits, stands(row, SHALLOW))
    if crossed == stands(row, CROSSED) and wide == stands(row, WIDE) and shallow == stands(row, SHALLOW):
        return
    turned(quality, s, limits, CROSSED, crossed, now_ns, bid, ask)
    turned(quality, s, limits, WIDE, wide, now_ns, bid, ask)
    turned(quality, s, limits, SHALLOW, shallow, now_ns, book.bids, book.asks)


@kernel
def is_wide(bid: int, ask: int, limits: Any, stood: bool) -> bool:
    """Whether the spread (ticks; 0: no such side) is above its limit, or was and is not yet well below."""
    limit = limits.max_spread_bps * (limits.calm_share if stood else 1.0)
    return bid > 0 and ask > 0 and (ask - bid) * 20_000.0 > limit * (bid + ask)


@kernel
def is_shallow(levels: int, subscribed: int, limits: Any, stood: bool) -> bool:
    """Whether the thinner side has too few levels, or had and has not enough more; `subscribed` levels are all that can be (0: any number)."""
    least = math.ceil(limits.min_levels / limits.calm_share) if stood else limits.min_levels
    return levels < (least if subscribed == 0 else min(least, subscribed))


@kernel
def is_missing(completeness: float) -> bool:
    """Whether a block lacks a frame."""
    return completeness < 1.0


@kernel
def is_apart(nearest_bps: float, limits: Any, stood: bool) -> bool:
    """Whether the nearest other venue is too far, or was and is not yet near enough; NaN: there is none."""
    return nearest_bps > limits.max_apart_bps * (limits.calm_share if stood else 1.0)


@kernel
def look_apart(quality: Any, s: int, limits: Any, price: float, others: Any, now_ns: int) -> None:
    """Hold a price (quote currency) against other venues' `others` (V,), NaN for those that are not known or not to be trusted.

    The nearest one counts: of three or more venues only the one that jumped is far from all others; of two, both are, and nobody can say
    which one it was. Where nobody is left to compare with, the issue ends.
    """
    nearest, place = math.nan, 0
    for v in range(len(others)):
        apart = abs(price - others[v]) / (0.5 * (price + others[v])) * 1e4
        if apart < nearest or (math.isnan(nearest) and not math.isnan(apart)):
            nearest = apart
            place = v
    is_so = is_apart(nearest, limits, stands(quality.row[s], APART))
    turned(quality, s, limits, APART, is_so, now_ns, round(nearest * 1e3) if is_so else 0, place)
