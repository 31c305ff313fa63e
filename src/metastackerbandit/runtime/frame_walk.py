"""A capture's frames through a venue's feeds in one compiled loop, with what somebody wants to do before and after each.

What waits for a snapshot is taken again behind it, oldest first. A walk is `walking(venue, after, before)`: the loop with these kernels in it;
`walking_to` goes as far as it is told, and goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rebound, rows
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.exchanges.continuity import ANEW, GAP, WAIT
from metastackerbandit.runtime.book_feed import take, take_of
from metastackerbandit.runtime.capture_rules import places_of_replies

MOST_WAITING = 200_000  # frames; of more the oldest are given up


class WalkRow(Struct, frozen=True):
    """How far a walk has come: the frame that is next; how many have waited for a snapshot, and how many of these were taken again or given up."""

    next_frame: int
    waiting: int
    again: int


class Frames(NamedTuple):
    """A capture as kernels read it: frame f (of F) is text[starts[f] : ends[f]], and `pending` (P,) is room for those that wait.

    `alone` says which instrument a REST reply is of, -1 for what streams sent; `course` is how far the walk has come that these frames are on.
    """

    text: Any  # (N,) uint8
    starts: Any  # (F,) int64
    ends: Any  # (F,) int64
    received: Any  # (F,) int64 UTC ns
    alone: Any  # (F,) int64
    pending: Any  # (P,) int64
    course: Any  # (1,) WalkRow


def frames_of(capture: Capture, instruments: Sequence[Instrument]) -> Frames:
    """The frames of a capture of these instruments."""
    alone = places_of_replies(capture, [one.symbol for one in instruments])
    pending = np.zeros(min(len(capture.starts), MOST_WAITING) + 1, np.int64)
    return Frames(capture.text, capture.starts, capture.ends, capture.received_ns, alone, pending, rows(WalkRow, 1))


@kernel
def before(mine: Any, market: Any, frame: int, received_ns: int) -> None:
    """Nothing is to be done before a new frame is taken; not called for those taken again."""


@kernel
def after(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """Nothing is to be done after a frame: its rows stand in market.decoded, what was done with a book message in its feed's `verdict`."""


@kernel
def walk_to(frames: Any, market: Any, mine: Any, until: int) -> None:
    """The frames before `until` that were not taken yet, each through `take`; `mine` is what the two kernels around it work on."""
    course = frames.course[0]
    next_frame, waiting, again, stop = course.next_frame, course.waiting, course.again, course.again
    pending = frames.pending
    while again < stop or next_frame < until:
        is_again = again < stop
        if is_again:
            f = pending[again % len(pending)]
            again += 1
        else:
            f = next_frame
            next_frame += 1
            before(mine, market, f, frames.received[f])
        start, end = frames.starts[f], frames.ends[f]
        kind = take(frames.text[start:end], end - start, frames.received[f], frames.alone[f], market)
        after(mine, market, f, frames.received[f], kind, frames.alone[f], is_again)
        if kind == DEPTH:
            verdict = market.feeds[market.decoded.depth[0].instrument].verdict
            if verdict == WAIT or verdict == GAP:
                pending[waiting % len(pending)] = f
                waiting += 1
            elif verdict == ANEW:
                again, stop = max(waiting - len(pending), stop), waiting
    course.next_frame = next_frame
    course.waiting = waiting
    course.again = again


@kernel
def walk(frames: Any, market: Any, mine: Any) -> None:
    """Every frame, from the first one on."""
    course = frames.course[0]
    course.next_frame = 0
    course.waiting = 0
    course.again = 0
    walk_to(frames, market, mine, len(frames.starts))


@cache
def walking_to(venue: str, after: Any, before: Any = before) -> Any:
    """walk_to(frames, market, mine, until) for a venue's frames, with `after` and `before` called around each; compiled once for each three."""
    return rebound(walk_to, take=take_of(venue), after=after, before=before)


@cache
def walking(venue: str, after: Any, before: Any = before) -> Any:
    """walk(frames, market, mine) for a venue's frames, with `after` and `before` called around each; compiled once for each three."""
    return rebound(walk, walk_to=walking_to(venue, after, before))
