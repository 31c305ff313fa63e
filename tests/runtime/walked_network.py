"""A USD-M venue in memory as a network in virtual time: its REST answers and its streams, over a market that walks, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from metastackerbandit.exchanges.transport.ports import ABNORMAL, Answer, Closed, Connection, Listener
from metastackerbandit.practice.binance.perp_side import MANNERS
from metastackerbandit.practice.rest import call_of
from metastackerbandit.practice.side import stream_door
from metastackerbandit.practice.stream_talk import StreamTalk, names_in
from tests.practice.binance.perp_walking import Usdm
from tests.runtime.virtual_time import VirtualClock

STEP_S = 0.1


class Line:
    """A connection, from both its sides."""

    manners = MANNERS

    def __init__(self, listener: Listener, network: Network) -> None:
        self._listener, self._network = listener, network
        self.talk: StreamTalk
        self.is_over = False

    def send(self, message: bytes) -> None:
        """What the venue says is heard; a client's words go nowhere, since its streams stand in the address."""
        if not self.is_over and self._network.speaks:
            self._listener.heard(message, self._network.now_ns())

    def ping(self, payload: bytes) -> None:
        """Answered at once."""
        self._listener.ponged(payload, self._network.now_ns())

    def close(self, code: int, reason: str) -> None:
        """The client leaves."""
        self.end(Closed(code, reason, "us"))

    def abort(self) -> None:
        """The client leaves at once."""
        self.end(Closed(ABNORMAL, "given up", "us"))

    def end(self, how: Closed) -> None:
        """It is over."""
        if not self.is_over:
            self.is_over = True
            self.talk.closed()
            self._network.lines.remove(self)
            self._listener.ended(how)


class Network:
    """Rest, Connector and clock of a venue: the clock tells the venue's time, which passes as the loop's does. `asked` are paths in order."""

    def __init__(self, usdm: Usdm) -> None:
        self.usdm = usdm
        self.lines: list[Line] = []
        self.asked: list[str] = []
        self.speaks = True

    def now_ns(self) -> int:
        """UTC ns by the venue."""
        return self.usdm.ground.time.now_ns()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await VirtualClock().sleep(seconds)

    async def ask(self, url: str, body: bytes = b"", *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """What the venue's desk says; accounts hear at once what it did."""
        parts, method = urlsplit(url), method or ("POST" if body else "GET")
        self.asked.append(parts.path)
        call = call_of(method, parts.query, body.decode(), (headers or {}).get("X-MBX-APIKEY", ""), "here")
        answer = self.usdm.side.desk.answer(self.usdm.side.routes[method, parts.path], call)
        self.usdm.ground.hub.emit_urgent(self.now_ns())
        told = {name.lower(): text for name, text in answer.headers.items()}
        return Answer(answer.http, msgspec.json.encode(answer.body), told, self.now_ns())

    async def connect(self, url: str, listener: Listener) -> Connection:
        """A connection of the streams that the address names."""
        parts = urlsplit(url)
        door, line = stream_door(self.usdm.side, parts.path), Line(listener, self)
        assert door is not None, url
        named = names_in(door.tail, dict(part.split("=", 1) for part in parts.query.split("&") if part))
        listener.opened(self.now_ns())
        line.talk = StreamTalk(line, door.family, self.usdm.ground.hub, named, is_wrapped=door.is_wrapped)  # type: ignore[arg-type]
        self.lines.append(line)
        return line

    def drop(self) -> None:
        """Every connection is lost."""
        for line in list(self.lines):
            line.end(Closed(ABNORMAL, "the cable", "network"))

    async def run(self) -> None:
        """Let the venue's time pass with the loop's, until cancelled."""
        while True:
            await asyncio.sleep(STEP_S)
            self.usdm.turn(STEP_S)
            self.usdm.ground.hub.emit(self.now_ns())
