"""Snapshots reach a book as of the time that its frames are in, whatever clock the door to REST goes by."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np

from metastackerbandit.exchanges.streams import RestRequest
from metastackerbandit.exchanges.transport.ports import Answer
from metastackerbandit.runtime.settings import BackoffSettings, LiveSettings
from metastackerbandit.runtime.snapshots import Snapshots
from tests.runtime.pretended import Half
from tests.runtime.virtual_time import VirtualClock, in_virtual_time

BEHIND_NS = 155 * 86_400 * 10**9  # a venue that plays what was recorded months ago


class There(VirtualClock):
    """The venue's clock."""

    def now_ns(self) -> int:
        """UTC ns there."""
        return super().now_ns() - BEHIND_NS


class Followed:
    """A desk of one book, which notes when its snapshots came."""

    def __init__(self) -> None:
        self.instruments = [SimpleNamespace(symbol="BTCUSDT")]
        self.market = SimpleNamespace(book=SimpleNamespace(row=np.zeros(1, [("last_id", np.int64)])))
        self.came: list[int] = []

    def take_snapshot(self, s: int, body: bytes, received_ns: int, levels: int) -> bool:
        """A snapshot came."""
        self.came.append(received_ns)
        return True


def test_a_snapshot_of_a_venue_whose_clock_is_another_comes_at_its_time() -> None:
    desk = Followed()

    async def ask(request: RestRequest) -> Answer:
        await asyncio.sleep(0.25)
        return Answer(200, b"{}", {}, VirtualClock().now_ns())

    async def work() -> None:
        rest: Any = SimpleNamespace(ask=ask)
        followed: Any = desk
        wanted = RestRequest("depth", "BTCUSDT", "http://there/depth", 1)
        told: dict[str, Any] = {"settings": LiveSettings(), "backoff": BackoffSettings(), "tell": lambda event: None}
        snapshots = Snapshots(followed, rest, lambda s: wanted, clock=There(), chance=Half(), **told)
        asked_ns = There().now_ns()
        snapshots.want(0)
        running = asyncio.ensure_future(snapshots.run())
        await asyncio.sleep(0.5)
        running.cancel()
        assert desk.came == [asked_ns + 250_000_000]

    in_virtual_time(work())
