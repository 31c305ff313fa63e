"""The private stream of one account in one market: kept alive, read, and made whole by questions after every connection, so that nothing is lost.

New risk is held back from the loss of a connection until what was missed has been asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from metastackerbandit.domain.errors import ConnectFailed, MessageRefused, VenueError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import StreamKeyAsked, StreamKeyKept
from metastackerbandit.domain.user_events import OtherUpdate, StreamEnded, UserEvent
from metastackerbandit.exchanges.account import Grids, grids_of
from metastackerbandit.exchanges.streams import SocketPlan
from metastackerbandit.exchanges.transport.ports import Connector
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.health import empty_health, heard
from metastackerbandit.runtime.live_socket import LiveSocket
from metastackerbandit.runtime.order_desk import OrderDesk
from metastackerbandit.runtime.ports import Chance, LiveClock, RawSink
from metastackerbandit.runtime.settings import BackoffSettings, LiveSettings, OrderSettings

_WHO = "account stream"  # who holds new risk back
_LIFE_S = 86_400.0  # longer than any connection lives
_LEAVING = "serverShutdown"  # the venue asks to be left before its maintenance


class UserFeed:
    """Hears the account and hands what it hears to the desk. `read(frame, grids)` reads the venue's events."""

    def __init__(
        self,
        desk: OrderDesk,
        instruments: Sequence[Instrument],
        read: Callable[[bytes, Grids], tuple[UserEvent, ...]],
        *,
        connector: Connector,
        clock: LiveClock,
        chance: Chance,
        sink: RawSink,
        live: LiveSettings,
        backoff: BackoffSettings,
        settings: OrderSettings,
        tell: Tell,
    ) -> None:
        self.health = empty_health(1, clock.now_ns())
        self._desk, self._account, self._read = desk, desk.account, read
        self._one, self._grids = instruments[0], grids_of(list({one.symbol: one for one in instruments}.values()))
        self._clock, self._settings, self._tell_all = clock, settings, tell
        self._key = ""
        self._ends = 0  # connections that are over
        self._stands = asyncio.Event()  # a connection that tells events, of which what came before was not asked for yet
        self._socket = LiveSocket(
            SocketPlan("account", "", (), (), (), 0.0),
            0,
            self.health,
            connector=connector,
            clock=clock,
            chance=chance,
            sink=sink,
            # an account may be silent for days: pings alone tell whether the connection lives
            settings=msgspec.structs.replace(live, silence_s=_LIFE_S),
            backoff=backoff,
            tell=self._told,
            take=self._take,
            ended=self._ended,
            replan=self._replan,
        )

    async def run(self) -> None:
        """Hear until cancelled; only what is no network's fault is raised."""
        self._desk.hold(_WHO, "not connected yet", is_expected=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._socket.run())
            group.create_task(self._recoveries())
            if self._account.venue.read_stream_key is not None:
                group.create_task(self._keep_key())

    # -- the connection ----------------------------------------------------------------------------------------------

    async def _replan(self) -> SocketPlan:
        """The connection's plan, with the stream's key or a signature of now."""
        venue = self._account.venue
        if not self._account.clock.is_known:
            await self._account.clock.measure()
        if venue.read_stream_key is not None:
            self._key = venue.read_stream_key(await self._account.told(StreamKeyAsked(), self._one))
        return venue.private_plan(self._key, self._account.asking())

    def _told(self, event: FeedEvent) -> None:
        """Pass on what happens to the connection; one that needs no subscription tells events at once."""
        self._tell_all(event)
        if event.what == "connected" and not self._socket.plan.opening:
            self._stands.set()

    def _take(self, frame: bytes, received_ns: int) -> None:
        """One frame; what ends the stream is raised, and the connection made again."""
        reply = self._account.venue.reply_of(frame)
        if reply == "":
            self._stands.set()
            return
        if reply is not None:
            raise ConnectFailed(f"the subscription was refused: {reply}", where="account", mend="check the key; it is tried again")
        try:
            events = self._read(frame, self._grids)
        except MessageRefused as error:
            heard(self.health, 0, received_ns, 0, len(frame), True)
            self._note("account_unread", str(error))
            self._stands.set()  # what it told is asked for
            return
        heard(self.health, 0, received_ns, max((one.sent_ns for one in events), default=0), len(frame), False)
        for event in events:
            if isinstance(event, StreamEnded) or (isinstance(event, OtherUpdate) and event.event == _LEAVING):
                raise ConnectFailed("the venue ends the stream", where="account", mend="it is opened anew")
            self._desk.heard(event)

    def _ended(self, is_wished: bool) -> None:
        """The connection is over: until the next one stands and what was missed is known, nothing new is risked."""
        self._ends += 1
        self._stands.clear()
        self._desk.hold(_WHO, "the connection ended", is_expected=is_wished)
        if not is_wished:
            self._note("account_away", "the account's stream is away; orders are followed by questions")

    # -- what is asked -----------------------------------------------------------------------------------------------

    async def _recoveries(self) -> None:
        """After each connection (and each message that could not be read), ask for what may have been missed."""
        while True:
            await self._stands.wait()
            self._stands.clear()
            ends = self._ends
            try:
                await self._desk.recover()
            except VenueError as error:
                self._note("account_unread", str(error))
                await self._clock.sleep(self._settings.retry_s)
                if ends == self._ends:
                    self._stands.set()
                continue
            if ends == self._ends and not self._stands.is_set():
                self._desk.free(_WHO)
                self._note("account_live", "orders and fills are known up to now")

    async def _keep_key(self) -> None:
        """Renew the stream's key well inside its life, by the venue's time; one that is gone is replaced with the connection."""
        venue, clock = self._account.venue, self._account.clock
        while True:
            await self._clock.sleep(clock.wall_s(venue.key_life_s * self._settings.key_share))
            if not self._key:
                continue
            reply = await self._account.ask(StreamKeyKept(self._key), self._one)
            if reply.verdict.meaning == "gone":
                self._socket.leave(ConnectFailed("the stream's key has expired", where="account", mend="a new one is asked for"))
            elif not reply.verdict.is_done:
                self._note("account_unread", f"the stream's key was not renewed: {reply.verdict.words}")

    def _note(self, what: str, words: str) -> None:
        self._tell_all(FeedEvent(self._clock.now_ns(), what, "account", "", words))
