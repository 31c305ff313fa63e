"""The loopback exchange in memory and in virtual time, behind a network whose connections fail one by one; the history of its books is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from metastackerbandit.domain.errors import ConnectFailed
from metastackerbandit.exchanges.transport.ports import ABNORMAL, Answer, Closed, Connection, Listener
from metastackerbandit.practice.faults import Fault
from metastackerbandit.practice.rest import call_of
from metastackerbandit.practice.side import stream_door
from metastackerbandit.practice.stream_talk import StreamTalk, names_in
from metastackerbandit.practice.tape import book_side, newest_update
from tests.practice.binance.perp_walking import Usdm
from tests.practice.binance.spot import side_of
from tests.practice.walking import Ground

STEP_S = 0.1
Best = tuple[int, int, int, int]


class PracticeLine:
    """A connection to a side, whose messages come `delay_s` later, in order."""

    def __init__(self, venue: PracticeVenue, listener: Listener, delay_s: float) -> None:
        self.manners = venue.side.manners
        self.delay_s, self.is_mute, self.is_over = delay_s, venue.is_mute, False
        self.talk: StreamTalk
        self._venue, self._listener, self._due_s = venue, listener, 0.0

    def send(self, message: bytes) -> None:
        """What the venue says is heard; a client's words go nowhere, since its streams stand in the address."""
        self._later(self._hear, message)

    def ping(self, payload: bytes) -> None:
        """Answered behind what was said before."""
        self._later(self._pong, payload)

    def _later(self, what: object, payload: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._due_s = max(self._due_s + 1e-6, loop.time() + self.delay_s)
        loop.call_at(self._due_s, what, payload)  # type: ignore[arg-type]

    def _hear(self, message: bytes) -> None:
        if not self.is_over and not self.is_mute:
            self._listener.heard(message, self._venue.now_ns())

    def _pong(self, payload: bytes) -> None:
        if not self.is_over and not self.is_mute:
            self._listener.ponged(payload, self._venue.now_ns())

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
            self._venue.lines.remove(self)
            self._listener.ended(how)


class PracticeVenue:
    """Rest, Connector and clock of one market; `delays_s` are those of its connections, in turn."""

    def __init__(self, market: str, delays_s: tuple[float, ...] = (0.02, 0.05)) -> None:
        if market == "spot":
            self.ground = Ground("spot")
            self.side, self.floor = side_of(self.ground), self.ground.floor
        else:
            usdm = Usdm()
            self.ground, self.side, self.floor = usdm.ground, usdm.side, usdm.floor
        self.lines: list[PracticeLine] = []
        self.truth: list[dict[int, Best]] = [{} for _ in self.floor.instruments]
        self.connected = 0
        self.is_mute = self.is_shut = False
        self.ground.faults.watchers[:] = self.side.acts
        self._delays_s, self._stepped_s = delays_s, 0.0
        self._pass(1.0)

    def fault(self, name: str, *, is_on: bool = True, **terms: object) -> None:
        """Switch one of the exchange's faults."""
        if is_on:
            self.ground.faults.switch_on(Fault(name, **terms))  # type: ignore[arg-type]
        else:
            self.ground.faults.switch_off(name)

    def _pass(self, seconds: float) -> None:
        """Let venue time pass, and note what the books have become."""
        self.ground.clock.turn(seconds)
        self.floor.advance(self.ground.time.now_ns())
        queues = self.floor.exchange.queues
        for s, known in enumerate(self.truth):
            (bid, bid_lots), (ask, ask_lots) = book_side(queues, s, 0, 1)[0], book_side(queues, s, 1, 1)[0]
            known[newest_update(queues, s)] = bid, bid_lots, ask, ask_lots

    def trades(self, s: int) -> int:
        """The number of the newest trade."""
        return int(self.floor.exchange.queues.row[s]["trade"])

    async def run(self) -> None:
        """Let the venue's time pass with the loop's, until cancelled."""
        while True:
            await asyncio.sleep(STEP_S)
            self._stepped_s = asyncio.get_running_loop().time()
            self._pass(STEP_S)
            self.ground.hub.emit(self.ground.time.now_ns())

    def now_ns(self) -> int:
        """UTC ns by the venue, between its steps too."""
        return self.ground.time.now_ns() + round((asyncio.get_running_loop().time() - self._stepped_s) * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def ask(self, url: str, body: bytes = b"", *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """What the venue's desk says."""
        await asyncio.sleep(0.03)
        parts = urlsplit(url)
        answer = self.side.desk.answer(self.side.routes["GET", parts.path], call_of("GET", parts.query, "", "", "here"))
        told = {name.lower(): text for name, text in answer.headers.items()}
        return Answer(answer.http, msgspec.json.encode(answer.body), told, self.now_ns())

    async def connect(self, url: str, listener: Listener) -> Connection:
        """A connection of the streams that the address names."""
        await asyncio.sleep(0.05)
        if self.is_shut:
            raise ConnectFailed("nobody is let in", where=url[:20], mend="later")
        parts = urlsplit(url)
        door, line = stream_door(self.side, parts.path), PracticeLine(self, listener, self._delays_s[self.connected % len(self._delays_s)])
        self.connected += 1
        assert door is not None, url
        named = names_in(door.tail, dict(part.split("=", 1) for part in parts.query.split("&") if part))
        listener.opened(self.now_ns())
        line.talk = StreamTalk(line, door.family, self.ground.hub, named, is_wrapped=door.is_wrapped)  # type: ignore[arg-type]
        self.lines.append(line)
        return line
