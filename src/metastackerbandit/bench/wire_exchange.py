"""The exchange of `msb bench wire`, a process of its own: Binance spot as the loopback exchange serves it, over a market at a fixed pace.

It tells where it is as a line of JSON on stdout; to each line on stdin it answers which orders have come since the last one, and when. It ends with
stdin.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from msgspec import Struct

from metastackerbandit.bench.paced_market import PacedMarket
from metastackerbandit.domain.errors import Fault
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.practice.binance.spot_side import spot_side
from metastackerbandit.practice.desk import Call
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.hub import Hub
from metastackerbandit.practice.keys import Key, KeyRing
from metastackerbandit.practice.server import Venue
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.venue_time import VenueTime
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import ASSET_ONE
from metastackerbandit.simulation.listing import Listing

KEY = Key("bench" * 8, "paced" * 8, 1)  # guards nothing: the exchange lives as long as the benchmark
DEPOSIT = 100_000 * ASSET_ONE
_PATIENCE_S = 10.0  # for the process to end
LOOK_MS = 1.0  # between steps of the market: what a trade waits at the exchange before it is told


def symbol_of(place: int) -> str:
    """A symbol's name."""
    return f"S{place:02d}USDT"


def instruments(count: int) -> list[Instrument]:
    """What is traded: a tick is a basis point of the price."""
    return [Instrument(symbol_of(n), f"S{n:02d}", "USDT", "spot", "BINANCE", "0.01", "0.001", "0.001", "9000", "5") for n in range(count)]


class Arrival(Struct, frozen=True):
    """An order that came: when the exchange read it, when the newest first trade of a second in its symbol was made, both by the machine's monotonic
    clock (ns), and where the order stands (the exchange's word, "" where it was not taken).
    """

    arrived_ns: int
    traded_ns: int
    status: str


class Served:
    """The exchange as the benchmark holds it: started with so many symbols, asked for arrivals, ended with the context.

    Raises:
        Fault: it ended by itself; what it said is in the message.
    """

    def __init__(self, symbols: int) -> None:
        words = [sys.executable, "-m", "metastackerbandit.bench.wire_exchange", str(symbols)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._told()["port"])

    def arrivals(self) -> dict[str, Arrival]:
        """Orders that came since this was last asked, by client id."""
        assert self._process.stdin is not None
        self._process.stdin.write("arrivals\n")
        self._process.stdin.flush()
        return {name: Arrival(*one) for name, one in self._told().items()}

    def _told(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Fault(f"the exchange ended with {self._process.wait()}", where="bench wire")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


async def serve(symbols: int) -> None:
    """Serve until stdin ends."""
    settings = PracticeSettings(speed=1.0, look_ms=LOOK_MS)
    listed = instruments(symbols)
    venue_time, market = VenueTime(time.time_ns()), PacedMarket(listed)
    exchange = Exchange([Listing(one, maker=0, taker=0) for one in listed])
    exchange.open(KEY.owner, {"USDT": DEPOSIT})
    faults = Faults(venue_time)
    hub, floor = Hub(venue_time, faults), Floor(exchange, market, venue_time.now_ns(), settings)
    came: dict[str, tuple[int, int, int]] = {}

    def arrived(call: Call) -> None:
        name, place = call.given.get("newClientOrderId", ""), floor.index.get(call.given.get("symbol", ""))
        if name and place is not None and "quantity" in call.given:
            came[name] = time.monotonic_ns(), market.first_ns[place], place

    def told() -> dict[str, tuple[int, int, str]]:
        found: dict[str, tuple[int, int, str]] = {}
        for name, (arrived_ns, traded_ns, place) in came.items():
            order = exchange.orders.find(KEY.owner, place, 0, name)
            found[name] = arrived_ns, traded_ns, "" if order is None else order.status
        came.clear()
        return found

    side = spot_side(floor, KeyRing([KEY]), venue_time, faults, hub, settings)
    venue = Venue([side], venue_time, faults, hub, settings, arrived=arrived)
    port, _ = await venue.start()
    _say({"port": port})
    works = {asyncio.ensure_future(venue.ended()), asyncio.ensure_future(_answering(told))}
    try:
        over, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        for one in over:
            one.result()
    finally:
        for one in works:
            one.cancel()
        await venue.stop()
        await asyncio.gather(*works, return_exceptions=True)


async def _answering(told: Callable[[], Any]) -> None:
    """Answer each line of stdin, until it ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        _say(told())


def _say(what: Any) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    """Serve as many symbols as the first argument says."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
