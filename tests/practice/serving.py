"""A venue that is served to a test, on a free port of this machine, and a client for it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from metastackerbandit.practice.keys import Key
from metastackerbandit.practice.server import HOST, Venue
from metastackerbandit.practice.side import Side
from tests.practice.walking import KEY, Ground


class Client:
    """Speaks http and ws to a venue, and signs."""

    def __init__(self, session: aiohttp.ClientSession, port: int, ground: Ground, venue: Venue) -> None:
        self.session, self.at, self.ground, self.venue = session, f"{HOST}:{port}", ground, venue

    async def ask(self, method: str, path: str, **given: Any) -> tuple[int, Any, Any]:
        """Status, JSON, headers of an unsigned request."""
        async with self.session.request(method, f"http://{self.at}{path}", params=given) as told:
            return told.status, await told.json(), told.headers

    async def get(self, path: str, **given: Any) -> Any:
        """JSON of a request that succeeds."""
        http, body, _ = await self.ask("GET", path, **given)
        assert http == 200, body
        return body

    async def sign(self, method: str, path: str, key: Key = KEY, at_ms: int | None = None, **given: Any) -> tuple[int, Any, Any]:
        """Status, JSON, headers of a signed request; it is of now unless another time is given."""
        sent_ms = self.ground.time.told_ms() if at_ms is None else at_ms
        text = "&".join(f"{name}={value}" for name, value in (given | {"timestamp": sent_ms}).items())
        text += f"&signature={hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"
        headers = {"X-MBX-APIKEY": key.api_key, "Content-Type": "application/x-www-form-urlencoded"}
        url, body = (f"http://{self.at}{path}?{text}", None) if method in ("GET", "DELETE") else (f"http://{self.at}{path}", text)
        async with self.session.request(method, url, data=body, headers=headers) as told:
            return told.status, await told.json(), told.headers

    async def fault(self, name: str, **terms: Any) -> None:
        """Switch a fault on, as users do."""
        async with self.session.post(f"http://{self.at}/practice/faults", json={"name": name, **terms}) as told:
            assert told.status == 200, await told.text()

    @asynccontextmanager
    async def listen(self, path: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket."""
        async with self.session.ws_connect(f"ws://{self.at}{path}", autoping=False) as ws:
            yield ws

    def step(self, seconds: float = 0.1) -> None:
        """Let so much wall time pass at once (of a clock that tests turn)."""
        self.ground.clock.turn(seconds)
        self.venue.step()


async def heard(ws: aiohttp.ClientWebSocketResponse, count: int = 1, within_s: float = 5.0) -> list[Any]:
    """The next JSON messages."""
    return [await ws.receive_json(timeout=within_s) for _ in range(count)]


async def until(what: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.002)


def served(ground: Ground, sides: Sequence[Side], test: Callable[[Client], Awaitable[None]]) -> None:
    """Serve, run a test, stop. Venue time stands still but for what the test lets pass."""

    async def run() -> None:
        venue = Venue(sides, ground.time, ground.faults, ground.hub, ground.settings)
        port, _ = await venue.start()
        try:
            async with aiohttp.ClientSession() as session:
                await asyncio.wait_for(test(Client(session, port, ground, venue)), 30)
        finally:
            await venue.stop()

    asyncio.run(run())
