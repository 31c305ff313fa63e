"""What every venue's connections must survive: under each fault of the exchange and of the network, no book that is said to be live is ever wrong.

The venues are the loopback exchange's, spot and perpetual, in virtual time; what a book says is held against the exchange's own at that update.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.market_rows import DEPTH, TRADES
from metastackerbandit.exchanges.transport.ports import ABNORMAL, Closed
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.feed_events import FeedEvent
from metastackerbandit.runtime.live_feed import FeedSettings, LiveFeed, World
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.settings import BackoffSettings, LiveSettings
from tests.covering import covers
from tests.practice.walking import instruments
from tests.runtime.practice_lines import PracticeLine, PracticeVenue
from tests.runtime.pretended import Nowhere
from tests.runtime.virtual_time import in_virtual_time

MARKETS: tuple[Any, ...] = ("spot", "perp")
WORDS = {"spot": ("depth", "trade"), "perp": ("depth", "trade", "markPrice")}
LIVE = LiveSettings(quiet_s=1.0, audit_s=0.0, rotate_before_s=10.0, snapshot_levels=100)  # light ones: the venue allows as many as faults ask for
BACKOFF = BackoffSettings(first_s=0.5, most_s=4.0)
LIFE_S = 30.0


class Contract:
    """A feed on a venue, what was wrong, and the trades that were heard."""

    def __init__(self, market: str, seed: int = 1, **changes: Any) -> None:
        self.market, self.chance = market, random.Random(seed)
        self.venue = PracticeVenue(market)
        self.live = structs.replace(LIVE, **changes)
        self.events: list[FeedEvent] = []
        self.wrong: list[tuple[int, int]] = []
        self.compared = 0
        self.trades: list[list[int]] = [[], []]
        self.feed: LiveFeed

    def hear(self, taken: Taken, market: Feeds, received_ns: int) -> None:
        """Hold what is shown against the truth."""
        if taken.kind == DEPTH and (best := self.feed.desk.best(taken.instrument)) is not None:
            update = int(market.book.row[taken.instrument]["last_id"])
            self.compared += 1
            if self.venue.truth[taken.instrument].get(update) != best:
                self.wrong.append((taken.instrument, update))
        elif taken.kind == TRADES:
            found = market.decoded
            self.trades[int(found.trades[0]["instrument"])] += [int(found.trades[n]["first_id"]) for n in range(int(found.found[0]["rows"]))]

    def play(self, script: Callable[[], Awaitable[None]], life_s: float = 86_400.0) -> None:
        """Follow until the script is over."""

        async def work() -> None:
            passing = asyncio.ensure_future(self.venue.run())
            world = World(self.venue, self.venue, self.venue, self.chance, Nowhere())
            self.feed = LiveFeed(
                instruments(self.market), WORDS[self.market], world, FeedSettings(live=self.live, backoff=BACKOFF), self.events.append, self.hear
            )
            for route in self.feed.routes:
                route.plan = structs.replace(route.plan, life_s=life_s)
            running = asyncio.ensure_future(self.feed.run())
            await script()
            assert not running.done(), running
            running.cancel()
            passing.cancel()
            await asyncio.wait({running, passing})

        in_virtual_time(work())

    def happened(self, what: str) -> int:
        """How often an event was told."""
        return sum(event.what == what for event in self.events)

    def line_of(self, place: int) -> PracticeLine:
        """A connection of the plan that feeds the books."""
        (route,) = [route for route in self.feed.routes if route.books]
        up = [line for line in route.lines if line.is_up]
        wanted = up[place % len(up)].socket
        (found,) = [line for line in self.venue.lines if getattr(line._listener, "_socket", None) is wanted]
        return found

    def has_all_trades(self) -> bool:
        """Whether each trade was heard once, in order, without a hole."""
        return all(heard == list(range(heard[0], heard[-1] + 1)) and len(heard) > 5 for heard in self.trades)


STREAM_FAULTS = ("drop", "duplicate", "reorder", "stall", "stale_snapshot", "gap_at_snapshot")
LINE_FAULTS = ("half open", "cut", "closed", "late")


def strike(contract: Contract, fault: str) -> None:
    """A fault of one connection begins; which one is chance."""
    line = contract.line_of(contract.chance.randint(0, 1))
    if fault == "half open":
        line.is_mute = True
    elif fault == "late":
        line.delay_s = 1.5
    else:
        line.end(Closed(ABNORMAL, "in the middle of a frame", "network") if fault == "cut" else Closed(1001, "maintenance", "venue"))


@covers("2.027", "2.028", "2.031", "0.35", "0.45", "0.46", "B15", "C07")
@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_a_fault_of_the_streams_makes_no_live_book_wrong(market: str, fault: str) -> None:
    contract = Contract(market)

    async def script() -> None:
        await asyncio.sleep(3.0)
        for _ in range(3):
            share = 1.0 if fault in ("stall", "stale_snapshot", "gap_at_snapshot") else 0.05
            contract.venue.fault(fault, share=share, count=2 if fault == "gap_at_snapshot" else 0)
            if fault in ("stale_snapshot", "gap_at_snapshot"):
                await asyncio.sleep(1.0)
                contract.venue.fault("drop", count=2)  # so that snapshots are asked for
            await asyncio.sleep(4.0)
            contract.venue.fault(fault, is_on=False)
            await asyncio.sleep(4.0)
        assert contract.feed.live() == ("BTCUSDT", "ETHUSDT"), contract.events[-5:]

    contract.play(script)
    assert contract.wrong == [] and contract.compared > 150
    is_noticed = {"drop": "gap", "reorder": "gap", "stale_snapshot": "snapshot_old", "gap_at_snapshot": "gap"}
    assert fault not in is_noticed or contract.happened(is_noticed[fault]) > 0
    assert fault not in ("duplicate", "stall") or contract.happened("gap") == 0
    assert contract.happened("switched") == 0 and contract.has_all_trades(), "no connection is to blame"


@covers("2.027", "2.029", "0.43", "0.44", "A27")
@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("fault", LINE_FAULTS)
def test_a_fault_of_one_connection_costs_no_message(market: str, fault: str) -> None:
    contract = Contract(market)

    async def script() -> None:
        await asyncio.sleep(4.0)
        for _ in range(4):
            strike(contract, fault)
            await asyncio.sleep(8.0)
        assert contract.feed.live() == ("BTCUSDT", "ETHUSDT")

    contract.play(script)
    assert contract.wrong == [] and contract.compared > 300 and contract.has_all_trades()
    assert contract.happened("gap") == contract.happened("stale") == contract.happened("uncarried") == 0


@covers("2.030", "B15")
@pytest.mark.parametrize("market", MARKETS)
def test_connections_are_replaced_before_the_venue_ends_them_and_no_message_is_lost(market: str) -> None:
    contract = Contract(market)

    async def script() -> None:
        await asyncio.sleep(4.0 * LIFE_S)
        assert contract.feed.live() == ("BTCUSDT", "ETHUSDT") and contract.happened("rotated") >= 8

    contract.play(script, LIFE_S)
    assert contract.wrong == [] and contract.compared > 1_000 and contract.has_all_trades()
    assert contract.happened("gap") == contract.happened("stale") == contract.happened("closed") == 0


@covers("2.031", "0.35", "0.45")
@settings(max_examples=12)
@given(
    market=st.sampled_from(MARKETS),
    seed=st.integers(0, 10_000),
    story=st.lists(st.tuples(st.sampled_from((*STREAM_FAULTS, *LINE_FAULTS, "shut")), st.floats(0.1, 4.0)), min_size=2, max_size=10),
)
def test_whatever_comes_together_no_live_book_is_wrong_and_it_ends_live(market: str, seed: int, story: list[tuple[str, float]]) -> None:
    contract = Contract(market, seed)

    async def script() -> None:
        await asyncio.sleep(2.0)
        for fault, lasting_s in story:
            if fault in STREAM_FAULTS:
                contract.venue.fault(fault, share=0.3, count=20)
            elif fault == "shut":
                contract.venue.is_shut = True
                for line in list(contract.venue.lines):
                    line.end(Closed(1001, "maintenance", "venue"))
            elif any(line.is_up for route in contract.feed.routes if route.books for line in route.lines):
                strike(contract, fault)
            await asyncio.sleep(lasting_s)
            contract.venue.is_shut = False
        for fault in STREAM_FAULTS:
            contract.venue.fault(fault, is_on=False)
        await asyncio.sleep(30.0)
        assert contract.feed.live() == ("BTCUSDT", "ETHUSDT"), contract.events[-8:]

    contract.play(script, LIFE_S)
    assert contract.wrong == [] and contract.compared > 100
    for heard in contract.trades:
        assert heard == sorted(set(heard)), "no trade is told twice"
