"""An audit of a followed book: a second book begins from a fresh snapshot, follows the same changes, and must be the same at the same update."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.continuity import LIVE
from metastackerbandit.market.book_difference import differing_levels
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.feed_desk import FeedDesk
from metastackerbandit.runtime.health import empty_health
from metastackerbandit.runtime.live_take import Taken

_MOST_CHANGES = 20_000  # kept while the snapshot is fetched


class Audited(Struct, frozen=True):
    """How many levels differed at which update."""

    levels: int
    update_id: int


class BookAudit:
    """The audit of one instrument's book; `s` is its place at the desk that is audited."""

    def __init__(self, s: int, instrument: Instrument, quality: QualitySettings, now_ns: int, most_bytes: int) -> None:
        self.s = s
        self._answered = False
        self._desk = FeedDesk(
            [instrument], empty_health(1, now_ns), quality, now_ns, most_bytes=most_bytes, most_waiting=_MOST_CHANGES, hear=_nothing
        )

    def heard(self, frame: bytes, received_ns: int) -> None:
        """A change that the audited book has taken."""
        self._desk.take(frame, received_ns, 0)

    def answered(self, body: bytes, received_ns: int) -> bool:
        """The snapshot; False where it is older than the first change heard, which makes it worthless. Raises AnswerRefused."""
        self._answered = True
        return self._desk.take_snapshot(0, body, received_ns)

    def found(self, market: Feeds) -> Audited | None:
        """What the audit says, once both books stand at one update; None until then."""
        feed, mine = market.feeds[self.s], self._desk.market
        if not self._answered or feed["state"] != LIVE or mine.feeds[0]["state"] != LIVE or feed["last_id"] != mine.feeds[0]["last_id"]:
            return None
        return Audited(int(differing_levels(*_book(market, self.s), *_book(mine, 0))), int(feed["last_id"]))


def _book(market: Feeds, s: int) -> tuple[Any, Any, Any]:
    return market.book.row[s], market.book.bids[s], market.book.asks[s]


def _nothing(taken: Taken, market: Feeds, received_ns: int) -> None:
    """Nobody listens to an audit's own frames."""
