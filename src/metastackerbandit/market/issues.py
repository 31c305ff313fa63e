"""Issues of a feed: each is opened once while it stands, and ended once; the last ones are kept in the order of their beginning."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.market.feed_score import advance
from metastackerbandit.market.quality_rows import KEPT, KINDS, SEVERITY_OF, Quality


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
def turned(quality: Any, s: int, limits: Any, kind: int, is_so: bool, now_ns: int, first: int, second: int) -> None:
    """Begin an issue where it is so, and end it where it is not."""
    if is_so:
        open_issue(quality, s, limits, kind, now_ns, first, second)
    else:
        close_issue(quality, s, limits, kind, now_ns)


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
