"""The books of one venue as they are followed live, without a network: a frame goes in, what it changed and what must be asked for comes out.

Changes that come before their snapshot wait here in the order of their arrival. A snapshot that is older than the first of them is refused; one that
fits is put in, and they follow it. A gap moves its own instrument only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from metastackerbandit.domain.errors import AnswerRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import entry, rebound
from metastackerbandit.domain.market_rows import DEPTH, TRADES
from metastackerbandit.exchanges.catalog import codec_for
from metastackerbandit.exchanges.continuity import (
    GAP,
    LIVE,
    STATES,
    WAIT,
    comes_too_early,
    distrust,
    grow_stale,
    interrupt,
    joins,
    live_share,
    rejoin,
)
from metastackerbandit.exchanges.decoded import FAULTS, FOREIGN, SOUND
from metastackerbandit.market.quality import begin_watch, filled, limits_of, look, lost
from metastackerbandit.market.quality_rows import Quality
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.market.trade_ids import empty_trade_ids
from metastackerbandit.runtime.book_feed import Feeds, feeds_of, take, take_of
from metastackerbandit.runtime.book_quality import BOOK, book_quality
from metastackerbandit.runtime.health import Health
from metastackerbandit.runtime.live_take import AT_ONCE, KEPT, REPLY, WAITED, Taken, stamp_of, take_live, unpacked

Hear = Callable[[Taken, Feeds, int], None]  # what became of a frame, the feeds behind it, when it came
Pass = Callable[[int], None]  # the time at which something comes, before anything is done with it


class Waiting(NamedTuple):
    """A change that waits for its snapshot."""

    frame: bytes
    received_ns: int
    first_id: int
    prior_id: int


class Glance(NamedTuple):
    """What a frame is, read without doing anything with it: kind, instrument, the ids that it begins with (-1: none), the venue's stamp."""

    kind: int
    instrument: int
    first_id: int
    prior_id: int
    stamp_ns: int
    is_broken: bool


class FeedDesk:
    """Feeds of instruments of one venue. `hear` is told of every frame that was taken, after it was; `passing` of its time, before it is."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        health: Health,
        quality: QualitySettings,
        now_ns: int,
        *,
        most_bytes: int,
        most_waiting: int,
        hear: Hear,
        passing: Pass | None = None,
    ) -> None:
        codec = codec_for(instruments)
        self.instruments = tuple(instruments)
        self.market = feeds_of(instruments)
        self.quality: Quality = book_quality(len(instruments))
        self.health = health
        self.trades = empty_trade_ids(len(instruments), numbered=codec.numbers_trades)
        self.dropped = [0] * len(instruments)  # changes that had to be let go while they waited
        self._limits = limits_of(quality)
        self._stale_ns = round(quality.stale_seconds * 1e9)
        self._waiting: list[deque[Waiting]] = [deque(maxlen=most_waiting) for _ in instruments]
        self._text = np.zeros(most_bytes, np.uint8)
        self._bytes = memoryview(self._text)  # type: ignore[arg-type]
        self._hear, self._passing = hear, passing
        self._begun_ns = now_ns
        known = (self.market, self.quality, self._limits, self.trades, health)
        self._known = known
        self._take: Any = entry(for_live(codec.venue), self._text, 1, 1, 1, 1, 1, *known)
        market = self.market
        self._scan: Any = entry(codec.scan, self._text, 1, 1, market.symbols, market.routes, market.decoded, market.fields, market.inner, 1)
        begin_watch(self.quality, self._limits[0], now_ns)
        self._warm_up(now_ns)

    def _warm_up(self, now_ns: int) -> None:
        """Have every kernel ready before the first frame: a feed that has seen nothing is not changed by these."""
        self.look(now_ns)
        self.interrupted(range(len(self.instruments)), now_ns)
        distrust(self.market.feeds[0], now_ns)
        comes_too_early(self.market.feeds[0], 0, 0, 0)
        joins(self.market.feeds[0], 0, 0)
        rejoin(self.market.feeds[0])
        stamp_of(self.market.decoded, 0, 0)

    # -- what comes --------------------------------------------------------------------------------------------------

    def take(self, frame: bytes, received_ns: int, connection: int, when: int = AT_ONCE) -> Taken:
        """One frame of a connection, not larger than `most_bytes`; one that was KEPT is received when it is taken, and counts for no connection."""
        if self._passing is not None:
            self._passing(received_ns)
        size = len(frame)
        self._bytes[:size] = frame
        taken = unpacked(self._take(self._text, size, received_ns, -1, REPLY if when == KEPT else connection, when, *self._known))
        if taken.verdict == WAIT or taken.verdict == GAP:
            self._keep(frame, received_ns, taken.instrument)
        self._hear(taken, self.market, received_ns)
        return taken

    def _keep(self, frame: bytes, received_ns: int, s: int) -> None:
        depth = self.market.decoded.depth[0]
        waiting = self._waiting[s]
        self.dropped[s] += len(waiting) == waiting.maxlen
        waiting.append(Waiting(bytes(frame), received_ns, int(depth["first_id"]), int(depth["prior_id"])))

    def take_snapshot(self, s: int, body: bytes, received_ns: int, levels: int = 0) -> bool:
        """The snapshot that an instrument waits for: True when its book is live, False when changes behind the snapshot are missing.

        Where it has fewer than the `levels` that were asked for, there are no others: the book is known to its end.

        Raises:
            AnswerRefused: the body is no snapshot of this instrument.
        """
        if self._passing is not None:
            self._passing(received_ns)
        self._require_snapshot(s, body, received_ns)
        waiting = self._waiting[s]
        depth = self.market.decoded.depth[0]
        if waiting and comes_too_early(self.market.feeds[s], depth.last_id, waiting[0].first_id, waiting[0].prior_id):
            return False
        self._again(body, received_ns, s, is_change=False, levels=levels)
        self._waiting[s] = deque(maxlen=waiting.maxlen)
        for one in waiting:
            taken = self._again(one.frame, one.received_ns, s, is_change=True)
            if taken.verdict == WAIT or taken.verdict == GAP:
                self._waiting[s].append(one)
        return bool(self.market.feeds[s]["state"] == LIVE)

    def _require_snapshot(self, s: int, body: bytes, received_ns: int) -> None:
        """Read a body without doing anything with it."""
        where = self.instruments[s].id
        if len(body) > len(self._text):
            raise AnswerRefused(f"a snapshot of {len(body):,} bytes is above {len(self._text):,}", where=where, mend="ask for fewer levels")
        market = self.market
        self._bytes[: len(body)] = body
        kind = int(self._scan(self._text, len(body), received_ns, market.symbols, market.routes, market.decoded, market.fields, market.inner, s))
        if kind != DEPTH or market.decoded.depth[0]["is_whole"] != 2:
            name, means = FAULTS[int(market.decoded.found[0]["fault"])] if kind != DEPTH else ("sound", "")
            what = f"{name}: {means}" if name != "sound" else "it is no snapshot of a book"
            raise AnswerRefused(what, where=where, mend="it is asked again")

    def _again(self, frame: bytes, received_ns: int, s: int, *, is_change: bool, levels: int = 0) -> Taken:
        self._bytes[: len(frame)] = frame
        alone, when = (-1, WAITED) if is_change else (s, AT_ONCE)
        taken = unpacked(self._take(self._text, len(frame), received_ns, alone, REPLY, when, *self._known))
        if not is_change:
            depth, row = self.market.decoded.depth[0], self.market.book.row[s]
            row["known_bid"] = 0 if depth["bids"] < levels else row["known_bid"]
            row["known_ask"] = 0 if depth["asks"] < levels else row["known_ask"]
        self._hear(taken, self.market, received_ns)
        return taken

    # -- what time and the network do --------------------------------------------------------------------------------

    def look(self, now_ns: int) -> tuple[int, ...]:
        """What time alone brings; the instruments whose books have become stale."""
        look(self.quality, self._limits[0], now_ns)
        return tuple(s for s in range(len(self.instruments)) if grow_stale(self.market.feeds[s], now_ns, self._stale_ns))

    def interrupted(self, places: Iterable[int], now_ns: int) -> tuple[int, ...]:
        """A connection that feeds these books has ended; those of them that were live."""
        return tuple(s for s in places if interrupt(self.market.feeds[s], now_ns))

    def rejoined(self, places: Iterable[int]) -> None:
        """Another connection feeds these books from here on."""
        for s in places:
            rejoin(self.market.feeds[s])

    def distrusted(self, s: int, now_ns: int) -> None:
        """A book was found to be wrong."""
        feed = self.market.feeds[s]
        distrust(feed, now_ns)
        lost(self.quality, s, self._limits[0], feed["last_id"], feed["last_id"], now_ns)
        filled(self.quality, s, self._limits[0], BOOK, 0, now_ns)

    # -- what another connection brings ------------------------------------------------------------------------------

    def glance(self, frame: bytes, received_ns: int) -> Glance:
        """Read a frame without doing anything with it; what was decoded last is overwritten."""
        market, size = self.market, len(frame)
        self._bytes[:size] = frame
        kind = int(self._scan(self._text, size, received_ns, market.symbols, market.routes, market.decoded, market.fields, market.inner, -1))
        found = market.decoded.found[0]
        is_broken, stamp_ns = int(found["fault"]) not in (SOUND, FOREIGN), int(stamp_of(market.decoded, kind, int(found["rows"])))
        if kind == DEPTH:
            depth = market.decoded.depth[0]
            return Glance(kind, int(depth["instrument"]), int(depth["first_id"]), int(depth["prior_id"]), stamp_ns, is_broken)
        if kind == TRADES and found["rows"]:
            trade = market.decoded.trades[0]
            return Glance(kind, int(trade["instrument"]), int(trade["first_id"]), -1, stamp_ns, is_broken)
        return Glance(kind, -1, -1, -1, stamp_ns, is_broken)

    def joins(self, seen: Glance) -> bool:
        """Whether what begins with this message leaves no hole behind what is known; where nothing is followed yet, nothing can be missing."""
        s = seen.instrument
        if seen.kind == DEPTH:
            return self.market.feeds[s]["state"] != LIVE or bool(joins(self.market.feeds[s], seen.first_id, seen.prior_id))
        newest = int(self.trades.row[s]["newest_id"]) if seen.kind == TRADES and self.trades.ids.shape[1] == 1 else -1
        return newest < 0 or seen.first_id <= newest + 1

    @property
    def missing(self) -> int:
        """Numbered trades that were passed over so far."""
        return int(self.trades.row["missing"].sum())

    # -- what can be seen --------------------------------------------------------------------------------------------

    @property
    def limits(self) -> np.ndarray:
        """Limits of quality (1,) as kernels read them."""
        return self._limits

    def state(self, s: int) -> str:
        """An instrument's state, a word of continuity's."""
        return STATES[int(self.market.feeds[s]["state"])]

    def live_share(self, s: int, now_ns: int) -> float:
        """The share of the time since the start in which an instrument's book was live, in [0, 1]."""
        return live_share(self.market.feeds[s], self._begun_ns, now_ns)

    def waits(self, s: int) -> int:
        """How many changes wait for the instrument's snapshot."""
        return len(self._waiting[s])

    def best(self, s: int) -> tuple[int, int, int, int] | None:
        """Best bid and ask with their sizes, in ticks and lots (bid, lots, ask, lots), while the book is live; else None."""
        row = self.market.book.row[s]
        if self.market.feeds[s]["state"] != LIVE or not row["bids"] or not row["asks"]:
            return None
        bid, ask = self.market.book.bids[s, row["bids"] - 1], self.market.book.asks[s, row["asks"] - 1]
        return int(bid[0]), int(bid[1]), int(ask[0]), int(ask[1])


@cache
def for_live(venue: str) -> Any:
    """`take_live` for a venue's frames."""
    chosen = take_of(venue)
    return take_live if chosen is take else rebound(take_live, take=chosen)
