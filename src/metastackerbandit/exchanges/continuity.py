"""Whether a book message follows the one before it, by each venue's rule; a gap is an event, and only a new snapshot ends it.

A feed is SYNCING while its snapshot is fetched (changes wait in the order of their arrival), LIVE while every message follows the last one,
RESYNC from a gap on until the next snapshot, STALE while nothing has come for too long. Only a LIVE feed's book may be traded on.

    rule        the first change behind a snapshot of id S    every change after that
    by first id U <= S + 1 <= u                               U <= last + 1, or there is a gap     Binance spot, MEXC (fromVersion, toVersion)
    by prior id pu <= S <= u                                  pu = last, or there is a gap         Binance USD-M, COIN-M
    whole       -                                             each message is the whole book       partial depth, Hyperliquid

Binance words the second rule as U <= S <= u. Ids between pu and U are of other instruments, and a snapshot may have one of those: nothing of this
one has changed since pu, so the change follows it all the same.

A change whose last id is not above the book's is old, and is left out.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel

SYNCING, LIVE, RESYNC, STALE = 0, 1, 2, 3
STATES = ("syncing", "live", "resync", "stale")
BY_FIRST, BY_PRIOR, WHOLE = 0, 1, 2
APPLY, WAIT, OLD, GAP, APART, ANEW = 0, 1, 2, 3, 4, 5  # what is to be done with a message


class FeedRow(Struct, frozen=True):
    """Where a book's feed stands, by `rule`; `last_id` is the newest message's, `bridged` 1 once a change has followed the snapshot, `verdict` what
    was to be done with the newest message.

    Counted since the start: messages `applied`, `old` and `waited`, `gaps`, `snapshots`. `since_ns` is when the state began, `seen_ns` when the
    newest message of any kind came, `live_ns` how long the feed was LIVE before the present state.
    """

    rule: int
    state: int
    verdict: int
    last_id: int
    bridged: int
    applied: int
    old: int
    waited: int
    gaps: int
    snapshots: int
    since_ns: int
    seen_ns: int
    live_ns: int


@kernel
def _turn(feed: Any, state: int, at_ns: int) -> None:
    if feed.state != state:
        if feed.state == LIVE:
            feed.live_ns += max(at_ns - feed.since_ns, 0)
        feed.state = state
        feed.since_ns = at_ns


@kernel
def offer(feed: Any, depth: Any) -> int:
    """What is to be done with the next message.

    APPLY it, let it WAIT for a snapshot, leave it out as OLD, or, of the best levels where changes are followed, as APART; GAP: the book is worth
    nothing from here on; ANEW: it is the snapshot to begin from, and what waited is offered again, oldest first.
    """
    feed.seen_ns = depth.received_ns
    if depth.is_whole == 2 and feed.rule != 2:
        feed.last_id = depth.last_id
        feed.bridged = 0
        feed.snapshots += 1
        _turn(feed, LIVE, depth.received_ns)
        return ANEW
    if feed.rule != 2 and depth.is_whole != 0:
        return APART
    if feed.rule == 2:
        if depth.last_id >= 0 and feed.state == LIVE and depth.last_id < feed.last_id:
            feed.old += 1
            return OLD
        feed.last_id = depth.last_id
        feed.applied += 1
        _turn(feed, LIVE, depth.received_ns)
        return APPLY
    if feed.state == SYNCING or feed.state == RESYNC:
        feed.waited += 1
        return WAIT
    if depth.last_id < feed.last_id or (depth.last_id == feed.last_id and (feed.rule == 0 or feed.bridged != 0)):
        feed.old += 1
        return OLD
    if feed.rule == 0:
        follows = depth.first_id <= feed.last_id + 1
    elif feed.bridged != 0:
        follows = depth.prior_id == feed.last_id
    else:
        follows = 0 <= depth.prior_id <= feed.last_id  # all that came before it is in the snapshot
    if not follows:
        feed.gaps += 1
        _turn(feed, RESYNC, depth.received_ns)
        return GAP
    feed.bridged = 1
    feed.last_id = depth.last_id
    feed.applied += 1
    _turn(feed, LIVE, depth.received_ns)
    return APPLY


@kernel
def grow_stale(feed: Any, now_ns: int, most_ns: int) -> bool:
    """True when the feed becomes stale, nothing having come for longer than `most_ns`; the next message that follows makes it live again."""
    if feed.state != LIVE or now_ns - feed.seen_ns <= most_ns:
        return False
    _turn(feed, STALE, now_ns)
    return True


@kernel
def interrupt(feed: Any, now_ns: int) -> bool:
    """The connection ended: True when a live feed is stale from here on; a message that follows the last one makes it live again."""
    if feed.state != LIVE:
        return False
    _turn(feed, STALE, now_ns)
    return True


@kernel
def distrust(feed: Any, now_ns: int) -> None:
    """The book was found to be wrong: it is worth nothing until the next snapshot. A feed of whole books mends itself with the next message."""
    if feed.rule != 2 and feed.state != SYNCING:
        _turn(feed, RESYNC, now_ns)


@kernel
def rejoin(feed: Any) -> None:
    """Another connection goes on: its first change may begin within what is known, as one behind a snapshot may."""
    feed.bridged = 0


@kernel
def joins(feed: Any, first_id: int, prior_id: int) -> bool:
    """Whether a change with these ids leaves no hole behind what the feed knows, whichever connection brings it."""
    if feed.rule == WHOLE:
        return True
    return first_id <= feed.last_id + 1 if feed.rule == BY_FIRST else prior_id <= feed.last_id


def live_share(feed: Any, begun_ns: int, now_ns: int) -> float:
    """The share of the time since `begun_ns` in which the feed was LIVE, in [0, 1]; 0 where no time has passed."""
    live_ns = int(feed["live_ns"]) + (max(now_ns - int(feed["since_ns"]), 0) if feed["state"] == LIVE else 0)
    return min(live_ns / (now_ns - begun_ns), 1.0) if now_ns > begun_ns else 0.0


@kernel
def comes_too_early(feed: Any, snapshot_id: int, first_id: int, prior_id: int) -> bool:
    """Whether a snapshot is older than the first change that waits for it (its first and prior ids), so that changes between them are missing."""
    if feed.rule == 0:
        return snapshot_id + 1 < first_id
    return snapshot_id < prior_id
