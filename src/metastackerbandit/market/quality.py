"""How good a venue's feed is: typed issues that begin and end, and a score from 0 to 1 with what it is made of.

    score        = completeness x freshness x consistency
    completeness = mean over the blocks that the reader declares of min(1, frames / required); 1 where it declares none
    freshness    = 2^(-age / half-life), age since the newest message that went into the book; 0 while there was none
    consistency  = 0 while a critical issue stands, else 1

An issue is opened once while it stands. What ends it:

    a value (wide, shallow, apart)            it is within `calm_share` of its limit; levels need as many more
    events (time_back, clock_back, broken)    none of them for `calm_seconds`
    a state (crossed, stale, gap, missing)    the state itself, which is not one that flaps around a limit

Times at which something grows stale or calm are computed, not observed: how often `look` is called changes nothing but when they are told.
The last rows (place S) are of the venue as a whole: what is wrong with a frame is wrong before its instrument is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, row, rows
from metastackerbandit.market.book import is_crossed
from metastackerbandit.market.settings import QualitySettings

KEPT = 1_000  # issues of the history
NOBODY = -1  # the instrument of an issue of the venue as a whole

SEVERITIES = ("low", "medium", "high", "critical")
CROSSED, WIDE, SHALLOW, STALE, GAP, TIME_BACK, CLOCK_BACK, APART, MISSING, BROKEN = range(10)
# Each kind's word, severity, meaning, and its two numbers, as they were when it began.
KINDS = (
    ("crossed", "critical", "the best bid is not below the best ask", "bid, ticks", "ask, ticks"),
    ("wide", "medium", "the spread is wider than any real one", "bid, ticks", "ask, ticks"),
    ("shallow", "medium", "a side has fewer levels than are needed, and more are subscribed", "bids, levels", "asks, levels"),
    ("stale", "high", "nothing has gone into the book for too long", "newest change, ns", "told, ns"),
    ("gap", "high", "changes are missing: the book is worth nothing until the next snapshot", "newest id", "id that came"),
    ("time_back", "medium", "the venue's stamp is before that of a message before it", "stamp, ns", "newest stamp, ns"),
    ("clock_back", "medium", "our clock went back between two frames", "received, ns", "received before, ns"),
    ("apart", "medium", "the price is far from every other venue's", "nearest, 1/1000 bp", "place of the nearest"),
    ("missing", "medium", "a block that the reader declares has fewer frames than it needs", "emptiest block", "its frames"),
    ("broken", "high", "a frame could not be read and was set aside", "fault", "byte"),
)
SEVERITY_OF = tuple(SEVERITIES.index(severity) for _, severity, _, _, _ in KINDS)
CRITICAL_BITS = sum(1 << kind for kind, severity in enumerate(SEVERITY_OF) if severity == 3)


class QualityRow(Struct, frozen=True):
    """One instrument's feed: `standing` has a bit for each kind of issue that stands, `subscribed` is levels a side (0: all there are).

    `begun_ns` is when it was first watched, `fresh_ns` when the newest message that went into the book came (0: none), `stamp_ns` the venue's newest
    stamp. `area` is the integral of the score from `since_ns` to `until_ns`, in seconds. The venue's own row has issues and no score; its `stamp_ns`
    is when the newest frame came.
    """

    instrument: int
    subscribed: int
    standing: int
    begun_ns: int
    fresh_ns: int
    stamp_ns: int
    since_ns: int
    until_ns: int
    completeness: float
    area: float


class StandingRow(Struct, frozen=True):
    """An issue that stands: its number (from 1; 0: none), when it began, when it was seen last (events)."""

    number: int
    begun_ns: int
    seen_ns: int


class IssueRow(Struct, frozen=True):
    """One issue of the history; `ended_ns` is 0 while it stands, `first` and `second` as KINDS says."""

    kind: int
    severity: int
    instrument: int
    venue: int
    begun_ns: int
    ended_ns: int
    first: int
    second: int


class HistoryRow(Struct, frozen=True):
    """How many issues were ever opened, of which venue."""

    opened: int
    venue: int


class Quality(NamedTuple):
    """The quality of S feeds of one venue, and of the venue (place S); B blocks, K kinds."""

    row: Any  # (S + 1,) QualityRow
    standing: Any  # (S + 1, K) StandingRow
    frames: Any  # (S + 1, B) int64, what there is of each block
    required: Any  # (S + 1, B) int64, what the reader needs of it; the venue's own need nothing
    issues: Any  # (KEPT,) IssueRow, a ring
    history: Any  # (1,) HistoryRow


class Score(Struct, frozen=True):
    """A score with its breakdown; `time_weighted` is its mean over the window of `seconds`, NaN for one without length."""

    score: float
    completeness: float
    freshness: float
    consistency: float
    age_seconds: float  # infinite where nothing ever came
    time_weighted: float
    seconds: float


class Issue(Struct, frozen=True):
    """One issue in words; `instrument` is a place, -1 for the venue as a whole."""

    kind: str
    severity: str
    instrument: int
    venue: int
    begun_ns: int
    ended_ns: int
    first: int
    second: int


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


# -- the score ---------------------------------------------------------------------------------------------------------


@kernel
def completeness_of(frames: Any, required: Any) -> float:
    """Mean over blocks (B,) of min(1, frames / required); a block that needs nothing is whole."""
    if len(required) == 0:
        return 1.0
    total = 0.0
    for b in range(len(required)):
        total += share_of(frames[b], required[b])
    return total / len(required)


@kernel
def share_of(frames: int, required: int) -> float:
    """min(1, frames / required); 1 where nothing is required."""
    return 1.0 if frames >= required else frames / required


@kernel
def freshness_of(row: Any, limits: Any, now_ns: int) -> float:
    """2^(-age / half-life); 0 while nothing has gone into the book."""
    if row.fresh_ns == 0:
        return 0.0
    return math.exp(-0.6931471805599453 * (max(now_ns - row.fresh_ns, 0) * 1e-9 / limits.half_life_seconds))


@kernel
def consistency_of(row: Any) -> float:
    """0 while a critical issue stands, else 1."""
    return 0.0 if row.standing & CRITICAL_BITS != 0 else 1.0


@kernel
def score_at(row: Any, limits: Any, now_ns: int) -> float:
    """The score as it stands, at a time that is not before the newest message."""
    return row.completeness * freshness_of(row, limits, now_ns) * consistency_of(row)


@kernel
def area_at(row: Any, limits: Any, now_ns: int) -> float:
    """The integral of the score from the window's beginning to `now_ns`, in seconds, with nothing happening after `until_ns`."""
    if now_ns <= row.until_ns or row.fresh_ns == 0 or row.completeness == 0.0 or row.standing & CRITICAL_BITS != 0:
        return row.area
    rate = 0.6931471805599453 / limits.half_life_seconds
    start = 1.0 if row.fresh_ns == row.until_ns else freshness_of(row, limits, row.until_ns)
    return row.area - row.completeness * start * math.expm1(-rate * ((now_ns - row.until_ns) * 1e-9)) / rate


@kernel
def advance(row: Any, limits: Any, now_ns: int) -> None:
    """Take the integral up to now, before something that the score is made of changes."""
    if now_ns > row.until_ns:
        row.area = area_at(row, limits, now_ns)
        row.until_ns = now_ns


@kernel
def begin_window(row: Any, limits: Any, now_ns: int) -> None:
    """Weigh the score from here on; what was before is forgotten."""
    advance(row, limits, now_ns)
    row.area = 0.0
    row.since_ns = row.until_ns


def scored(quality: Quality, s: int, limits: np.ndarray[Any, Any], now_ns: int) -> Score:
    """A feed's score at a time that is not before its newest message; nothing is changed."""
    row = quality.row[s]
    now_ns = max(now_ns, int(row.until_ns))
    completeness, freshness, consistency = float(row.completeness), float(freshness_of(row, limits[0], now_ns)), float(consistency_of(row))
    seconds = (now_ns - int(row.since_ns)) * 1e-9
    return Score(
        score=float(score_at(row, limits[0], now_ns)),
        completeness=completeness,
        freshness=freshness,
        consistency=consistency,
        age_seconds=(now_ns - int(row.fresh_ns)) * 1e-9 if row.fresh_ns else math.inf,
        time_weighted=min(float(area_at(row, limits[0], now_ns)) / seconds, 1.0) if seconds > 0.0 else math.nan,
        seconds=seconds,
    )


# -- issues ------------------------------------------------------------------------------------------------------------


@kernel
def stands(row: Any, kind: int) -> bool:
    """Whether an issue of that kind stands."""
    return row.standing >> kind & 1 == 1


@kernel
def open_issue(quality: Any, s: int, limits: Any, kind: int, at_ns: int, first: int, second: int) -> None:
    """Begin an issue, unless one of its kind stands already."""
    row = quality.row[s]
    if stands(row, kind):
        return
    advance(row, limits, at_ns)
    row.standing |= 1 << kind
    history = quality.history[0]
    history.opened += 1
    mine = quality.standing[s, kind]
    mine.number = history.opened
    mine.begun_ns = at_ns
    mine.seen_ns = at_ns
    issue = quality.issues[(history.opened - 1) % len(quality.issues)]
    issue.kind = kind
    issue.severity = SEVERITY_OF[kind]
    issue.instrument = row.instrument
    issue.venue = history.venue
    issue.begun_ns = at_ns
    issue.ended_ns = 0
    issue.first = first
    issue.second = second


@kernel
def close_issue(quality: Any, s: int, limits: Any, kind: int, at_ns: int) -> None:
    """End the issue of that kind, if one stands; one that has fallen off the history ends unrecorded."""
    row = quality.row[s]
    if not stands(row, kind):
        return
    advance(row, limits, at_ns)
    row.standing ^= 1 << kind
    mine = quality.standing[s, kind]
    if mine.number > quality.history[0].opened - len(quality.issues):
        quality.issues[(mine.number - 1) % len(quality.issues)].ended_ns = at_ns
    mine.number = 0


@kernel
def happened(quality: Any, s: int, limits: Any, kind: int, at_ns: int, first: int, second: int) -> None:
    """One more event of a kind: its issue begins, or lasts as much longer."""
    grow_calm(quality, s, limits, kind, at_ns)
    open_issue(quality, s, limits, kind, at_ns, first, second)
    mine = quality.standing[s, kind]
    mine.seen_ns = max(mine.seen_ns, at_ns)


@kernel
def grow_calm(quality: Any, s: int, limits: Any, kind: int, now_ns: int) -> None:
    """End an issue that is made of events once there was none for long enough."""
    if stands(quality.row[s], kind):
        calm_ns = quality.standing[s, kind].seen_ns + int(limits.calm_seconds * 1e9)
        if now_ns >= calm_ns:
            close_issue(quality, s, limits, kind, calm_ns)


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
    _turned(quality, s, limits, CROSSED, crossed, now_ns, bid, ask)
    _turned(quality, s, limits, WIDE, wide, now_ns, bid, ask)
    _turned(quality, s, limits, SHALLOW, shallow, now_ns, book.bids, book.asks)


@kernel
def _turned(quality: Any, s: int, limits: Any, kind: int, is_so: bool, now_ns: int, first: int, second: int) -> None:
    """Begin an issue where it is so, and end it where it is not."""
    if is_so:
        open_issue(quality, s, limits, kind, now_ns, first, second)
    else:
        close_issue(quality, s, limits, kind, now_ns)


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
    _turned(quality, s, limits, APART, is_so, now_ns, round(nearest * 1e3) if is_so else 0, place)


def issues_of(quality: Quality) -> tuple[Issue, ...]:
    """The history, oldest first: the last KEPT issues, ended or not."""
    opened = int(quality.history[0]["opened"])
    return tuple(_issue(quality.issues[number % KEPT]) for number in range(max(opened - KEPT, 0), opened))


def _issue(record: Any) -> Issue:
    word, severity, _, _, _ = KINDS[int(record["kind"])]
    return Issue(word, severity, *(int(record[name]) for name in ("instrument", "venue", "begun_ns", "ended_ns", "first", "second")))


def standing_of(quality: Quality, s: int) -> tuple[str, ...]:
    """The kinds of issues that stand for a feed (place S: for the venue)."""
    return tuple(name for kind, (name, *_) in enumerate(KINDS) if int(quality.row[s]["standing"]) >> kind & 1)
