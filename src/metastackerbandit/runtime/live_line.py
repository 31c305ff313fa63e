"""One of several connections of the same streams, and what it has told while another one was taken from: kept for a few seconds, unread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from metastackerbandit.domain.market_rows import DEPTH, NOTHING, TRADES, USER
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.streams import SocketPlan
from metastackerbandit.runtime.feed_desk import FeedDesk, Glance
from metastackerbandit.runtime.health_grade import Grading
from metastackerbandit.runtime.line_choice import Candidate
from metastackerbandit.runtime.live_socket import LiveSocket
from metastackerbandit.runtime.ports import RawSink
from metastackerbandit.runtime.settings import LiveSettings

_MOST_GLANCES = 200  # messages that are looked at for one with a stamp: best prices of Binance spot have none
_MOMENT = 0.5  # of the time after which a connection is behind: connections that are so far apart tell the same


class Kept(NamedTuple):
    """A message and when it came."""

    frame: bytes
    received_ns: int


class Line:
    """A connection of rank `rank` (0 is the first) whose health stands at `place`. `relieves` is the one that it is to replace, if any."""

    def __init__(self, plan: SocketPlan, rank: int, place: int, grading: Grading, settings: LiveSettings, relieves: Line | None = None) -> None:
        self.plan, self.rank, self.place, self.grading, self.relieves = plan, rank, place, grading, relieves
        self.socket: LiveSocket
        self.task: asyncio.Task[None] | None = None
        self.is_up = self.is_behind = self.has_spoken = False
        self.opened_ns = 0  # when it stood with all its subscriptions
        self.begun_ns = 0  # when it was first asked for
        self.rotates_ns = 0  # when it is to be replaced
        self.latency_ms: float | None = None  # when it was last judged
        self._settings = settings
        self._kept: deque[Kept] = deque()
        self._stamp_ns = 0  # of the newest message that was taken of it, while it was taken from
        self._kept_from_ns = 0  # since when nothing that came was let go
        self._firsts: dict[tuple[int, int], Glance] = {}  # the first message of each kind and instrument, of one that relieves another
        self._seen_ns = 0  # what it had heard when it was last looked at
        self._lags_since_ns = 0
        self.sampled_ns = 0

    def stands(self, at_ns: int) -> None:
        """It was connected; what is subscribed by messages comes a little later."""
        self.opened_ns = at_ns + round(len(self.plan.opening) * self.plan.message_s * SECOND_NS)
        self.is_up, self.is_behind, self.has_spoken, self._lags_since_ns = True, False, False, 0
        self.let_go(at_ns, 0)
        self._firsts.clear()

    def candidate(self, now_ns: int) -> Candidate:
        """What the choice among connections sees of it; a connection that was made anew begins to be green anew."""
        green_s = min(self.grading.green_s(now_ns), (now_ns - self.opened_ns) / SECOND_NS)
        is_ready = self.has_spoken and now_ns - self.opened_ns >= self._settings.overlap_s * SECOND_NS
        return Candidate(self.rank, self.is_up, self.is_behind, self.grading.grade, self.latency_ms, green_s, is_ready)

    def ended(self) -> None:
        """It is over."""
        self.is_up = False
        self._kept.clear()

    # -- what is kept ------------------------------------------------------------------------------------------------

    def keep(self, frame: bytes, received_ns: int) -> None:
        """Keep a message, and let go of what is too old or too much."""
        kept, oldest_ns = self._kept, received_ns - round(self._settings.kept_s * SECOND_NS)
        while kept and (kept[0].received_ns < oldest_ns or len(kept) >= self._settings.most_kept):
            self._kept_from_ns = kept.popleft().received_ns
        kept.append(Kept(frame, received_ns))
        self.has_spoken = True

    def let_go(self, at_ns: int, stamp_ns: int) -> None:
        """Keep nothing of what came before, the newest of which has this stamp (0: nothing came)."""
        self._kept.clear()
        self._kept_from_ns, self._stamp_ns = at_ns, stamp_ns

    def handed_over(self) -> deque[Kept]:
        """What is kept, oldest first; it is kept here no more."""
        handed, self._kept = self._kept, deque()
        return handed

    def covers(self, from_ns: int) -> bool:
        """Whether it has told, and still has, all since a time."""
        return self.opened_ns + round(self._settings.overlap_s * SECOND_NS) <= from_ns and self._kept_from_ns <= from_ns

    # -- whether it keeps up -----------------------------------------------------------------------------------------

    def compare(self, newest_ns: int, now_ns: int) -> bool:
        """Hold it against the newest message of the others; whether it may be behind: silent for too long since another one has spoken.

        Where all fall silent at once, the newest messages lie a moment apart, and nobody is behind.
        """
        heard_ns, behind_ns = self.socket.heard_ns, self._settings.behind_s * SECOND_NS
        if heard_ns != self._seen_ns:
            self._seen_ns, self._lags_since_ns = heard_ns, 0
        if not self._lags_since_ns and newest_ns - heard_ns >= _MOMENT * behind_ns:
            self._lags_since_ns = newest_ns
        has_begun = now_ns - self.opened_ns >= self._settings.overlap_s * SECOND_NS
        return has_begun and self._lags_since_ns > 0 and now_ns - self._lags_since_ns >= behind_ns

    def keeps_up(self) -> None:
        """What another one has spoken since was nothing new."""
        self._lags_since_ns = 0

    def newest_stamp_ns(self, desk: FeedDesk) -> int:
        """The venue's time of the newest message that it has told beside another connection, or before, of those that have one; 0: of none."""
        for one in islice(reversed(self._kept), _MOST_GLANCES):
            stamp_ns = desk.glance(one.frame, one.received_ns).stamp_ns
            if stamp_ns > 0:
                return stamp_ns
        return self._stamp_ns

    # -- whether it can take over ------------------------------------------------------------------------------------

    def glanced(self, seen: Glance) -> None:
        """What a message of it was: the first of each kind and instrument says where it began."""
        if NOTHING < seen.kind < USER:
            self._firsts.setdefault((seen.kind, seen.instrument), seen)

    def has_joined(self, desk: FeedDesk, books: tuple[int, ...], now_ns: int) -> bool:
        """Whether what it tells leaves no hole behind what is known, for each book and each instrument's trades that it was seen to tell.

        A book of which it has told nothing is no hinderance where the connection that is taken from has told nothing either.
        """
        overlap_ns = round(self._settings.overlap_s * SECOND_NS)
        if not self.is_up or self.is_behind or now_ns - self.opened_ns < overlap_ns or not self._firsts:
            return False
        told = {s for kind, s in self._firsts if kind == DEPTH}
        is_told = all(s in told or int(desk.market.feeds[s]["seen_ns"]) < self.opened_ns + overlap_ns // 2 for s in books)
        return is_told and all(desk.joins(seen) for (kind, _), seen in self._firsts.items() if kind in (DEPTH, TRADES))


class LineSink:
    """The log as one connection writes it: its beginnings and ends always, its frames while `is_taken()` from it."""

    def __init__(self, sink: RawSink, is_taken: Callable[[], bool]) -> None:
        self._sink, self._is_taken = sink, is_taken

    def write(self, kind: str, connection: str, received_ns: int, url: str, body: bytes) -> None:
        """Keep one thing, or let it go."""
        if kind != "frame" or self._is_taken():
            self._sink.write(kind, connection, received_ns, url, body)
