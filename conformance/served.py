"""The venue that independent clients are held to: a made market at the clock's own speed, with every state of one book kept beside."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from types import TracebackType
from typing import Self

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import MILLI_NS, SECOND_NS
from metastackerbandit.practice.binance.spot_side import spot_side
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.hub import Hub
from metastackerbandit.practice.keys import Key, KeyRing
from metastackerbandit.practice.made_source import MadeSource
from metastackerbandit.practice.server import Venue
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.tape import Levels, book_side, newest_update
from metastackerbandit.practice.venue_time import VenueTime
from metastackerbandit.simulation.candle_board import FIVE_NS
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import ASSET_ONE
from metastackerbandit.simulation.listing import Listing
from metastackerbandit.simulation.made_market import MadeSymbol
from metastackerbandit.simulation.settings import GeneratorSettings, ListingSettings

KEY = Key("c" * 64, "d" * 64, 1)
GIVEN = {"BTC": 10 * ASSET_ONE, "ETH": 100 * ASSET_ONE, "USDT": 1_000_000 * ASSET_ONE}
DAYS = 3  # of history
STEP_NS = SECOND_NS // 10  # of the market: what a stream of 100 ms tells changes with each
TOP = 10  # levels of a side that are kept and compared
SYMBOLS = (
    MadeSymbol(Instrument("BTCUSDT", "BTC", "USDT", "spot", "BINANCE", "0.01", "0.00001", "0.00001", "9000", "5"), ListingSettings(price=60_000.0)),
    MadeSymbol(Instrument("ETHUSDT", "ETH", "USDT", "spot", "BINANCE", "0.01", "0.0001", "0.0001", "9000", "5"), ListingSettings(price=3_000.0)),
)


class Watched(Venue):
    """A venue that keeps the best levels of its first book after every step: by update number, and by the time that the step told."""

    def step(self) -> None:
        """Step, and keep what stands then."""
        super().step()
        floor = self.sides[0].desk.floor
        queues = floor.exchange.queues
        self.books[newest_update(queues, 0)] = self.times[floor.now_ns // MILLI_NS] = (book_side(queues, 0, 0, TOP), book_side(queues, 0, 1, TOP))

    books: dict[int, tuple[Levels, Levels]]
    times: dict[int, tuple[Levels, Levels]]


class Served:
    """A venue in a thread of its own while a client talks to it; a context manager. Its state is read once it has stopped."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        settings = PracticeSettings(speed=1.0)
        now_ns = time.time_ns()
        self.venue_time = VenueTime(now_ns, settings.speed)
        begun_ns = now_ns // FIVE_NS * FIVE_NS
        self.exchange = Exchange([Listing(one.instrument, maker=100_000, taker=100_000) for one in SYMBOLS])
        self.exchange.open(KEY.owner, GIVEN)
        self.floor = Floor(self.exchange, MadeSource(GeneratorSettings(), SYMBOLS, DAYS, None, STEP_NS), begun_ns, settings)
        self.floor.advance(now_ns)
        faults = Faults(self.venue_time)
        hub = Hub(self.venue_time, faults)
        side = spot_side(self.floor, KeyRing([KEY]), self.venue_time, faults, hub, settings)
        self.venue = Watched([side], self.venue_time, faults, hub, settings)
        self.venue.books, self.venue.times = {}, {}
        self.port = self.tls_port = 0
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._is_up = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_up.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self.venue.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self.port, self.tls_port = self._loop.run_until_complete(self.venue.start(tls=self._tls))
        self._is_up.set()
        self._loop.run_forever()
