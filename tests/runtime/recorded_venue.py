"""A venue on loopback that sends what was recorded, with faults on demand; what its book is, it keeps in plain Python."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import WSMsgType, web

from metastackerbandit.domain.capture import Capture

PACED = 200  # frames after which the rest waits until the scripted replies were given and a snapshot was asked for


class Sent(NamedTuple):
    """One recorded frame; `change` is its book message (U, u, b, a), None of other streams."""

    text: bytes
    change: dict[str, Any] | None


def renamed(text: bytes, symbol: str) -> bytes:
    """A frame of BTCUSDT as one of another symbol."""
    return text.replace(b"btcusdt", symbol.lower().encode()).replace(b'"BTCUSDT"', b'"%s"' % symbol.encode())


def recorded(capture: Capture, count: int, symbol: str = "BTCUSDT") -> tuple[dict[str, Any], list[Sent]]:
    """The recorded snapshot, and so many frames from the change that it lies in."""
    texts = [(capture.frame(n), int(capture.asked[n])) for n in range(len(capture.starts))]
    snapshot = json.loads(next(text for text, asked in texts if asked >= 0))
    frames: list[Sent] = []
    for text, asked in texts:
        if asked >= 0:
            continue
        told = json.loads(text)["data"]
        is_change = told.get("e") == "depthUpdate"
        if not frames and not (is_change and told["u"] >= snapshot["lastUpdateId"]):
            continue
        frames.append(Sent(renamed(text, symbol), told if is_change else None))
        if len(frames) == count:
            break
    return snapshot, frames


def quotes(frames: Iterable[Sent]) -> dict[int, tuple[str, str, str, str]]:
    """The venue's own best prices and sizes by update id, as text."""
    told = (json.loads(frame.text)["data"] for frame in frames if frame.change is None)
    return {one["u"]: (one["b"], one["B"], one["a"], one["A"]) for one in told if "B" in one and "A" in one and "u" in one}


class Book:
    """The venue's book as plain dictionaries."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.last = int(snapshot["lastUpdateId"])
        self.bids, self.asks = ({price: size for price, size, *_ in snapshot[side]} for side in ("bids", "asks"))

    def change(self, told: dict[str, Any]) -> None:
        """Put a change in."""
        if told["u"] < self.last:
            return
        for side, levels in ((self.bids, told["b"]), (self.asks, told["a"])):
            for price, size in levels:
                if float(size):
                    side[price] = size
                else:
                    side.pop(price, None)
        self.last = int(told["u"])

    def told(self) -> bytes:
        """The answer to a request of the book."""
        bids = sorted(self.bids.items(), key=lambda level: -float(level[0]))
        asks = sorted(self.asks.items(), key=lambda level: float(level[0]))
        return json.dumps({"lastUpdateId": self.last, "bids": bids, "asks": asks}, separators=(",", ":")).encode()


class RecordedVenue:
    """Serves the frames of some symbols, merged as they are, to whoever connects to the sockets of their books.

    `faults` are done at the place of a frame: lost, twice, exchanged (with the next), cut (the connection ends within the frame), closed (with code
    1001), stalled (nothing comes until the client leaves). `replies` are tried one after another before the book is told as it is: a number is a
    status, bytes are a body, a function makes one, and "late" waits until 300 more frames were sent.
    """

    def __init__(self, snapshots: dict[str, dict[str, Any]], frames: list[tuple[str, Sent]], faults: dict[int, str] | None = None) -> None:
        self.books = {symbol: Book(snapshot) for symbol, snapshot in snapshots.items()}
        self.frames = frames
        self.faults = faults or {}
        self.replies: list[int | bytes | str | Callable[[RecordedVenue, str], bytes]] = []
        self.asked: list[str] = []
        self.sent: list[bytes] = []
        self.connected: list[str] = []
        self.done = asyncio.Event()
        self.is_answered = False
        self.next = 0
        self.url = ""

    @asynccontextmanager
    async def served(self) -> AsyncIterator[RecordedVenue]:
        """On a free port of loopback."""
        app = web.Application()
        app.router.add_get("/{path:.*stream}", self._stream)
        app.router.add_get("/{path:.*depth}", self._depth)
        runner = web.AppRunner(app, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        host, port = site._server.sockets[0].getsockname()[:2]  # type: ignore[attr-defined]
        self.url = f"{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _depth(self, request: web.Request) -> web.Response:
        symbol = request.query["symbol"]
        self.asked.append(symbol)
        reply = self.replies.pop(0) if self.replies else b""
        self.is_answered = not self.replies and reply in (b"", "late")
        if reply == "late":
            until = self.next + 300
            while self.next < until and self.next < len(self.frames):
                await asyncio.sleep(0.001)
            reply = b""
        if isinstance(reply, int):
            headers = {"Retry-After": "0"} if reply in (418, 429) else {}
            return web.Response(status=reply, body=b'{"code":-1003,"msg":"no"}', headers=headers)
        body = reply(self, symbol) if callable(reply) else reply or self.books[symbol].told()
        assert isinstance(body, bytes)
        return web.Response(body=body, content_type="application/json")

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        self.connected.append(request.path)
        if "depth" in request.query.get("streams", ""):
            hearing = asyncio.ensure_future(self._hear(socket))
            await self._send(request, socket)
            await hearing
        else:
            await self._hear(socket)
        return socket

    async def _hear(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type == WSMsgType.ERROR:
                return

    async def _send(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        while self.next < len(self.frames) and not socket.closed:
            place = self.next
            symbol, frame = self.frames[place]
            self.next += 1
            fault = self.faults.pop(place, "")
            if fault == "exchanged":
                self.frames[place + 1], (symbol, frame) = (symbol, frame), self.frames[place + 1]
            if frame.change is not None:
                self.books[symbol].change(frame.change)
            if fault == "cut":
                assert request.transport is not None
                request.transport.write(b"\x81\x7e\x10\x00" + frame.text[:20])  # a text frame of 4,096 bytes, of which 20 come
                await asyncio.sleep(0.01)
                request.transport.abort()
                return
            if fault == "closed":
                await socket.close(code=1001, message=b"maintenance")
                return
            if fault == "stalled":
                while not socket.closed:
                    await asyncio.sleep(0.005)
                return
            for _ in range({"lost": 0, "twice": 2}.get(fault, 1)):
                self.sent.append(frame.text)
                await socket.send_str(frame.text.decode())
            await asyncio.sleep(0)
            while place >= PACED and not self.is_answered and not socket.closed:
                await asyncio.sleep(0.001)
        if self.next >= len(self.frames):
            self.done.set()
