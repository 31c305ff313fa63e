"""Failover over real sockets: the loopback exchange served on this machine, one of whose connections falls silent, or is cut within a frame."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import uvloop

from metastackerbandit.domain.market_rows import DEPTH, TRADES
from metastackerbandit.exchanges.settings import EndpointSettings, TransportSettings
from metastackerbandit.exchanges.transport.aiohttp_rest import AiohttpRest
from metastackerbandit.exchanges.transport.picows_socket import PicowsConnector
from metastackerbandit.practice.faults import Fault
from metastackerbandit.practice.server import HOST, Venue
from metastackerbandit.practice.tape import book_side, newest_update
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.feed_events import FeedEvent
from metastackerbandit.runtime.live_feed import FeedSettings, LiveFeed, World
from metastackerbandit.runtime.live_take import Taken
from tests.covering import covers
from tests.practice.binance.spot import side_of
from tests.practice.serving import until
from tests.practice.walking import Ground, instruments
from tests.runtime.pretended import Nowhere

SPEED = 0.5  # venue seconds in one of ours: a machine that is busy has twice the time for what is limited


class Paced:
    """The venue's time, and our waits."""

    def __init__(self, ground: Ground) -> None:
        self.now_ns = ground.time.now_ns

    async def sleep(self, seconds: float) -> None:
        """Let so many of the venue's seconds pass."""
        await asyncio.sleep(seconds / SPEED)


@covers("0.34", "0.36", "0.43", "A27")
def test_a_connection_that_fails_is_replaced_within_two_seconds_and_nothing_is_lost() -> None:
    ground = Ground("spot", SPEED, clock=time.monotonic_ns)
    side, truth = side_of(ground), [dict[int, Any](), dict[int, Any]()]
    emit = ground.hub.emit
    events: list[FeedEvent] = []
    wrong: list[int] = []
    compared: list[int] = []
    trades: list[int] = []

    def noted(now_ns: int) -> None:
        for s, known in enumerate(truth):
            queues = ground.exchange.queues
            (bid, bid_lots), (ask, ask_lots) = book_side(queues, s, 0, 1)[0], book_side(queues, s, 1, 1)[0]
            known[newest_update(queues, s)] = bid, bid_lots, ask, ask_lots
        emit(now_ns)

    ground.hub.emit = noted  # type: ignore[method-assign]

    async def work() -> None:
        venue = Venue([side], ground.time, ground.faults, ground.hub, ground.settings)
        port, _ = await venue.start()
        clock, transport = Paced(ground), TransportSettings()
        endpoints = EndpointSettings(binance_spot_stream=f"ws://{HOST}:{port}", binance_spot_rest=f"http://{HOST}:{port}")

        def hear(taken: Taken, market: Feeds, received_ns: int) -> None:
            if taken.kind == DEPTH and (best := feed.desk.best(taken.instrument)) is not None:
                update = int(market.book.row[taken.instrument]["last_id"])
                compared.append(update)
                if truth[taken.instrument].get(update) != best:
                    wrong.append(update)
            elif taken.kind == TRADES:
                found = market.decoded
                trades.extend(int(found.trades[n]["first_id"]) for n in range(int(found.found[0]["rows"])) if not found.trades[n]["instrument"])

        async with AiohttpRest(transport, clock.now_ns) as rest:
            world = World(PicowsConnector(transport, clock.now_ns), rest, clock, random.Random(1), Nowhere())
            feed = LiveFeed(instruments("spot"), ("depth", "trade"), world, FeedSettings(endpoints=endpoints), events.append, hear)
            running = asyncio.ensure_future(feed.run())
            (route,) = feed.routes
            for n, fault in enumerate(("falls_silent", "cut"), start=1):
                await until(lambda: sum(line.is_up for line in route.lines) == 2 and len(feed.live()) == 2, 20.0)
                await clock.sleep(2.1)
                ground.faults.switch_on(Fault(fault, count=1))  # it strikes the first that is told something: the oldest, which is taken from
                await until(lambda wanted=n: len(route.facts().failover_ms) == wanted, 20.0)  # type: ignore[misc]
            assert feed.live() == ("BTCUSDT", "ETHUSDT")
            facts = route.facts()
            running.cancel()
            await asyncio.wait({running})
        await venue.stop()
        assert facts.switches == 2 and all(0.0 < lasted < 2_000.0 for lasted in facts.failover_ms), facts
        assert max(facts.failover_ms) > 1_000.0, "a silent connection is waited for"

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
    assert wrong == [] and len(compared) > 100 and trades == list(range(trades[0], trades[-1] + 1)) and len(trades) > 10
    told = [event.what for event in events]
    assert told.count("gap") == told.count("stale") == told.count("uncarried") == 0
