"""Live books of one venue: its connections, snapshots, resyncs and audits, everything kept in a log first, everything that happens told.

The parts: a desk that follows the books without a network (feed_desk), routes of several connections each (live_route), snapshots within a budget
(snapshots), audits (book_audit). This file puts them together; clock, chance, network and log come from outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from metastackerbandit.domain.errors import VenueError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.market_rows import ACK, DEPTH
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.catalog import codec_for, streams_of
from metastackerbandit.exchanges.continuity import ANEW, APPLY, GAP, WAIT
from metastackerbandit.exchanges.decoded import FAULTS, FOREIGN
from metastackerbandit.exchanges.settings import EndpointSettings, TransportSettings
from metastackerbandit.exchanges.streams import RestRequest, SocketPlan, VenueLimits, require_carried
from metastackerbandit.exchanges.transport.ports import Connector, Rest
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.runtime.book_audit import BookAudit
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.feed_desk import FeedDesk, Hear, Pass
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.health import HealthFacts, empty_health, facts_of
from metastackerbandit.runtime.live_line import Line
from metastackerbandit.runtime.live_route import Route, Ways
from metastackerbandit.runtime.live_socket import LiveSocket
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.ports import Chance, LiveClock, RawSink
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.route_watch import RouteWatch
from metastackerbandit.runtime.settings import BackoffSettings, HealthSettings, LiveSettings
from metastackerbandit.runtime.snapshots import Snapshots
from metastackerbandit.runtime.weight_budget import WeightBudget


class World(Struct, frozen=True):
    """What is outside: the network, time, chance and the log."""

    connector: Connector
    rest: Rest
    clock: LiveClock
    chance: Chance
    sink: RawSink


class FeedSettings(Struct, frozen=True):
    """The tables of the configuration that a live feed reads."""

    live: LiveSettings = LiveSettings()
    backoff: BackoffSettings = BackoffSettings()
    quality: QualitySettings = QualitySettings()
    transport: TransportSettings = TransportSettings()
    endpoints: EndpointSettings = EndpointSettings()
    health: HealthSettings = HealthSettings()


Whole = Callable[[SocketPlan, int], None]  # since when (UTC ns; market.bars.NEVER: not any more) all that a plan carries is heard without a hole
_ATTEMPTS_S = 300.0  # the window in which venues count new connections
_RELIEFS = 1  # connections that may stand beside the others while one is replaced


class LiveFeed:
    """Books of instruments of one market of a venue, and whatever other streams are asked for by word (exchanges.streams).

    `tell` gets every event, `hear` every frame after it was taken, `passing` its time before it is, `whole` since when a plan's streams are heard.
    `desk` has the books: what they say counts while their state is live.

    Raises:
        UsageError: a stream that is asked for is carried by no connection.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        words: Sequence[str],
        world: World,
        settings: FeedSettings,
        tell: Tell,
        hear: Hear | None = None,
        passing: Pass | None = None,
        whole: Whole | None = None,
    ) -> None:
        venue = codec_for(instruments).venue
        self.streams = streams_of(venue, instruments[0].market)
        self.plans = self.streams.sockets(instruments, words, settings.endpoints)
        require_carried(self.plans, instruments, words, f"{venue.lower()} {instruments[0].market}")
        self._world, self._settings, self._tell = world, settings, tell
        self._whole = whole if whole is not None else _regardless
        now_ns = world.clock.now_ns()
        each = 1 + backups_of(self.streams.limits, self.plans, settings.live.backups)
        self._health = empty_health(each * len(self.plans), now_ns)
        self.desk = FeedDesk(
            instruments,
            self._health,
            settings.quality,
            now_ns,
            most_bytes=self._most_bytes(),
            most_waiting=settings.live.most_waiting,
            hear=hear if hear is not None else _nobody,
            passing=passing,
        )
        self._places = {one.symbol: s for s, one in enumerate(instruments)}
        self._followed = tuple(sorted({self._places[symbol] for plan in self.plans for symbol in plan.books}))
        self.rest = RestDesk(world.rest, WeightBudget(self.streams.limits, settings.live.weight_share), world.clock, world.sink)
        self._snapshots = Snapshots(
            self.desk,
            self.rest,
            self._snapshot_of,
            clock=world.clock,
            chance=world.chance,
            settings=settings.live,
            backoff=settings.backoff,
            tell=tell,
        )
        self._attempts = WeightBudget(VenueLimits(self.streams.limits.attempts, _ATTEMPTS_S, 0, 0), settings.live.weight_share)
        self.routes = tuple(self._route(plan, range(place * each, (place + 1) * each)) for place, plan in enumerate(self.plans))
        self._audit: BookAudit | None = None
        self._begun_ns = now_ns
        self._lives_since: dict[int, int] = {}
        self._dropped = 0

    async def run(self) -> None:
        """Follow until cancelled. The venue's and the network's failures are survived; a full log, a broken promise of our own, are raised."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._snapshots.run())
            group.create_task(self._look())
            if self._settings.live.audit_s > 0.0 and self._followed and self._snapshot_of(self._followed[0]) is not None:
                group.create_task(self._audits())
            for route in self.routes:
                group.create_task(RouteWatch(route).run())

    def health(self) -> dict[str, HealthFacts]:
        """The facts of each connection."""
        now_ns = self._world.clock.now_ns()
        return {line.plan.name: facts_of(self._health, line.place, now_ns) for line in self.lines()}

    def lines(self) -> tuple[Line, ...]:
        """Every connection but those that are to relieve another one, the first one of each plan before its backups."""
        return tuple(line for route in self.routes for line in sorted(route.lines, key=lambda one: one.place) if line.relieves is None)

    def live_shares(self) -> dict[str, float]:
        """The share of the time since the start in which each book was live, in [0, 1]."""
        now_ns = self._world.clock.now_ns()
        return {self.desk.instruments[s].symbol: self.desk.live_share(s, now_ns) for s in self._followed}

    def live(self) -> tuple[str, ...]:
        """Symbols whose books are live."""
        return tuple(self.desk.instruments[s].symbol for s in self._followed if self.desk.state(s) == "live")

    @property
    def wanted(self) -> int:
        """How many instruments wait for a snapshot that is asked for."""
        return self._snapshots.wanted

    # -- the parts ---------------------------------------------------------------------------------------------------

    def _route(self, plan: SocketPlan, places: range) -> Route:
        world, settings = self._world, self._settings
        return Route(
            plan,
            places,
            tuple(self._places[symbol] for symbol in plan.books),
            Ways(self._socket, self._take, lambda is_wished: self._interrupted(plan, is_wished), lambda from_ns: self._whole(plan, from_ns)),
            desk=self.desk,
            health=self._health,
            clock=world.clock,
            chance=world.chance,
            sink=world.sink,
            settings=settings.live,
            limits=settings.health,
            tell=self._tell,
        )

    def _socket(self, line: Line, sink: RawSink, tell: Tell, take: Callable[[bytes, int], None], ended: Callable[[bool], None]) -> LiveSocket:
        world = self._world

        async def turn() -> SocketPlan:
            """Wait until the venue's count of new connections allows another one."""
            while (wait_s := self._attempts.wait_s(1, world.clock.now_ns())) > 0.0:
                await world.clock.sleep(wait_s)
            self._attempts.spend(1, world.clock.now_ns())
            return line.plan

        return LiveSocket(
            line.plan,
            line.place,
            self._health,
            connector=world.connector,
            clock=world.clock,
            chance=world.chance,
            sink=sink,
            settings=self._settings.live,
            backoff=self._settings.backoff,
            tell=tell,
            take=take,
            ended=ended,
            replan=turn,
        )

    def _snapshot_of(self, s: int) -> RestRequest | None:
        return self.streams.snapshot(self.desk.instruments[s], self._settings.live.snapshot_levels, self._settings.endpoints)

    def _take(self, frame: bytes, received_ns: int, place: int, when: int) -> Taken:
        taken = self.desk.take(frame, received_ns, place, when)
        if taken.kind == DEPTH:
            self._followed_by(taken, frame, received_ns)
        elif taken.kind <= 0 or taken.kind == ACK:
            self._strange(taken, frame, received_ns, place)
        return taken

    def _followed_by(self, taken: Taken, frame: bytes, received_ns: int) -> None:
        """A book message: what it asks for."""
        s = taken.instrument
        if taken.verdict == GAP:
            feed = self.desk.market.feeds[s]
            self._note("gap", s, f"changes are missing behind update {int(feed['last_id'])}", int(feed["gaps"]))
        if taken.verdict in (GAP, WAIT):
            self._snapshots.want(s)
        elif taken.verdict in (APPLY, ANEW) and self.desk.market.feeds[s]["since_ns"] == received_ns != self._lives_since.get(s):
            self._lives_since[s] = received_ns  # what was kept beside another connection is taken at one time: it is told once
            self._note("live", s, "it follows again")
        audit = self._audit
        if audit is not None and audit.s == s and taken.verdict == APPLY:
            audit.heard(frame, received_ns)
            self._judge(audit)

    def _strange(self, taken: Taken, frame: bytes, received_ns: int, place: int) -> None:
        """A frame that told nothing of a market: a fault, or a refusal of what we sent."""
        fault = int(self.desk.market.decoded.found[0]["fault"])
        if fault not in (0, FOREIGN):
            word, means = FAULTS[fault]
            self._tell(FeedEvent(received_ns, "broken", self._name(place), "", f"{word}: {means}: {frame[:120]!r}"))
        elif taken.kind == ACK and (b'"code"' in frame or b'"error"' in frame) and b'"code":0' not in frame:
            self._tell(FeedEvent(received_ns, "refused", self._name(place), "", frame[:200].decode(errors="replace")))

    def _name(self, place: int) -> str:
        """The connection whose health stands at a place."""
        return next(line.plan.name for line in self.lines() if line.place == place)

    def _interrupted(self, plan: SocketPlan, is_wished: bool) -> None:
        """No connection carries a plan's streams: the books that they fed are stale."""
        stale = self.desk.interrupted((self._places[symbol] for symbol in plan.books), self._world.clock.now_ns())
        for s in () if is_wished else stale:
            self._note("stale", s, f"no connection {plan.name} stands")

    async def _look(self) -> None:
        """What time alone brings."""
        settings = self._settings.live
        while True:
            await self._world.clock.sleep(settings.look_s)
            now_ns = self._world.clock.now_ns()
            for s in self.desk.look(now_ns):
                self._note("stale", s, f"nothing has come for {self._settings.quality.stale_seconds:g} s")
            if now_ns - self._begun_ns >= settings.quiet_s * SECOND_NS:
                for s in self._followed:
                    if self.desk.state(s) in ("syncing", "resync"):
                        self._snapshots.want(s)
            dropped = sum(self.desk.dropped)
            if dropped > self._dropped:
                self._tell(
                    FeedEvent(now_ns, "dropped", "", "", "changes that waited for a snapshot were let go, the oldest first", dropped - self._dropped)
                )
                self._dropped = dropped

    # -- audits ------------------------------------------------------------------------------------------------------

    async def _audits(self) -> None:
        """Each book in its turn, so that every one is audited once a period."""
        settings = self._settings.live
        while True:
            for s in self._followed:
                await self._world.clock.sleep(settings.audit_s / len(self._followed))
                if self.desk.state(s) == "live":
                    await self._audit_book(s)

    async def _audit_book(self, s: int) -> None:
        """Hold one book against a snapshot; the end comes in `_judge` where it needs a further change."""
        request = self._snapshot_of(s)
        assert request is not None, "audits run where there are snapshots"
        clock, one = self._world.clock, self.desk.instruments[s]
        audit = self._audit = BookAudit(s, one, self._settings.quality, clock.now_ns(), self._most_bytes())
        try:
            answer = await self.rest.ask(request)
            if audit.answered(answer.body, clock.now_ns()):
                self._judge(audit)
                if self._audit is audit:
                    await clock.sleep(self._settings.live.audit_wait_s)
            if self._audit is audit:
                self._note("audit_failed", s, "the books did not come to stand at one update")
        except VenueError as error:
            self._note("audit_failed", s, str(error))
        finally:
            self._audit = None

    def _most_bytes(self) -> int:
        return max(self._settings.transport.most_frame_bytes, self._settings.transport.most_body_bytes)

    def _judge(self, audit: BookAudit) -> None:
        """Tell what an audit found, if it has; a book that differs is not trusted any more."""
        found = audit.found(self.desk.market)
        if found is None:
            return
        self._audit = None
        if found.levels == 0:
            self._note("audited", audit.s, f"equal to the venue's snapshot at update {found.update_id}")
            return
        self._note("differs", audit.s, f"{found.levels:,} levels differ from the venue's snapshot at update {found.update_id}", found.levels)
        self.desk.distrusted(audit.s, self._world.clock.now_ns())
        self._snapshots.want(audit.s)

    def _note(self, what: str, s: int, words: str, count: int = 0) -> None:
        self._tell(FeedEvent(self._world.clock.now_ns(), what, "", self.desk.instruments[s].symbol, words, count))


def issue_of(event: FeedEvent) -> QualityIssue | None:
    """An event as a quality issue; None for news."""
    if not event.severity:
        return None
    return QualityIssue(event.what, event.severity, event.symbol or event.connection, event.words, max(event.count, 1))


def backups_of(limits: VenueLimits, plans: Sequence[SocketPlan], wanted: int) -> int:
    """How many backups each plan may have: what is wanted, as far as the venue's connections and streams at a time go while one is replaced."""
    streams = [len(plan.streams) for plan in plans]
    most = wanted
    if limits.connections:
        most = min(most, (limits.connections - _RELIEFS) // len(plans) - 1)
    if limits.subscriptions:
        most = min(most, (limits.subscriptions - _RELIEFS * max(streams)) // sum(streams) - 1)
    return max(most, 0)


def _regardless(plan: SocketPlan, from_ns: int) -> None:
    """Nobody asks since when streams are heard."""


def _nobody(taken: Taken, market: Feeds, received_ns: int) -> None:
    """Nobody listens."""
