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
from metastackerbandit.runtime.account_desk import open_account
from metastackerbandit.runtime.account_terms import require_sound, set_terms
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.live_feed import World
from metastackerbandit.runtime.new_risk import NO_GUARD, Guard
from metastackerbandit.runtime.order_desk import OrderDesk
from metastackerbandit.runtime.order_view import Keep
from metastackerbandit.runtime.reconcile import Reconciler
from metastackerbandit.runtime.rules_watch import RulesWatch
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
    what must be written down of legs. `guard` is what real money asks for.
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
        guard: Guard = NO_GUARD,
    ) -> None:
        read = codec_for(books).read_user
        if read is None or len({one.market for one in books}) != 1:
            raise UsageError("an account is of one market whose private stream can be read", mend="name instruments of one market, spot or perp")
        clock, orders = world.clock, settings.orders
        self._books, self._clock, self._settings, self._tell = tuple(books), clock, orders, tell
        self._guard, self._is_ready = guard, False
        self.account = open_account(books[0], world.rest, credentials, settings.endpoints, clock, orders, tell, world.sink)
        self.desk = OrderDesk(books, run_id, self.account, clock, orders, report, tell, since_ns, keep, guard.last_look)
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
        self.rules = RulesWatch(self.desk, books, clock, orders, tell)

    async def run(self) -> None:
        """Follow the account until cancelled. What is no network's fault is raised, such as a key that can withdraw (ConfigRefused)."""
        await self._begin()
        async with asyncio.TaskGroup() as group:
            for part in (self.account.clock, self.desk, self.feed, self.reconciler, self.rules):
                group.create_task(part.run())

    async def prepare(self) -> None:
        """Know the time, that the key is sound, and that every symbol is set as it should be, before anything else.

        Raises:
            ConfigRefused: the key or what the account is set to cannot be used.
            VenueError: the venue did not answer.
        """
        await self.account.clock.measure()
        await require_sound(self.account, self._books[0], needs_bound=self._guard.needs_bound_key)
        for words in await set_terms(self.account, {one.symbol: one for one in self._books}.values(), self._settings):
            self._tell(FeedEvent(self._clock.now_ns(), "terms_set", "", words.partition(":")[0], words))
        self._is_ready = True

    async def _begin(self) -> None:
        """Prepare, unless that is done; a venue that does not answer is asked until it does."""
        while not self._is_ready:
            try:
                await self.prepare()
            except VenueError as error:
                self._tell(FeedEvent(self._clock.now_ns(), "account_unread", "", "", str(error)))
                await self._clock.sleep(self._settings.retry_s)
