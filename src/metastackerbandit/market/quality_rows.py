"""What is remembered of a feed's quality: which kinds of issues there are, and a row for each feed, each standing issue, and each of the history.

The last rows (place S) are of the venue as a whole: what is wrong with a frame is wrong before its instrument is known.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct

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
