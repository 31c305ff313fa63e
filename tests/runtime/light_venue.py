"""A venue in memory and in virtual time, light enough for months: made books whose best prices are known at every update, and a network with faults.

Each connection cuts the changes into messages at its own beat, as servers do that do not know of each other, and each has a delay of its own; on one
connection the order is kept. `truth` is what the book was, by update id.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from metastackerbandit.domain.errors import ConnectFailed
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.transport.ports import ABNORMAL, Answer, Closed, Connection, Listener
from tests.markets import instrument
from tests.runtime.virtual_time import VirtualClock

_LEVELS = 8  # a side
_REMEMBERED = 20_000  # updates of which the truth is kept
ENDPOINTS = EndpointSettings(
    binance_spot_stream="ws://one, ws://other", binance_spot_rest="http://one", binance_perp_stream="ws://one", binance_perp_rest="http://one"
)


class MadeBook:
    """A book of `_LEVELS` prices a side around a middle that walks; every change of a level has an update id."""

    def __init__(self, one: Instrument, chance: random.Random) -> None:
        self.one, self._chance, self.middle, self.update, self.trade = one, chance, 50_000, 1_000, 500
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.changes: deque[tuple[int, int, int, int]] = deque(maxlen=_REMEMBERED)  # update, side, ticks, lots
        self.truth: dict[int, tuple[int, int, int, int]] = {}
        for k in range(1, _LEVELS + 1):
            self.sides[0][self.middle - k], self.sides[1][self.middle + k] = self._lots(), self._lots()
        self._know()

    def walk(self) -> None:
        """Some levels change, the best ones among them when the middle moves."""
        move = self._chance.choice((-1, 0, 0, 1))
        if move:
            up, gone = (1, 0) if move > 0 else (0, 1)
            best = self.middle + move
            self._set(up, best, 0)
            self._set(up, self.middle + move * (_LEVELS + 1), self._lots())
            self._set(gone, self.middle - move * _LEVELS, 0)
            self._set(gone, self.middle, self._lots())
            self.middle = best
        k = self._chance.randint(1, _LEVELS)
        self._set(0, self.middle - k, self._lots())
        self._set(1, self.middle + k, self._lots())
        self._know()

    def between(self, after: int) -> tuple[dict[int, int], dict[int, int]]:
        """What changed behind an update, by side and ticks."""
        made: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for update, side, ticks, lots in reversed(self.changes):
            if update <= after:
                break
            made[side].setdefault(ticks, lots)
        return made

    def _set(self, side: int, ticks: int, lots: int) -> None:
        self.update += 1
        if lots:
            self.sides[side][ticks] = lots
        else:
            del self.sides[side][ticks]
        self.changes.append((self.update, side, ticks, lots))

    def _know(self) -> None:
        bid, ask = max(self.sides[0]), min(self.sides[1])
        self.truth[self.update] = bid, self.sides[0][bid], ask, self.sides[1][ask]
        if len(self.truth) > _REMEMBERED:
            del self.truth[next(iter(self.truth))]

    def _lots(self) -> int:
        return self._chance.randint(1, 999)

    def levels(self, sides: tuple[dict[int, int], dict[int, int]]) -> tuple[str, str]:
        """Levels as a venue writes them."""
        price, size = self.one.price_text, self.one.quantity_text
        bids, asks = (",".join(f'["{price(ticks)}","{size(lots)}"]' for ticks, lots in side.items()) for side in sides)
        return bids, asks


class Wire:
    """One connection, from both its sides; what the venue sends comes `delay_s` later, in order."""

    def __init__(self, venue: LightVenue, listener: Listener, streams: list[str], number: int) -> None:
        self._venue, self._listener, self.streams, self.number = venue, listener, streams, number
        self.is_over = self.is_mute = self.is_stalled = False
        self.delay_s = venue.delay_s()
        self.beat = venue.beats[number % len(venue.beats)]  # each so many steps of the market a message of its own
        self.sent = {s: book.update for s, book in enumerate(venue.books)}
        self.loses = self.doubles = 0  # messages about to be lost, or sent twice
        self._held: list[bytes] = []
        self._due_s = 0.0
        self._begun_s = venue.now_s()

    def say(self, frame: bytes) -> None:
        """Send a message."""
        if self.is_mute or self.is_over:
            return
        if self.is_stalled:
            self._held.append(frame)
            return
        self._due_s = max(self._due_s + 1e-6, self._venue.now_s() + self.delay_s)
        asyncio.get_running_loop().call_at(self._due_s, self._arrive, frame)

    def _arrive(self, frame: bytes) -> None:
        if not self.is_over and not self.is_mute:
            self._listener.heard(frame, self._venue.now_ns())

    def stall(self, is_on: bool) -> None:
        """Hold everything back, or let all of it come at once."""
        self.is_stalled = is_on
        if not is_on:
            held, self._held = self._held, []
            for frame in held:
                self.say(frame)

    @property
    def age_s(self) -> float:
        """How old it is."""
        return self._venue.now_s() - self._begun_s

    def tell(self, s: int) -> None:
        """A message of what has changed in a book since the last one."""
        book, after = self._venue.books[s], self.sent[s]
        if book.update == after or f"{book.one.symbol.lower()}@depth@100ms" not in self.streams:
            return
        bids, asks = book.levels(book.between(after))
        stamp = self._venue.now_ns() // 1_000_000
        more = f',"T":{stamp},"pu":{after}' if book.one.market == "perp" else ""
        self.sent[s] = book.update
        if self.loses:
            self.loses -= 1
            return
        body = f'{{"e":"depthUpdate","E":{stamp},"s":"{book.one.symbol}","U":{after + 1},"u":{book.update}{more},"b":[{bids}],"a":[{asks}]}}'
        for _ in range(1 + bool(self.doubles)):
            self.say(f'{{"stream":"{book.one.symbol.lower()}@depth@100ms","data":{body}}}'.encode())
        self.doubles -= bool(self.doubles)

    # -- what a client does ------------------------------------------------------------------------------------------

    def send(self, message: bytes) -> None:
        """Streams stand in the address."""

    def ping(self, payload: bytes) -> None:
        """Answered behind what was sent before."""
        if not self.is_mute and not self.is_stalled:
            self._due_s = max(self._due_s + 1e-6, self._venue.now_s() + self.delay_s)
            asyncio.get_running_loop().call_at(self._due_s, self._pong, payload)

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
            self._venue.wires.remove(self)
            self._listener.ended(how)


class LightVenue:
    """Connector, Rest and clock of a made market of these symbols. `pace_s()` says how long a step of the market takes."""

    def __init__(self, market: Any, symbols: tuple[str, ...], seed: int, pace_s: Callable[[], float], life_s: float = 86_400.0) -> None:
        self.chance = random.Random(seed)
        self.instruments = [instrument(symbol, market, "BINANCE") for symbol in symbols]
        self.books = [MadeBook(one, self.chance) for one in self.instruments]
        self.wires: list[Wire] = []
        self.asked: list[str] = []
        self.connected: list[str] = []
        self.trades: list[list[int]] = [[] for _ in symbols]  # every id that was told since the start
        self.is_shut = False  # nobody is let in
        self.is_mute = False  # who is let in is told nothing
        self.beats: tuple[int, ...] = (1, 2)
        self.stale: dict[int, bytes] = {}  # snapshots that are told in the place of those of now
        self._pace_s, self.life_s, self._steps, self._number = pace_s, life_s, 0, 0

    def now_s(self) -> float:
        """Seconds since the loop was made."""
        return asyncio.get_running_loop().time()

    def now_ns(self) -> int:
        """UTC ns."""
        return VirtualClock().now_ns()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def delay_s(self) -> float:
        """How far away a new connection is."""
        return self.chance.uniform(0.005, 0.08)

    async def run(self) -> None:
        """Let the market go on, and end connections that are too old."""
        while True:
            await asyncio.sleep(self._pace_s())
            self.step()

    def step(self) -> None:
        """One step of the market, told to everybody."""
        self._steps += 1
        for s, book in enumerate(self.books):
            book.walk()
            told = None
            if self.chance.random() < 0.5:
                book.trade += 1
                self.trades[s].append(book.trade)
                told = self._trade(book)
            for wire in list(self.wires):
                if told is not None and f"{book.one.symbol.lower()}@trade" in wire.streams:
                    wire.say(told)
                if self._steps % wire.beat == 0:
                    wire.tell(s)
        for wire in list(self.wires):
            if wire.age_s >= self.life_s:
                wire.end(Closed(1001, "its life is over", "venue"))

    def _trade(self, book: MadeBook) -> bytes:
        stamp, symbol = self.now_ns() // 1_000_000, book.one.symbol
        price, size = book.one.price_text(book.middle), book.one.quantity_text(5)
        body = f'{{"e":"trade","E":{stamp},"T":{stamp},"s":"{symbol}","t":{book.trade},"p":"{price}","q":"{size}","X":"MARKET","m":false}}'
        return f'{{"stream":"{symbol.lower()}@trade","data":{body}}}'.encode()

    def snapshot(self, s: int) -> bytes:
        """A book as it is told to who asks."""
        book = self.books[s]
        bids, asks = book.levels((dict(sorted(book.sides[0].items(), reverse=True)), dict(sorted(book.sides[1].items()))))
        stamp = self.now_ns() // 1_000_000
        return f'{{"lastUpdateId":{book.update},"E":{stamp},"T":{stamp},"bids":[{bids}],"asks":[{asks}]}}'.encode()

    async def ask(self, url: str, body: bytes = b"", *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """A snapshot of a book, or nothing."""
        parts = urlsplit(url)
        self.asked.append(parts.path)
        await asyncio.sleep(0.05)
        if self.is_shut:
            return Answer(503, b"{}", {}, self.now_ns())
        if not parts.path.endswith("/depth"):
            return Answer(200, json.dumps([]).encode(), {}, self.now_ns())
        symbol = parse_qs(parts.query)["symbol"][0]
        s = next(place for place, one in enumerate(self.instruments) if one.symbol == symbol)
        return Answer(200, self.stale.pop(s, b"") or self.snapshot(s), {}, self.now_ns())

    async def connect(self, url: str, listener: Listener) -> Connection:
        """A connection of the streams that the address names."""
        await asyncio.sleep(0.05)
        self.connected.append(url)
        if self.is_shut:
            raise ConnectFailed("nobody is let in", where=url[:20], mend="later")
        self._number += 1
        wire = Wire(self, listener, parse_qs(urlsplit(url).query)["streams"][0].split("/"), self._number)
        wire.is_mute = self.is_mute
        self.wires.append(wire)
        listener.opened(self.now_ns())
        return wire
