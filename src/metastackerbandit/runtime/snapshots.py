"""Snapshots that books wait for, asked for one after another within the venue's budget, and again where they failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from metastackerbandit.domain.errors import VenueError
from metastackerbandit.exchanges.streams import RestRequest
from metastackerbandit.runtime.backoff import Backoff
from metastackerbandit.runtime.feed_desk import FeedDesk
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.ports import Chance, LiveClock
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.settings import BackoffSettings, LiveSettings


class Snapshots:
    """Gets each instrument that waits its snapshot; `request(s)` says what to ask, None where nothing is to be had."""

    def __init__(
        self,
        desk: FeedDesk,
        rest: RestDesk,
        request: Callable[[int], RestRequest | None],
        *,
        clock: LiveClock,
        chance: Chance,
        settings: LiveSettings,
        backoff: BackoffSettings,
        tell: Tell,
    ) -> None:
        self._desk, self._rest, self._request = desk, rest, request
        self._clock, self._chance = clock, chance
        self._settings, self._backoff_settings = settings, backoff
        self._tell = tell
        self._wanted: asyncio.Queue[int] = asyncio.Queue()
        self._asked: set[int] = set()
        self._backoffs = [Backoff() for _ in desk.instruments]

    def want(self, s: int) -> None:
        """An instrument waits for a snapshot; asking twice asks once."""
        if s not in self._asked and self._request(s) is not None:
            self._asked.add(s)
            self._wanted.put_nowait(s)
            self._note("waiting", s, "a snapshot is asked for")

    @property
    def wanted(self) -> int:
        """How many instruments wait for one: each once, so never more than there are."""
        return len(self._asked)

    async def run(self) -> None:
        """Answer wishes until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.snapshot_workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            s = await self._wanted.get()
            while not await self._try(s):
                await self._clock.sleep(self._backoffs[s].wait_s(self._backoff_settings, self._chance.random()))
            self._backoffs[s].succeeded()
            self._asked.discard(s)
            await self._clock.sleep(self._settings.snapshot_gap_s)

    async def _try(self, s: int) -> bool:
        """Ask once; whether the book is live."""
        request = self._request(s)
        assert request is not None, "only what can be asked for is wanted"
        try:
            answer = await self._rest.ask(request)
            is_synced = self._desk.take_snapshot(s, answer.body, self._clock.now_ns(), request.levels)  # by the clock that frames go by
        except VenueError as error:
            self._note("snapshot_failed", s, str(error))
            return False
        if is_synced:
            self._note("live", s, f"from a snapshot of update {int(self._desk.market.book.row[s]['last_id'])} or before")
        else:
            self._note("snapshot_old", s, "changes between the snapshot and those that wait are missing")
        return is_synced

    def _note(self, what: str, s: int, words: str) -> None:
        self._tell(FeedEvent(self._clock.now_ns(), what, "rest", self._desk.instruments[s].symbol, words))
