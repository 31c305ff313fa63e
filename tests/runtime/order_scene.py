"""A stage for order entry in virtual time: a pretended exchange, the desk, and an engine's stand-in that holds every report to the life cycle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.errors import VenueError
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.leg_words import LegWord
from metastackerbandit.domain.rows import FILLED, MARKET, SENT, STATES, STOP, TARGET
from metastackerbandit.exchanges.account import grids_of
from metastackerbandit.exchanges.binance.user import read_user
from metastackerbandit.exchanges.credentials import Credentials
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.transport.ports import Answer
from metastackerbandit.execution.held_past import held_past
from metastackerbandit.execution.intents import Intents
from metastackerbandit.execution.lifecycle import advance
from metastackerbandit.runtime.account_desk import open_account
from metastackerbandit.runtime.feed_events import HAPPENINGS, FeedEvent
from metastackerbandit.runtime.order_desk import OrderDesk
from metastackerbandit.runtime.settings import OrderSettings
from tests.markets import instrument
from tests.runtime.pretended_exchange import NEVER, SECRET, Exchange
from tests.runtime.virtual_time import VirtualClock, in_virtual_time


class Life:
    """A process: `is_dead` from its point `ends_at` on (0: never). A point is a write, a question on its way, an answer, or a turn of the loop."""

    def __init__(self, ends_at: int = 0) -> None:
        self.ends_at, self.points, self.is_dead = ends_at, 0, False

    def point(self) -> bool:
        """One point more; whether it is alive behind it."""
        self.points += 1
        self.is_dead = self.is_dead or self.points == self.ends_at
        return not self.is_dead


class Wire:
    """The network of one process: what it has sent arrives, and nobody hears the answer, once it is dead."""

    def __init__(self, venue: Exchange, life: Life) -> None:
        self._venue, self._life = venue, life

    async def ask(self, url: str, body: bytes = b"", *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """The venue's answer."""
        if self._life.point():
            answer = await asyncio.shield(asyncio.ensure_future(self._venue.ask(url, body, method=method, headers=headers)))
            if self._life.point():
                return answer
        await asyncio.sleep(NEVER)
        raise AssertionError("a dead process goes on")


@dataclass
class Ours:
    """What the engine believes of one of its orders."""

    lots: int
    state: int = SENT
    filled: int = 0
    fee: int = 0
    told: int = 0


class Scene:
    """One symbol of one market, traded by so many books."""

    def __init__(self, market: str, books: int = 1, **changes: Any) -> None:
        self.books = books
        self.settings = replace(OrderSettings(settle_s=10.0, retry_s=0.5, fills_s=1.0, patience_s=3.0), **changes)
        self.one = instrument("BTCUSDT", market, "BINANCE")
        self.venue = Exchange(self.one)
        self.events: list[FeedEvent] = []
        self.orders: dict[int, Ours] = {}
        self.reports: list[OrderReport] = []
        self.is_away = False
        self.intents = Intents()
        self.life = Life()
        self.deaths: list[int] = []  # points at which the processes after this one end
        self.running: asyncio.Future[None]
        self.words: list[LegWord] = []

    def build(self) -> None:
        """Make the desk, within the loop."""
        clock, life = VirtualClock(), self.life
        wire = Wire(self.venue, life)
        credentials = Credentials("key", SECRET)
        self.account = open_account(self.one, wire, credentials, EndpointSettings(), clock, self.settings, self.events.append)
        self.desk = OrderDesk(
            [self.one] * self.books, "run-1", self.account, clock, self.settings, self.take, self.events.append, clock.now_ns(), self.keep
        )
        grids = grids_of([self.one])

        def hear(frame: bytes) -> None:
            if not self.is_away and not life.is_dead:
                for event in read_user(frame, grids):
                    self.desk.heard(event)

        self.venue.hear = hear

    def keep(self, word: LegWord) -> None:
        """A word of a leg is written down, unless the process dies before."""
        if self.life.point():
            self.words.append(word)
            self.life.point()

    async def revive(self) -> None:
        """A dead process is started again, from what was written down."""
        if not self.life.is_dead:
            return
        self.running.cancel()
        with suppress(asyncio.CancelledError):
            await self.running
        self.life = Life(self.deaths.pop(0) if self.deaths else 0)
        self.build()
        self.desk.take_up(held_past(self.intents, self.words))
        self.running = asyncio.ensure_future(self.desk.run())
        await asyncio.sleep(0)
        await self._recover()

    async def _recover(self) -> None:
        """Ask for what was missed until it is told."""
        while not self.life.is_dead:
            try:
                return await self.desk.recover()
            except VenueError:
                await asyncio.sleep(1.0)

    def take(self, report: OrderReport) -> None:
        """As the engine takes it, once it is written down: what its life cycle does not allow is a fault."""
        if not self.life.point():
            return
        self.intents.told(report)
        ours = self.orders[report.order]
        state = advance(ours.state, report.state, ours.filled, abs(report.lots), ours.lots)
        assert state >= 0, f"{STATES[ours.state]} after {ours.filled} of {ours.lots} cannot become {STATES[report.state]} by {report.lots}"
        ours.state, ours.filled, ours.fee, ours.told = state, ours.filled + abs(report.lots), ours.fee + report.fee, ours.told + report.lots
        self.reports.append(report)
        self.life.point()

    def submit(self, lots: int, kind: int = MARKET, trigger: int = 0, *, reduces: bool = False) -> int:
        """The engine's next order."""
        number = len(self.orders) + 1
        self.orders[number] = Ours(abs(lots))
        self.act(SubmitOrder(0, number, 7, kind, lots, trigger, int(reduces or kind != MARKET), 0, VirtualClock().now_ns()))
        return number

    def act(self, effect: SubmitOrder | CancelOrder | AmendOrder) -> None:
        """What the engine asks follows from what is written down, whether the process lives to do it or not."""
        self.intents.asked(effect)
        if self.life.point():
            self.desk.act(effect)

    def stop(self, lots: int, trigger: int) -> int:
        """A stop."""
        return self.submit(lots, STOP, trigger)

    def target(self, lots: int, price: int) -> int:
        """A target."""
        return self.submit(lots, TARGET, price)

    def cancel(self, number: int) -> None:
        """The engine wants an order gone."""
        self.act(CancelOrder(0, number, 0))

    def amend(self, number: int, lots: int, trigger: int) -> None:
        """The engine wants an order otherwise; it believes so at once."""
        if self.orders[number].state < FILLED:
            self.orders[number].lots = abs(lots)
            self.act(AmendOrder(0, number, lots, trigger, 0))

    async def settle(self) -> None:
        """The network is well again: what was missed is asked for, as after a new connection."""
        self.venue.fault = lambda method, path, n: ""
        self.venue.copies = lambda: 1
        self.is_away, self.deaths = False, []
        await self.revive()
        self.life.ends_at = 0
        await asyncio.sleep(60.0)
        await self.revive()
        await self._recover()
        await self.revive()
        await asyncio.sleep(120.0)

    def turned(self) -> None:
        """A turn of the loop."""
        self.life.point()

    def play(self, script: Callable[[], Awaitable[None]]) -> None:
        """Run a script beside the desk."""

        async def work() -> None:
            self.build()
            self.running = asyncio.ensure_future(self.desk.run())
            self.running.add_done_callback(lambda done: None if done.cancelled() else asyncio.get_running_loop().call_soon(done.result))
            await asyncio.sleep(0)
            await script()
            assert not self.running.done(), self.running.exception()
            self.running.cancel()
            with suppress(asyncio.CancelledError):
                await self.running

        in_virtual_time(work(), self.turned)
        assert all(event.what in HAPPENINGS for event in self.events)

    def told(self, number: int) -> list[str]:
        """An order's states as they were reported."""
        return [STATES[report.state] for report in self.reports if report.order == number]

    def happened(self, what: str) -> int:
        """How often something was told."""
        return sum(event.what == what for event in self.events)

    def agree(self) -> None:
        """The engine's view is the venue's: position, fills, open orders, each order there once."""
        assert sum(ours.told for ours in self.orders.values()) == self.venue.lots
        told = [report.trade for report in self.reports if report.lots]
        assert sorted(told) == sorted(int(one["id"]) for one in self.venue.trades), "each fill is told once"
        assert all(count == 1 for count in self.venue.taken.values()), self.venue.taken
        by_order: dict[int, int] = {}
        for known in self.venue.orders:
            name = next((one.client_id for one in self.venue.orders if one.algo and one.became == known.id), known.client_id)
            by_order[int(name.split("-")[3], 36)] = by_order.get(int(name.split("-")[3], 36), 0) + known.filled
        assert {number: ours.filled for number, ours in self.orders.items()} == {number: by_order.get(number, 0) for number in self.orders}
        working = {number for number, ours in self.orders.items() if ours.state < FILLED}
        at_venue = {int(known.client_id.split("-")[3], 36) for known in self.venue.orders if known.is_open}
        assert working == at_venue, (working, at_venue)
