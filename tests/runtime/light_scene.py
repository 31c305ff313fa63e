"""A live feed on the light venue: at every message, what its books say while live is held against the truth, its trades against all of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import structs

from metastackerbandit.domain.market_rows import DEPTH, TRADES
from metastackerbandit.market.bars import NEVER
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.feed_events import HAPPENINGS, FeedEvent
from metastackerbandit.runtime.live_feed import FeedSettings, LiveFeed, World
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.settings import BackoffSettings, HealthSettings, LiveSettings
from tests.runtime.light_venue import ENDPOINTS, LightVenue, Wire
from tests.runtime.pretended import Nowhere
from tests.runtime.virtual_time import in_virtual_time

SETTINGS = LiveSettings(audit_s=0.0, snapshot_gap_s=0.0, quiet_s=1.0)
BACKOFF = BackoffSettings(first_s=0.5, most_s=4.0)


class LightScene:
    """`wrong` counts best prices that were wrong while their book was said to be live; `heard` are the trades of each symbol in order."""

    def __init__(
        self,
        market: str,
        seed: int = 1,
        *,
        symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT"),
        pace_s: Callable[[], float] = lambda: 0.1,
        life_s: float = 86_400.0,
        health: HealthSettings = HealthSettings(),  # noqa: B008 - frozen
        **changes: Any,
    ) -> None:
        self.venue = LightVenue(market, symbols, seed, pace_s, life_s)
        self.settings = structs.replace(SETTINGS, **changes)
        self.health = health
        self.events: list[FeedEvent] = []
        self.sink = Nowhere()
        self.wrong: list[tuple[int, int]] = []
        self.compared = 0
        self.heard: list[list[int]] = [[] for _ in symbols]
        self.whole: list[int] = []  # what was said of since when trades are heard
        self.was_live: set[int] = set()  # books that were live once, and whether one has left since
        self.left_live = 0
        self._seed = seed
        self.feed: LiveFeed

    def build(self) -> None:
        """Make the feed, within the loop."""
        world = World(self.venue, self.venue, self.venue, random.Random(self._seed), self.sink)
        settings = FeedSettings(live=self.settings, backoff=BACKOFF, endpoints=ENDPOINTS, health=self.health)
        words = ("depth", "trade")
        self.feed = LiveFeed(
            self.venue.instruments, words, world, settings, self._tell, self._hear, None, lambda plan, from_ns: self.whole.append(from_ns)
        )
        for route in self.feed.routes:
            route.plan = structs.replace(route.plan, life_s=self.venue.life_s)

    def _tell(self, event: FeedEvent) -> None:
        assert event.what in HAPPENINGS, event
        self.events.append(event)

    def _hear(self, taken: Taken, market: Feeds, received_ns: int) -> None:
        if taken.kind == DEPTH:
            s = taken.instrument
            best = self.feed.desk.best(s)
            if best is None:
                self.left_live += s in self.was_live
                return
            self.was_live.add(s)
            update = int(market.book.row[s]["last_id"])
            truth = self.venue.books[s].truth.get(update)
            self.compared += 1
            if truth != best:
                self.wrong.append((s, update))
        elif taken.kind == TRADES:
            for n in range(int(market.decoded.found[0]["rows"])):
                trade = market.decoded.trades[n]
                self.heard[int(trade["instrument"])].append(int(trade["first_id"]))

    def play(self, script: Callable[[], Awaitable[None]]) -> None:
        """Run until the script is over."""

        async def work() -> None:
            passing = asyncio.ensure_future(self.venue.run())
            self.build()
            running = asyncio.ensure_future(self.feed.run())
            await script()
            assert not running.done(), running
            running.cancel()
            passing.cancel()
            await asyncio.wait({running, passing})
            assert running.cancelled(), running

        in_virtual_time(work())

    # -- what tests ask ----------------------------------------------------------------------------------------------

    def happened(self, what: str) -> list[FeedEvent]:
        """Events of a kind."""
        return [event for event in self.events if event.what == what]

    @property
    def active(self) -> Wire:
        """The wire that the first plan is taken from."""
        line = self.feed.routes[0].active
        assert line is not None
        (wire,) = [wire for wire in self.venue.wires if getattr(wire._listener, "_socket", None) is line.socket]
        return wire

    @property
    def others(self) -> list[Wire]:
        """The wires beside it."""
        return [wire for wire in self.venue.wires if wire is not self.active]

    def is_sound(self) -> bool:
        """Every trade once and in order since the first one heard, every book right."""
        for heard, made in zip(self.heard, self.venue.trades, strict=True):
            told = heard[0] if heard else 0
            if heard != [one for one in made if told <= one <= (heard[-1] if heard else -1)]:
                return False
        return not self.wrong

    def was_whole_all_along(self) -> bool:
        """Whether nobody said that trades were not heard, after the first time that they were."""
        return len(self.whole) == 1 and self.whole[0] != NEVER
