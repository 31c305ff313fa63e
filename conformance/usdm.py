"""`python -m conformance.usdm`: independent clients trade on the loopback exchange's USD-M side, each in its own environment; a JSON line each."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
from types import TracebackType
from typing import Self

from metastackerbandit.bench.peers import Playing
from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.practice.binance.perp_side import perp_side
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.hub import Hub
from metastackerbandit.practice.keys import KeyRing
from metastackerbandit.practice.server import Venue
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.venue_time import VenueTime
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.listing import Listing
from tests.practice.binance.perp_walking import MarkedWalk
from tests.practice.walking import GIVEN, KEY, instruments

CLIENTS = ("ccxt", "python_binance")
SCRIPT = "conform_usdm.py"
FUNDING_HOURS = 8


class Served:
    """A USD-M venue at the clock's own speed (clients sign by it), in a thread of its own; a context manager."""

    def __init__(self) -> None:
        settings = PracticeSettings(speed=1.0)
        venue_time = VenueTime(time.time_ns(), settings.speed)
        exchange = Exchange([Listing(one) for one in instruments("perp")])
        exchange.open(KEY.owner, GIVEN)
        funding = FundingBoard(len(exchange.listings), FUNDING_HOURS * HOUR_NS, venue_time.now_ns())
        faults = Faults(venue_time)
        hub = Hub(venue_time, faults)
        floor = Floor(exchange, MarkedWalk(funding), venue_time.now_ns(), settings)
        side = perp_side(floor, funding, KeyRing([KEY]), venue_time, faults, hub, settings)
        self.port = 0
        self._venue = Venue([side], venue_time, faults, hub, settings)
        self._loop, self._is_up = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_up.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._venue.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self.port, _ = self._loop.run_until_complete(self._venue.start())
        self._is_up.set()
        self._loop.run_forever()


def held(client: str) -> dict[str, object]:
    """One client, in an environment that is made where there is none: versions, checks that passed, and what was wrong with the others."""
    with Served() as served, Playing(client, SCRIPT) as playing:
        versions = playing.prepare("usdm", {"port": served.port, "key": KEY.api_key, "secret": KEY.secret})
        return {"client": client, "versions": versions, **playing.run()["answer"]}


def main(arguments: list[str]) -> int:
    """0 where every check passed; else 1."""
    asked = argparse.ArgumentParser(prog="python -m conformance.usdm", description=__doc__)
    asked.add_argument("--client", action="append", choices=CLIENTS, help="only this client; may be repeated")
    results = [held(client) for client in asked.parse_args(arguments).client or CLIENTS]
    for result in results:
        print(json.dumps(result), flush=True)
    return 1 if any(result["failed"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
