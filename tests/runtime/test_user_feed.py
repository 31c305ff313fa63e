"""The private stream in virtual time: what happens while it is away is not lost, its key is kept, and nothing new is risked until all is known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from metastackerbandit.domain.errors import ConnectFailed, VenueError
from metastackerbandit.exchanges.binance.user import read_user
from metastackerbandit.exchanges.transport.ports import Closed, Connection, Listener
from metastackerbandit.runtime.settings import BackoffSettings, LiveSettings
from metastackerbandit.runtime.user_feed import UserFeed
from tests.covering import covers
from tests.runtime.order_scene import Scene
from tests.runtime.pretended import Half, Line, Nowhere, Switchboard
from tests.runtime.virtual_time import VirtualClock

MARKETS = pytest.mark.parametrize("market", ["spot", "perp"])
BACKOFF = BackoffSettings(first_s=1.0, most_s=4.0, jitter=0.5, stable_s=60.0)


class Board(Switchboard):
    """Connections whose addresses are written down, and which hand on what a listener raises, as real ones do."""

    def __init__(self, script: Callable[[int], VenueError | bool]) -> None:
        super().__init__(script)
        self.urls: list[str] = []

    async def connect(self, url: str, listener: Listener) -> Connection:
        self.urls.append(url)
        return await super().connect(url, listener)

    @property
    def line(self) -> Line | None:
        return self.lines[-1] if self.lines and not self.lines[-1].is_over else None

    def say(self, frame: bytes) -> None:
        """A frame comes on the connection that stands; without one it is lost."""
        line = self.line
        if line is None:
            return
        try:
            line.listener.heard(frame, VirtualClock().now_ns())
        except VenueError as error:
            line.listener.failed(error)


class Stage(Scene):
    """A scene whose events come by the private stream."""

    def __init__(self, market: str, script: Callable[[int], VenueError | bool] = lambda n: True) -> None:
        super().__init__(market)
        self.board, self.sink = Board(script), Nowhere()
        self.welcome = b'{"id":"account","status":200,"result":{"subscriptionId":0}}'
        self.venue.keys = 1

    def build(self) -> None:
        super().build()
        self.venue.hear = self.board.say
        self.feed = UserFeed(
            self.desk,
            [self.one],
            read_user,
            connector=self.board,
            clock=VirtualClock(),
            chance=Half(),
            sink=self.sink,
            live=LiveSettings(),
            backoff=BACKOFF,
            settings=self.settings,
            tell=self.events.append,
        )

    def play(self, script: Callable[[], Awaitable[None]]) -> None:
        async def beside() -> None:
            running = asyncio.ensure_future(self.feed.run())
            greeting = asyncio.ensure_future(self._greet())
            await script()
            assert not running.done(), running.exception()
            for one in (running, greeting):
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one

        super().play(beside)

    async def _greet(self) -> None:
        """Answer each subscription."""
        greeted: set[int] = set()
        while True:
            line = self.board.line
            if line is not None and line.sent and id(line) not in greeted:
                greeted.add(id(line))
                self.board.say(self.welcome)
            await asyncio.sleep(0.05)

    def cut(self) -> None:
        """The network cuts the connection."""
        assert self.board.line is not None
        self.board.line.end(Closed(1006, "cut", "network"))


@covers("2.029", "A27", "C09")
@MARKETS
def test_nothing_that_was_told_while_away_is_lost(market: str) -> None:
    scene = Stage(market, lambda n: ConnectFailed("nobody there") if n in (1, 2) else True)
    held: list[tuple[str, ...]] = []

    async def script() -> None:
        held.append(scene.desk.holders)
        await asyncio.sleep(5.0)
        assert not scene.desk.holders
        scene.submit(10)
        await asyncio.sleep(2.0)
        target = scene.target(-5, 501_000)
        await asyncio.sleep(2.0)
        scene.cut()
        await asyncio.sleep(0.01)
        scene.venue.move(501_000)
        assert scene.desk.holders and not scene.told(target)[1:]
        scene.submit(3)
        await asyncio.sleep(1.0)
        await asyncio.sleep(20.0)
        assert not scene.desk.holders

    scene.venue.coins = 1.0
    scene.play(script)
    scene.agree()
    assert scene.told(2) == ["working", "filled"] and scene.told(3) == ["rejected"], "no new risk while the stream is away"
    assert scene.happened("account_away") == 1 and scene.happened("account_live") == 2 and len(scene.board.lines) == 2


@covers("2.123")
def test_a_key_is_renewed_by_the_venue_s_time_and_shown_nowhere() -> None:
    scene = Stage("perp")

    async def script() -> None:
        await asyncio.sleep(3_600.0)

    scene.play(script)
    kept = [at for at, method, path in scene.venue.asked if method == "PUT" and path.endswith("listenKey")]
    assert len(kept) == 3 and kept[0] == pytest.approx(1_080.0, abs=1.0) and len(scene.board.lines) == 1
    assert scene.board.urls == ["wss://fstream.binance.com/private/ws/key1"]
    assert not any("key1" in event.words for event in scene.events)


@covers("2.123")
@pytest.mark.parametrize("how", ["told", "refused"])
def test_an_expired_listen_key_is_replaced_with_the_connection(how: str) -> None:
    scene = Stage("perp")

    async def script() -> None:
        await asyncio.sleep(5.0)
        scene.submit(10)
        await asyncio.sleep(2.0)
        scene.stop(-10, 490_000)
        await asyncio.sleep(2.0)
        scene.venue.keys = 0
        if how == "told":
            scene.venue.keys = 2
            scene.board.say(json.dumps({"e": "listenKeyExpired", "E": scene.venue.now_ms(), "listenKey": "key1"}).encode())
        scene.venue.copies = lambda: 0
        scene.venue.move(489_000)
        await asyncio.sleep(1_200.0)
        scene.venue.keys = 2
        scene.venue.copies = lambda: 1
        await asyncio.sleep(60.0)
        assert not scene.desk.holders

    scene.play(script)
    scene.agree()
    assert len(scene.board.urls) == 2 and scene.told(2) == ["working", "filled"]


def test_a_refused_subscription_is_tried_again() -> None:
    scene = Stage("spot")
    scene.welcome = b'{"id":"account","status":400,"error":{"code":-1021,"msg":"Timestamp outside of the recvWindow."}}'

    async def script() -> None:
        await asyncio.sleep(5.0)
        assert scene.desk.holders
        scene.welcome = b'{"id":"account","status":200,"result":{"subscriptionId":0}}'
        await asyncio.sleep(10.0)
        assert not scene.desk.holders

    scene.play(script)
    assert len(scene.board.lines) > 1 and any("-1021" in event.words for event in scene.events)
    stamps = [json.loads(line.sent[0][1])["params"]["timestamp"] for line in scene.board.lines]
    assert stamps == sorted(set(stamps)), "each connection is signed anew"


@MARKETS
def test_a_message_that_cannot_be_read_is_asked_about(market: str) -> None:
    scene = Stage(market)

    async def script() -> None:
        await asyncio.sleep(5.0)
        asked = len(scene.venue.asked)
        scene.board.say(b'{"e":"executionReport","E":1}')
        await asyncio.sleep(2.0)
        assert len(scene.venue.asked) > asked and not scene.desk.holders

    scene.play(script)
    assert scene.happened("account_unread") == 1 and int(scene.feed.health.row[0]["broken"]) == 1


def test_a_venue_that_shuts_down_is_left_at_once() -> None:
    scene = Stage("spot")

    async def script() -> None:
        await asyncio.sleep(5.0)
        scene.board.say(b'{"event":{"e":"serverShutdown","E":1760000000000}}')
        await asyncio.sleep(5.0)
        assert not scene.desk.holders

    scene.play(script)
    assert len(scene.board.lines) == 2


def test_an_account_may_be_silent_for_hours() -> None:
    scene = Stage("perp")

    async def script() -> None:
        await asyncio.sleep(7_200.0)

    scene.play(script)
    assert len(scene.board.lines) == 1 and scene.board.lines[0].pings > 100


def test_while_the_venue_does_not_answer_nothing_is_free() -> None:
    scene = Stage("perp")

    async def script() -> None:
        scene.venue.fault = lambda method, path, n: "down" if "rders" in path else ""
        await asyncio.sleep(10.0)
        assert scene.desk.holders
        scene.venue.fault = lambda method, path, n: ""
        await asyncio.sleep(5.0)
        assert not scene.desk.holders

    scene.play(script)
    assert scene.happened("account_live") == 1
