"""One account in one market, live: its clock, its private stream, its orders and its reconciliation, run together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from metastackerbandit.domain.errors import UsageError, VenueError
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.catalog import codec_for
from metastackerbandit.exchanges.credentials import Credentials
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.execution.reconcile import AccountView
from metastackerbandit.runtime.account_desk import open_account, require_sound
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.live_feed import World
from metastackerbandit.runtime.order_desk import OrderDesk
from metastackerbandit.runtime.order_view import Keep
from metastackerbandit.runtime.reconcile import Reconciler
from metastackerbandit.runtime.settings import BackoffSettings, LiveSettings, OrderSettings
from metastackerbandit.runtime.user_feed import UserFeed


class LiveAccountSettings(Struct, frozen=True):
    """The tables of the configuration that a live account reads."""

    orders: OrderSettings = OrderSettings()
    live: LiveSettings = LiveSettings()
    backoff: BackoffSettings = BackoffSettings()
    endpoints: EndpointSettings = EndpointSettings()


class LiveAccount:
    """`books` are the engine's instruments in its order, all of one market of one venue; `run_id` names the run in client ids.

    `report` gets the engine's reports and `tell` what an operator should know; `ours()` is what the engine believes of positions and amounts. What
    the engine asks goes to `desk.act`; `since_ns` (UTC ns by the venue's clock) is when fills began that the engine may not know, `keep` gets
    what must be written down of legs.
    """

    def __init__(
        self,
        books: Sequence[Instrument],
        run_id: str,
        credentials: Credentials,
        world: World,
        settings: LiveAccountSettings,
        *,
        report: Callable[[OrderReport], None],
        tell: Tell,
        ours: Callable[[], AccountView],
        since_ns: int,
        keep: Keep,
    ) -> None:
        read = codec_for(books).read_user
        if read is None or len({one.market for one in books}) != 1:
            raise UsageError("an account is of one market whose private stream can be read", mend="name instruments of one market, spot or perp")
        clock, orders = world.clock, settings.orders
        self._one, self._clock, self._settings, self._tell = books[0], clock, orders, tell
        self.account = open_account(books[0], world.rest, credentials, settings.endpoints, clock, orders, tell, world.sink)
        self.desk = OrderDesk(books, run_id, self.account, clock, orders, report, tell, since_ns, keep)
        self.feed = UserFeed(
            self.desk,
            books,
            read,
            connector=world.connector,
            clock=clock,
            chance=world.chance,
            sink=world.sink,
            live=settings.live,
            backoff=settings.backoff,
            settings=orders,
            tell=tell,
        )
        self.reconciler = Reconciler(self.desk, books, ours, clock, orders, tell)

    async def run(self) -> None:
        """Follow the account until cancelled. What is no network's fault is raised, such as a key that can withdraw (ConfigRefused)."""
        await self._begin()
        async with asyncio.TaskGroup() as group:
            for part in (self.account.clock, self.desk, self.feed, self.reconciler):
                group.create_task(part.run())

    async def _begin(self) -> None:
        """Know the time, and that the key is sound, before anything else; a venue that does not answer is asked until it does."""
        while True:
            try:
                await self.account.clock.measure()
                await require_sound(self.account, self._one)
                return
            except VenueError as error:
                self._tell(FeedEvent(self._clock.now_ns(), "account_unread", "", "", str(error)))
                await self._clock.sleep(self._settings.retry_s)
