"""One connection kept alive: made, used until it ends, made again; each kind of end is treated alike, and each is an event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from metastackerbandit.domain.errors import RateLimited, VenueError
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.streams import SocketPlan
from metastackerbandit.exchanges.transport.ports import ABNORMAL, Closed, Connection, Connector
from metastackerbandit.runtime.backoff import Backoff
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.health import Health, turned
from metastackerbandit.runtime.ports import Chance, LiveClock, RawSink
from metastackerbandit.runtime.settings import BackoffSettings, LiveSettings

_GOODBYE_S = 2.0  # for a venue to answer our closing message
_STOPPED = Closed(1000, "stopped", "us")


class LiveSocket:
    """A plan's connection. `take(frame, received_ns)` gets every frame after it was kept; `ended(is_wished)` is told of every end.

    `replan` makes the plan anew before each attempt, where an address or an opening message is good only once. A VenueError that `take` raises ends
    the connection, and it is made again.
    """

    def __init__(
        self,
        plan: SocketPlan,
        place: int,
        health: Health,
        *,
        connector: Connector,
        clock: LiveClock,
        chance: Chance,
        sink: RawSink,
        settings: LiveSettings,
        backoff: BackoffSettings,
        tell: Tell,
        take: Callable[[bytes, int], None],
        ended: Callable[[bool], None],
        replan: Callable[[], Awaitable[SocketPlan]] | None = None,
    ) -> None:
        self.plan = plan
        self.place = place
        self._health = health
        self._connector, self._clock, self._chance, self._sink = connector, clock, chance, sink
        self._settings, self._backoff_settings = settings, backoff
        self._tell, self._take, self._ended = tell, take, ended
        self._replan = replan
        self._session: _Session | None = None
        self._backoff = Backoff()

    def leave(self, error: VenueError) -> None:
        """Give up the connection that stands, for this reason; it is made again."""
        if self._session is not None:
            self._session.failed(error)

    @property
    def heard_ns(self) -> int:
        """When the newest frame of the newest connection came, or that connection stood; 0 before any."""
        return 0 if self._session is None else self._session.heard_ns

    @property
    def alive_ns(self) -> int:
        """Until when the newest connection has brought all that was sent on it: its newest frame, or the newest ping of ours that was answered."""
        return 0 if self._session is None else max(self._session.heard_ns, self._session.answered_ns)

    async def run(self) -> None:
        """Keep the connection until cancelled; only what is not the network's fault is raised."""
        while True:
            self._health.row[self.place]["attempts"] += 1
            least_s, lasted_s = 0.0, 0.0
            self._session = None
            try:
                if self._replan is not None:
                    self.plan = await self._replan()
                self._note("connecting", self.plan.told_url[:200])
                self._session = _Session(self)
                await self._session.run()
            except RateLimited as error:
                least_s = error.wait_s
                self._note("not_connected", str(error))
            except VenueError as error:
                self._note("not_connected", str(error))
            if self._session is not None:
                lasted_s = self._session.stood_s(self._clock.now_ns())
            wait_s = max(self._backoff.wait_s(self._backoff_settings, self._chance.random(), lasted_s), least_s)
            await self._clock.sleep(wait_s)

    def _note(self, what: str, words: str, count: int = 0) -> None:
        self._tell(FeedEvent(self._clock.now_ns(), what, self.plan.name, "", words, count))


class _Session:
    """One life of a connection: what its Listener hears."""

    def __init__(self, socket: LiveSocket) -> None:
        self._socket = socket
        self._name = socket.plan.name
        self._over: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        self._opened_ns = self.heard_ns = self.answered_ns = 0
        self._pinged_ns = 0  # 0: no ping is unanswered

    # -- the listener ------------------------------------------------------------------------------------------------

    def opened(self, at_ns: int) -> None:
        """The connection stands from now on."""
        socket = self._socket
        self._opened_ns = self.heard_ns = at_ns
        socket._health.row[socket.place]["connected"] += 1
        turned(socket._health, socket.place, True, at_ns)
        socket._sink.write("opened", self._name, at_ns, socket.plan.told_url, b"")
        socket._note("connected", f"{len(socket.plan.streams)} streams")

    def heard(self, frame: bytes, received_ns: int) -> None:
        """Keep the frame, then take it."""
        self._socket._sink.write("frame", self._name, received_ns, "", frame)
        self.heard_ns = received_ns
        self._socket._take(frame, received_ns)

    def ponged(self, payload: bytes, received_ns: int) -> None:
        """A ping was answered: its round trip."""
        if self._pinged_ns and payload == b"%d" % self._pinged_ns:
            self._socket._health.row[self._socket.place]["trip_ns"] = received_ns - self._pinged_ns
            self.answered_ns, self._pinged_ns = self._pinged_ns, 0

    def ended(self, how: Closed) -> None:
        """The connection is over."""
        if not self._over.done():
            self._over.set_result(how)

    def failed(self, error: BaseException) -> None:
        """Taking a frame went wrong, which is not the network's fault; or the connection is given up."""
        if not self._over.done():
            self._over.set_exception(error)
            self._over.exception()  # where the session is being stopped, nobody waits for it any more

    # -- its life ----------------------------------------------------------------------------------------------------

    def stood_s(self, now_ns: int) -> float:
        """For how long it stood, now that it is over, in seconds."""
        return (now_ns - self._opened_ns) / SECOND_NS if self._opened_ns else 0.0

    async def run(self) -> None:
        """Connect, subscribe, stay until the end."""
        socket, clock = self._socket, self._socket._clock
        connection = await socket._connector.connect(socket.plan.url, self)
        how = Closed(ABNORMAL, "a frame could not be taken", "us")
        try:
            await self._subscribe(connection)
            how = await self._stay(connection)
        except asyncio.CancelledError:
            how = _STOPPED
            connection.close(how.code, how.reason)
            raise
        except VenueError as error:
            how = Closed(ABNORMAL, error.what, "us")
            raise
        finally:
            if how is not _STOPPED:
                connection.abort()
            self._leave(how, clock.now_ns())

    def _leave(self, how: Closed, now_ns: int) -> None:
        """The connection is over, for this reason."""
        socket, is_wished = self._socket, how is _STOPPED
        socket._health.row[socket.place]["drops"] += not is_wished
        turned(socket._health, socket.place, False, now_ns)
        words = f"{how.code} by {how.by}: {how.reason}"
        socket._sink.write("closed", self._name, now_ns, socket.plan.told_url, words.encode())
        socket._note("stopped" if is_wished else "closed", words, how.code)
        socket._ended(is_wished)

    async def _subscribe(self, connection: Connection) -> None:
        """Send what the plan says, no faster than the venue allows."""
        for message in self._socket.plan.opening:
            connection.send(message)
            await self._socket._clock.sleep(self._socket.plan.message_s)

    async def _stay(self, connection: Connection) -> Closed:
        """Until it ends; whoever is silent, or does not answer a ping, is left."""
        settings, clock = self._socket._settings, self._socket._clock
        beaten_ns = clock.now_ns()
        while True:
            if await self._is_over_within(min(settings.ping_s, settings.pong_s)):
                return self._over.result()
            now_ns = clock.now_ns()
            dead = self._dead(now_ns)
            if dead:
                self._socket._note("silent", dead)
                connection.close(1001, dead)
                return self._over.result() if await self._is_over_within(_GOODBYE_S) else Closed(1001, dead, "us")
            if self._socket.plan.heartbeat and now_ns - beaten_ns >= self._socket.plan.heartbeat_s * SECOND_NS:
                connection.send(self._socket.plan.heartbeat)
                beaten_ns = now_ns
            if not self._pinged_ns:
                self._pinged_ns = now_ns
                connection.ping(b"%d" % now_ns)

    async def _is_over_within(self, seconds: float) -> bool:
        """Wait so long, or until the end."""
        wake = asyncio.ensure_future(self._socket._clock.sleep(seconds))
        either: set[asyncio.Future[Any]] = {self._over, wake}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wake.cancel()
        return self._over.done()

    def _dead(self, now_ns: int) -> str:
        """Why the connection is given up, "" while it is not."""
        settings = self._socket._settings
        if self._pinged_ns and now_ns - self._pinged_ns >= settings.pong_s * SECOND_NS:
            return f"no answer to a ping for {settings.pong_s:g} s"
        if now_ns - self.heard_ns >= settings.silence_s * SECOND_NS:
            return f"silent for {settings.silence_s:g} s"
        return ""
