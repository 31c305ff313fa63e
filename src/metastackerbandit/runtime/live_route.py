"""The same streams over several connections: one is taken from, the others are kept beside it; where it fails, another goes on without a hole.

All connections are subscribed to the same. What the backups tell is kept unread for a few seconds; on a switch it is taken, and ids of changes and
trades say what is new. When to look, to judge and to replace one stands in route_watch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import Struct, structs

from metastackerbandit.domain.kernel import entry
from metastackerbandit.domain.market_rows import DEPTH, TRADES
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.continuity import ANEW, APPLY, WAIT
from metastackerbandit.exchanges.streams import SocketPlan
from metastackerbandit.market.bars import NEVER
from metastackerbandit.runtime.feed_desk import FeedDesk
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.health import Health, heard, newest_stamp_ns, turned
from metastackerbandit.runtime.health_grade import Grading
from metastackerbandit.runtime.line_choice import choose
from metastackerbandit.runtime.live_line import Line, LineSink
from metastackerbandit.runtime.live_socket import LiveSocket
from metastackerbandit.runtime.live_take import AT_ONCE, KEPT, Taken
from metastackerbandit.runtime.ports import Chance, LiveClock, RawSink
from metastackerbandit.runtime.settings import HealthSettings, LiveSettings

_MOST_TIMES = 1_000  # newest failovers whose times are remembered
_MOST_OF_LIFE = 0.95  # of a connection's life may lie behind its replacement at the most
_SPREAD = 0.5  # of the time before a connection's end by which chance replaces it earlier, so that several do not go together


class RouteFacts(Struct, frozen=True):
    """How a route fared: the connection taken from ("" for none), `switches` for a failure, `rotations`, and how long (ms) each of the newest
    switches took from the last message of the one connection to the first news from the other."""

    active: str
    switches: int
    rotations: int
    failover_ms: tuple[float, ...]


class Ways(Struct, frozen=True):
    """What a route works by.

    `open(line, sink, tell, take, ended)` makes what keeps a connection; `take(frame, received_ns, place, when)` has a message taken;
    `interrupted(is_wished)` says that nothing carries the books any more, `whole(from_ns)` since when all was heard (bars.NEVER: not any more).
    """

    open: Callable[[Line, RawSink, Tell, Callable[[bytes, int], None], Callable[[bool], None]], LiveSocket]
    take: Callable[[bytes, int, int, int], Taken]
    interrupted: Callable[[bool], None]
    whole: Callable[[int], None]


class _Awaited(NamedTuple):
    """The first news behind a switch is awaited: when the last message came before it, whose that was, and whether one connection took over from
    another, or from nothing."""

    last_ns: int
    whose: str
    is_failover: bool


class Route:
    """The connections of one plan. `places` are theirs among the health's rows, the first one's first; `books` the instruments that they feed."""

    def __init__(
        self,
        plan: SocketPlan,
        places: range,
        books: tuple[int, ...],
        ways: Ways,
        *,
        desk: FeedDesk,
        health: Health,
        clock: LiveClock,
        chance: Chance,
        sink: RawSink,
        settings: LiveSettings,
        limits: HealthSettings,
        tell: Tell,
    ) -> None:
        self.plan, self.places, self.books = plan, places, books
        self.desk, self.health, self.clock, self.settings, self.limits, self.tell = desk, health, clock, settings, limits, tell
        self.rotations = 0
        self.active: Line | None = None
        self._ways, self._chance, self._sink = ways, chance, sink
        self._count: Any = entry(heard, health, 1, 1, 1, 1, True)
        self.lines = [self.line(rank) for rank in range(len(places))]
        self._group: asyncio.TaskGroup | None = None
        self._whole_ns = NEVER  # since when everything was heard
        self._awaited: _Awaited | None = None
        self._last_ns = 0  # the last message before nothing carried the streams
        self._switches = 0
        self._failover_ms: deque[float] = deque(maxlen=_MOST_TIMES)

    async def run(self, watch: Callable[[int], None]) -> None:
        """Keep the connections until cancelled; `watch` is called with the time, again and again."""
        async with asyncio.TaskGroup() as self._group:
            for line in self.lines:
                self.start(line)
            while True:
                await self.clock.sleep(self.settings.watch_s)
                watch(self.clock.now_ns())

    def facts(self) -> RouteFacts:
        """How it fared so far."""
        return RouteFacts(self.active.plan.name if self.active else "", self._switches, self.rotations, tuple(self._failover_ms))

    # -- connections -------------------------------------------------------------------------------------------------

    def line(self, rank: int, relieves: Line | None = None) -> Line:
        """A connection of this rank, not yet begun; of several hosts each rank has another."""
        urls = (self.plan.url, *self.plan.others)
        name = self.plan.name if rank == 0 else f"{self.plan.name}.{rank + 1}"
        plan = structs.replace(self.plan, name=name, url=urls[rank % len(urls)])
        line = Line(plan, rank, self.places[rank], relieves.grading if relieves else Grading(), self.settings, relieves)
        line.socket = self._ways.open(
            line,
            LineSink(self._sink, lambda: self.active is line),
            lambda event: self._told(line, event),
            lambda frame, received_ns: self._heard(line, frame, received_ns),
            lambda is_wished: self._ended(line, is_wished),
        )
        return line

    def start(self, line: Line) -> None:
        """Begin to keep a connection."""
        assert self._group is not None, "a route that runs"
        line.begun_ns = self.clock.now_ns()
        line.task = self._group.create_task(self._live(line))

    async def _live(self, line: Line) -> None:
        await self.clock.sleep(line.rank * self.settings.watch_s)  # the first one is first
        await line.socket.run()

    def retire(self, line: Line) -> None:
        """A connection is not wanted any more."""
        self.lines.remove(line)
        if line.task is not None:
            line.task.cancel()

    def _told(self, line: Line, event: FeedEvent) -> None:
        """Something happened to a connection."""
        self.tell(event)
        if event.what == "connected":
            line.stands(event.at_ns)
            before_s = self.settings.rotate_before_s * (1.0 + _SPREAD * self._chance.random())
            line.rotates_ns = event.at_ns + round((self.plan.life_s - min(before_s, _MOST_OF_LIFE * self.plan.life_s)) * SECOND_NS)
            self.decide(event.at_ns)
        elif event.what == "silent":
            line.is_behind = True
            self.decide(event.at_ns)

    def _ended(self, line: Line, is_wished: bool) -> None:
        """A connection is over: by our wish where it was retired, or where all of the run ends."""
        now_ns = self.clock.now_ns()
        line.ended()
        if any(other.is_up and other.place == line.place for other in self.lines):
            turned(self.health, line.place, True, now_ns)  # the one that relieves it stands
        if not is_wished:
            self.decide(now_ns)
        elif line is self.active:
            self._uncarried(now_ns, is_wished)

    # -- messages ----------------------------------------------------------------------------------------------------

    def _heard(self, line: Line, frame: bytes, received_ns: int) -> None:
        if line is self.active:
            taken = self._ways.take(frame, received_ns, line.place, AT_ONCE)
            if self._awaited is not None:
                self._resume(self._awaited, taken, received_ns)
            return
        line.keep(frame, received_ns)
        stamp_ns, is_broken = 0, False
        if line.relieves is not None or received_ns - line.sampled_ns >= self.settings.sample_s * SECOND_NS:
            line.sampled_ns, seen = received_ns, self.desk.glance(frame, received_ns)
            line.glanced(seen)
            stamp_ns, is_broken = seen.stamp_ns, seen.is_broken
        self._count(self.health, line.place, received_ns, stamp_ns, len(frame), is_broken)

    def _resume(self, awaited: _Awaited, taken: Taken, now_ns: int) -> None:
        """The first news behind a switch tells how long it took."""
        is_change = taken.kind == DEPTH and taken.verdict in (APPLY, ANEW, WAIT)
        is_trade = taken.kind == TRADES and bool(self.desk.market.decoded.found[0]["rows"])
        if self.active is None or not (is_change or is_trade or (not self.books and taken.kind > 0)):
            return
        self._awaited = None
        lasted_ms = (now_ns - awaited.last_ns) / 1e6
        if awaited.is_failover:
            self._failover_ms.append(lasted_ms)
        self._note(now_ns, "resumed", f"{self.active.plan.name} goes on {lasted_ms:.0f} ms after the last of {awaited.whose}", round(lasted_ms))

    # -- which one is taken from -------------------------------------------------------------------------------------

    def decide(self, now_ns: int) -> None:
        """Take from whichever connection is to be taken from now."""
        active = None if self.active is None else self.lines.index(self.active)
        found = choose([line.candidate(now_ns) for line in self.lines], active, self.settings.failback_s)
        if found.place is not None:
            if self.lines[found.place] is not self.active:
                self.switch(self.lines[found.place], "returned" if found.is_return else "switched", found.why, now_ns, is_free=found.is_free)
        elif self.active is not None:
            self._uncarried(now_ns, False)

    def _uncarried(self, now_ns: int, is_wished: bool) -> None:
        """No connection stands."""
        assert self.active is not None, "only what was carried can be carried no more"
        self._last_ns = self.active.socket.heard_ns if self._awaited is None else self._awaited.last_ns
        self.active = self._awaited = None
        if not is_wished:
            self._set_whole(NEVER)
            self._note(now_ns, "uncarried", f"no connection carries {len(self.plan.streams)} streams")
        self._ways.interrupted(is_wished)

    def switch(self, to: Line, what: str, why: str, now_ns: int, *, is_free: bool) -> None:
        """Take from another connection from here on, what it has kept first; `is_free` where the former could have gone on."""
        was, self.active = self.active, to
        missing = self.desk.missing
        if was is None or not to.covers(was.socket.alive_ns):
            self._set_whole(to.opened_ns)
        if was is None:
            self._note(now_ns, "carried", f"by {to.plan.name}")
            self._awaited = _Awaited(self._last_ns, "the one before", False) if self._last_ns else None
        else:
            was.let_go(now_ns, newest_stamp_ns(self.health, was.place))
            self._note(now_ns, what, f"from {was.plan.name} to {to.plan.name}: {why}")
            self._switches += what == "switched"
            if not is_free and self._awaited is None:
                self._awaited = _Awaited(was.socket.heard_ns, was.plan.name, True)
        self.desk.rejoined(self.books)
        for frame, _ in to.handed_over():
            self._sink.write("frame", to.plan.name, now_ns, "", frame)
            taken = self._ways.take(frame, now_ns, to.place, KEPT)
            if self._awaited is not None:
                self._resume(self._awaited, taken, now_ns)
        if self.desk.missing > missing:
            self._set_whole(now_ns)

    def _set_whole(self, from_ns: int) -> None:
        if from_ns != self._whole_ns:
            self._whole_ns = from_ns
            self._ways.whole(from_ns)

    def _note(self, now_ns: int, what: str, words: str, count: int = 0) -> None:
        self.tell(FeedEvent(now_ns, what, self.plan.name, "", words, count))
