"""One WebSocket of a client: what is sent waits in a bounded queue, pings keep it alive, and it ends after its life or where nobody reads.

A reader that is too slow is dropped; it never costs memory, nor time of the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web
from msgspec import Struct

from metastackerbandit.domain.timeframe import DAY_NS, MILLI_NS
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.venue_time import VenueTime

_MESSAGE = 1 << 20  # bytes that a client may send in one message
_GOODBYE_S = 1.0  # for what waits to be sent where the venue ends a connection


class Manners(Struct, frozen=True):
    """What a market's WebSockets keep to: a ping each so many wall seconds, silence that ends a connection, messages a wall second from the client,
    streams, and life in venue time."""

    ping_s: float
    silence_s: float
    messages: int
    streams: int = 1_024
    life_ns: int = DAY_NS
    unsolicited_pongs_count: bool = False


class Talk(Protocol):
    """What is said on a connection."""

    def heard(self, text: str) -> None:
        """A client's message."""

    def closed(self) -> None:
        """The connection has ended."""


class Connection:
    """A connection that was accepted; `number` tells it from others."""

    _numbers = count(1)

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, manners: Manners, time: VenueTime, faults: Faults, queue: int) -> None:
        self.number, self.address, self.manners, self.is_open, self.is_dead = next(self._numbers), request.remote or "", manners, True, False
        self._ws, self._transport, self._time, self._faults = ws, request.transport, time, faults
        self._queue: asyncio.Queue[tuple[bytes, WSMsgType] | None] = asyncio.Queue(queue)
        self._begun_ns, self._pinged_s, self._ponged_s = time.now_ns(), time.wall_s(), time.wall_s()
        self._heard: deque[float] = deque(maxlen=manners.messages + 1)
        self._ping = b""
        self.talk: Talk | None = None
        self.why = ""

    @property
    def begun_ms(self) -> int:
        """When it was accepted, venue time."""
        return self._begun_ns // MILLI_NS

    @property
    def response(self) -> web.WebSocketResponse:
        """What aiohttp is given back once it has ended."""
        return self._ws

    def send(self, data: bytes, sort: WSMsgType = WSMsgType.TEXT) -> None:
        """Send a message after those that wait; a connection whose queue is full ends."""
        if self.is_open and not self.is_dead:
            if sort is WSMsgType.TEXT and self._faults.strikes("falls_silent"):
                self.is_dead = True
                return
            try:
                self._queue.put_nowait((data, sort))
            except asyncio.QueueFull:
                self.end("its reader is too slow", is_rude=True)

    def end(self, why: str, *, is_rude: bool = False) -> None:
        """End it: after what waits to be sent, or at once where it `is_rude`."""
        if self.is_open:
            self.is_open, self.why = False, why
            if is_rude:
                self._cut(b"")
            else:
                if self._queue.full():
                    self._queue.get_nowait()
                self._queue.put_nowait(None)

    def look(self) -> None:
        """Once a second: ping it, or end it where no pong came or its life is over."""
        now_s = self._time.wall_s()
        if self.is_dead:
            return
        if self._time.now_ns() - self._begun_ns >= self.manners.life_ns:
            self.end("its life is over")
        elif now_s - self._ponged_s >= self.manners.silence_s:
            self.end("no pong came", is_rude=True)
        elif now_s - self._pinged_s >= self.manners.ping_s:
            self._pinged_s = now_s
            if not self._faults.strikes("no_pings"):
                self._ping = str(self._time.now_ns() // MILLI_NS).encode()
                self.send(self._ping, WSMsgType.PING)

    async def live(self, talk: Talk) -> None:
        """Read and write until it ends."""
        self.talk = talk
        writer = asyncio.create_task(self._write())
        try:
            while self.is_open:
                message = await self._ws.receive()
                if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                    break
                if not self.is_dead:
                    self._receive(message.type, message.data, talk)
            if self.why:
                await asyncio.wait([writer], timeout=_GOODBYE_S)
        finally:
            self.is_open = False
            writer.cancel()
            talk.closed()

    def _receive(self, sort: WSMsgType, data: str | bytes, talk: Talk) -> None:
        """One message of the client's, of whichever sort: all count."""
        now_s = self._time.wall_s()
        self._heard.append(now_s)
        if len(self._heard) > self.manners.messages and now_s - self._heard[0] < 1.0:
            self.end("too many messages")
        elif sort is WSMsgType.PING:
            self.send(bytes(data) if not isinstance(data, str) else data.encode(), WSMsgType.PONG)
        elif sort is WSMsgType.PONG:
            if data == self._ping or self.manners.unsolicited_pongs_count:
                self._ponged_s = now_s
        elif isinstance(data, str):
            talk.heard(data)

    async def _write(self) -> None:
        """Send what waits."""
        while True:
            item = await self._queue.get()
            try:
                if item is None:
                    await self._ws.close(code=WSCloseCode.GOING_AWAY, message=self.why.encode())
                    return
                if item[1] is WSMsgType.TEXT and self._faults.strikes("cut"):
                    self._cut(item[0])
                    return
                await self._ws.send_frame(item[0], item[1])
            except ConnectionError:
                self.is_open = False
                return

    def _cut(self, data: bytes) -> None:
        """Send half of a frame, if any, and end the connection without a goodbye."""
        self.is_open = False
        transport = self._transport
        if transport is not None:
            if data:
                transport.write(bytes((0x81, 126)) + min(len(data), 65_535).to_bytes(2, "big") + data[: len(data) // 2])
                transport.close()
            else:
                transport.abort()


async def accepted(request: web.Request, manners: Manners, time: VenueTime, faults: Faults, queue: int) -> Connection:
    """Accept a WebSocket. Compression is not offered: on one machine it only costs."""
    ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=_MESSAGE)
    await ws.prepare(request)
    made = Connection(ws, request, manners, time, faults, queue)
    made.is_dead = faults.strikes("half_open") is not None
    return made
