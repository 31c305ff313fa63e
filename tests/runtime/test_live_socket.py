"""A connection kept alive, in virtual time: when it is tried again, when it is given up, what is sent on it, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest

from metastackerbandit.domain.errors import ConnectFailed, RateLimited, VenueError
from metastackerbandit.exchanges.streams import SocketPlan
from metastackerbandit.exchanges.transport.ports import Closed
from metastackerbandit.runtime.feed_events import HAPPENINGS, FeedEvent
from metastackerbandit.runtime.health import Health, empty_health, facts_of
from metastackerbandit.runtime.live_socket import LiveSocket
from metastackerbandit.runtime.settings import BackoffSettings, LiveSettings
from tests.covering import covers
from tests.runtime.pretended import Half, Nowhere, Switchboard
from tests.runtime.virtual_time import START_NS, VirtualClock, in_virtual_time

PLAN = SocketPlan("public", "ws://x/stream", (b"one", b"two", b"three"), ("a",), (), 0.25, b"beat", 20.0)
SETTINGS = LiveSettings(ping_s=10.0, pong_s=10.0, silence_s=30.0)
BACKOFF = BackoffSettings(first_s=1.0, most_s=8.0, jitter=0.5, stable_s=60.0)


class Kept:
    """A socket with all that it says."""

    def __init__(self, script: Callable[[int], VenueError | bool]) -> None:
        self.board, self.sink = Switchboard(script), Nowhere()
        self.events: list[FeedEvent] = []
        self.frames: list[bytes] = []
        self.ends: list[bool] = []
        self.health: Health = empty_health(1, START_NS)

    async def live(self, seconds: float, meanwhile: Callable[[], None] | None = None) -> None:
        """Run for so long; `meanwhile` is called each second."""
        socket = LiveSocket(
            PLAN,
            0,
            self.health,
            connector=self.board,
            clock=VirtualClock(),
            chance=Half(),
            sink=self.sink,
            settings=SETTINGS,
            backoff=BACKOFF,
            tell=self.events.append,
            take=lambda frame, received_ns: self.frames.append(frame),
            ended=self.ends.append,
        )
        running = asyncio.ensure_future(socket.run())
        for _ in range(int(seconds)):
            await asyncio.sleep(1.0)
            if meanwhile is not None:
                meanwhile()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    def speak(self) -> None:
        """A frame comes."""
        if self.board.lines and not self.board.lines[-1].is_over:
            self.board.lines[-1].listener.heard(b"{}", VirtualClock().now_ns())

    def told(self) -> list[str]:
        return [event.what for event in self.events]


@covers("2.029", "C09")
def test_it_never_gives_up_and_waits_longer_each_time_up_to_a_bound() -> None:
    kept = Kept(lambda n: ConnectFailed("nobody there"))
    in_virtual_time(kept.live(100))
    gaps = [later - earlier for earlier, later in pairwise(kept.board.at)]
    assert gaps[:5] == pytest.approx([0.75, 1.5, 3.0, 6.0, 6.0]) and len(gaps) > 15
    assert kept.told() == ["connecting", "not_connected"] * len(kept.board.at)
    facts = facts_of(kept.health, 0, START_NS + 100 * 10**9)
    assert (facts.attempts, facts.connected, facts.drops, facts.uptime) == (len(kept.board.at), 0, 0, 0.0)


@covers("2.029")
def test_a_stable_connection_begins_the_waits_anew() -> None:
    kept = Kept(lambda n: ConnectFailed("no") if n < 4 else True)

    def speak() -> None:
        kept.speak()
        line = kept.board.lines[-1] if kept.board.lines else None
        if line is not None and not line.is_over and asyncio.get_running_loop().time() - kept.board.at[-1] > 70.0 and len(kept.board.lines) == 1:
            line.end(Closed(1001, "maintenance", "venue"))

    in_virtual_time(kept.live(120, speak))
    ended = next(event for event in kept.events if event.what == "closed")
    assert kept.board.at[5] - (ended.at_ns - START_NS) / 1e9 == pytest.approx(0.75)  # the first wait again
    assert ended.words == "1001 by venue: maintenance" and kept.ends == [False, True]


def test_a_venue_that_asks_for_silence_gets_it() -> None:
    kept = Kept(lambda n: RateLimited("429", wait_s=300.0) if n == 0 else True)
    in_virtual_time(kept.live(310, kept.speak))
    assert kept.board.at == [0.0, 300.0]


@covers("C08")
def test_no_answer_to_a_ping_ends_it_though_frames_come_and_silence_ends_it_though_pongs_do() -> None:
    half_open = Kept(lambda n: False)
    in_virtual_time(half_open.live(25, half_open.speak))
    assert half_open.events[2].what == "silent" and "ping" in half_open.events[2].words
    assert half_open.events[2].at_ns - START_NS == 20_750_000_000  # subscribed at 0.75 s, pinged 10 s later, no answer for 10 s
    mute = Kept(lambda n: True)
    in_virtual_time(mute.live(35))
    assert mute.told()[:4] == ["connecting", "connected", "silent", "closed"] and mute.events[2].at_ns - START_NS == 30_750_000_000
    assert mute.events[3].words == "1001 by us: silent for 30 s"
    assert facts_of(mute.health, 0, START_NS).round_trip_ms == pytest.approx(50.0)


def test_subscriptions_are_paced_and_our_own_heartbeat_keeps_time() -> None:
    kept = Kept(lambda n: True)
    in_virtual_time(kept.live(65, kept.speak))
    (line,) = kept.board.lines
    assert line.sent[:3] == [(0.0, b"one"), (0.25, b"two"), (0.5, b"three")]
    beats = [at for at, message in line.sent if message == b"beat"]
    assert beats == pytest.approx([20.75, 40.75, 60.75])
    assert kept.told() == ["connecting", "connected", "stopped"] and kept.ends == [True]
    assert kept.sink.kinds == ["opened", *["frame"] * 65, "closed"] and len(kept.frames) == 65
    assert facts_of(kept.health, 0, START_NS + 65 * 10**9).drops == 0


def test_each_happening_is_known() -> None:
    kept = Kept(lambda n: n % 3 != 0 or ConnectFailed("no"))
    in_virtual_time(kept.live(200))
    assert set(kept.told()) <= set(HAPPENINGS) and all(event.severity in ("", "low", "medium", "high", "critical") for event in kept.events)
    assert kept.health.row[0]["drops"] == kept.told().count("closed") > 2
