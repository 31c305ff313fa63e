"""What each frame of a venue says of its feed's quality: the frame itself, its times, what came of it, and the book behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.exchanges.continuity import ANEW, APPLY, GAP, OLD
from metastackerbandit.exchanges.decoded import FOREIGN
from metastackerbandit.market.quality import broke, clocked, empty_quality, filled, freshened, grow_stale, look_at_book, lost, regained, stamped
from metastackerbandit.market.quality_rows import Quality

BOOK = 0  # the first block of every reader: a book that follows its snapshot, one frame of which is all that is needed


def book_quality(count: int, *, more: Sequence[int] = (), venue: int = 0, subscribed: int = 0) -> Quality:
    """The quality of so many instruments' books, read by someone who needs a book and so many frames of `more` blocks."""
    return empty_quality([(1, *more)] * count, venue=venue, subscribed=subscribed)


@kernel
def judge(market: Any, quality: Any, limits: Any, kind: int, received_ns: int, is_reply: bool, is_again: bool) -> int:
    """Look at the frame that `take` (runtime.book_feed) has just read; the time that counts, ns.

    `is_reply` of what was asked for, or was kept (its stamp has no place among the stream's), `is_again` of a frame that had waited for its snapshot.
    """
    now_ns = quality.row[len(quality.row) - 1].stamp_ns
    if not is_again:
        now_ns = clocked(quality, limits, received_ns)
        found = market.decoded.found[0]
        if found.fault != 0 and found.fault != FOREIGN:
            broke(quality, limits, found.fault, found.at, now_ns)
    if kind == DEPTH:
        _followed(market, quality, limits, market.decoded.depth[0], is_reply or is_again, now_ns)
    return now_ns


@kernel
def _followed(market: Any, quality: Any, limits: Any, depth: Any, is_late: bool, now_ns: int) -> None:
    """A book message: its stamp, whether it follows, and the book that came of it."""
    s = depth.instrument
    verdict = market.feeds[s].verdict
    if not is_late and verdict != OLD:  # what was known already, from another connection, may well be older
        stamped(quality, s, limits, depth.exchange_ns, now_ns)
    if verdict == APPLY or verdict == ANEW:
        freshened(quality, s, limits, depth.received_ns, now_ns)
        if quality.frames[s, BOOK] == 0:
            regained(quality, s, limits, now_ns)
            filled(quality, s, limits, BOOK, 1, now_ns)
        look_at_book(quality, s, limits, market.book.row[s], market.book.bids[s], market.book.asks[s], now_ns)
        return
    grow_stale(quality, s, limits, now_ns)
    if verdict == GAP:
        lost(quality, s, limits, market.feeds[s].last_id, depth.first_id, now_ns)
        filled(quality, s, limits, BOOK, 0, now_ns)
