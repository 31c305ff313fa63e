"""A recording of live streams: a feed followed for a while with everything kept, and what it came to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.transport.aiohttp_rest import AiohttpRest
from metastackerbandit.exchanges.transport.picows_socket import PicowsConnector
from metastackerbandit.runtime.feed_events import FeedEvent
from metastackerbandit.runtime.health import HealthFacts
from metastackerbandit.runtime.live_feed import FeedSettings, LiveFeed, World, issue_of
from metastackerbandit.runtime.ports import LoopClock, RawLogSink

MOST_ISSUES = 1_000  # kept; all are counted by kind
_PROGRESS_S = 0.5


class Progress(Struct, frozen=True):
    """How far a recording is."""

    seconds: float
    frames: int
    bytes_in: int
    gaps: int
    live: tuple[str, ...]


class Recorded(Struct, frozen=True):
    """What a recording came to; `happened` counts events by their word, `issues` are the newest."""

    progress: Progress
    happened: dict[str, int]
    issues: tuple[QualityIssue, ...]
    connections: dict[str, HealthFacts]
    is_interrupted: bool


class Tally:
    """Events as they happen, counted; `keep` (none: nobody) gets each."""

    def __init__(self) -> None:
        self.keep: Callable[[FeedEvent], None] | None = None
        self.happened: dict[str, int] = {}
        self.issues: list[QualityIssue] = []

    def __call__(self, event: FeedEvent) -> None:
        self.happened[event.what] = self.happened.get(event.what, 0) + 1
        if self.keep is not None:
            self.keep(event)
        issue = issue_of(event)
        if issue is not None:
            self.issues.append(issue)
            del self.issues[:-MOST_ISSUES]


async def record(
    instruments: Sequence[Instrument],
    words: Sequence[str],
    sink: RawLogSink,
    settings: FeedSettings,
    *,
    seconds: float,
    stop: asyncio.Event,
    show: Callable[[Progress], None],
) -> Recorded:
    """Follow and keep for so long, or until `stop` is set.

    Raises:
        StorageFailed: the log could not be written; what was written before can be read.
    """
    clock, tally = LoopClock(), Tally()
    async with AiohttpRest(settings.transport, clock.now_ns) as rest:
        world = World(PicowsConnector(settings.transport, clock.now_ns), rest, clock, random.Random(), sink)
        feed = LiveFeed(instruments, words, world, settings, tally)
        begun_ns = clock.now_ns()  # kernels may have had to be compiled before

        def progress() -> Progress:
            facts = feed.health().values()
            lasted = (clock.now_ns() - begun_ns) / SECOND_NS
            frames, size = sum(one.frames for one in facts), sum(one.bytes_in for one in facts)
            return Progress(lasted, frames, size, int(feed.desk.market.feeds["gaps"].sum()), feed.live())

        following = asyncio.ensure_future(feed.run())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not following.done() and not stop.is_set() and (left := seconds - (clock.now_ns() - begun_ns) / SECOND_NS) > 0.0:
                await asyncio.wait((following, stopping), timeout=min(_PROGRESS_S, left), return_when=asyncio.FIRST_COMPLETED)
                sink.tick(clock.now_ns())
                show(progress())
            found, facts = progress(), feed.health()  # before the end makes every book stale
        finally:
            following.cancel()
            stopping.cancel()
            await asyncio.wait((following, stopping))
        if not following.cancelled():
            following.result()
    return Recorded(found, tally.happened, tuple(tally.issues), facts, stop.is_set())
