"""A run on a market that is followed live: feed, candles, engine and a broker together, from the candles before it to whoever stops it.

The candles before are heard under a pause, so that features, volatility and rules are warm and nothing is traded on what has passed; then the pause
ends, as an operator's word would end it, and every input from there on is of now. Candles that were not heard whole are asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import VenueError
from metastackerbandit.domain.inputs import Control, Input, OrderReport
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import SECOND_NS, frame_name
from metastackerbandit.engine.plan import Plan
from metastackerbandit.exchanges.streams import SocketPlan
from metastackerbandit.market.bars import NEVER
from metastackerbandit.market.settings import BarSettings
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.live_feed import FeedSettings, LiveFeed, World
from metastackerbandit.runtime.live_market import LiveMarket
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.paper_broker import PaperBroker
from metastackerbandit.runtime.replay import Broker, Driver, Oracle, moment
from metastackerbandit.runtime.settings import LiveRunSettings
from metastackerbandit.runtime.trader import Trader
from metastackerbandit.simulation.settings import SimulationSettings

PERP_WORDS, SPOT_WORDS = ("depth", "trade", "markPrice"), ("depth", "trade")
_BREAKS = ("closed", "stopped", "not_connected", "silent")  # events behind which a connection's trades are not heard any more


class Wiring(Struct, frozen=True):
    """What a run is put together from: `driver(broker)` makes the driver, `predictor` answers candles (None: nobody does), `tell` gets events,
    `watch` every input after it was taken, `asks_pause` says whether a monitor wants the run paused."""

    driver: Callable[[Broker], Driver]
    predictor: Oracle | None
    tell: Tell
    watch: Callable[[Input, int], None]
    asks_pause: Callable[[], bool]


class LiveRun:
    """A paper run on live data. `instruments` are the plan's symbols in its order, named as their venue's codec wants them."""

    def __init__(
        self,
        plan: Plan,
        instruments: Sequence[Instrument],
        world: World,
        feed: FeedSettings,
        bars: BarSettings,
        simulation: SimulationSettings,
        settings: LiveRunSettings,
        wiring: Wiring,
    ) -> None:
        self._plan, self._world, self._settings, self._feed_settings, self._wiring = plan, world, settings, feed, wiring
        words = SPOT_WORDS if instruments[0].market == "spot" else PERP_WORDS
        self.feed = LiveFeed(instruments, words, world, feed, self._told, self._hear, self._passing)
        self.broker = PaperBroker(plan, self.feed.desk, simulation, self._reported)
        self.trader = Trader(wiring.driver(self.broker), wiring.predictor, wiring.watch)
        self.market = LiveMarket(plan, self.feed.desk, bars, self._take, self._want)
        self._heard_by = {one.name: _places_of_trades(one, instruments) for one in self.feed.plans}
        self._wanted: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        self._asked: set[tuple[int, int]] = set()
        self.is_live = False

    def warm(self, inputs: Iterable[Input], bars: Sequence[np.ndarray], now_ns: int) -> None:
        """Hear what was before, under a pause that ends at `now_ns`; `bars` are each symbol's candles among it."""
        begun = False
        for event in inputs:
            if moment(event) > now_ns:
                break
            if not begun:
                self._take(Control(moment(event), "pause"))
                begun = True
            self._take(event)
        if begun:
            self._take(Control(now_ns, "resume"))
        for s, own in enumerate(bars):
            self.market.begin(s, own[own["closed_ns"] <= now_ns])
        self.is_live = True

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set. What the venue and the network do is survived; a broken promise of ours is raised."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in (self.feed.run(), self._look(), self._mend())]
            await stop.wait()
            for task in tasks:
                task.cancel()

    # -- what comes --------------------------------------------------------------------------------------------------

    def _passing(self, now_ns: int) -> None:
        self.broker.passing(now_ns)
        self.market.passing(now_ns)

    def _hear(self, taken: Taken, feeds: Feeds, received_ns: int) -> None:
        self.broker.hear(taken, received_ns)
        self.market.hear(taken, received_ns)

    def _reported(self, report: OrderReport) -> None:
        self._take(report)

    def _take(self, event: Input) -> None:
        self.trader.take(event)
        if self._wiring.asks_pause():
            self.trader.take(Control(self.trader.now_ns, "pause"))

    def _told(self, event: FeedEvent) -> None:
        """Something happened to the feed: what of it says whose trades are heard."""
        places = self._heard_by.get(event.connection, ())
        if event.what == "connected":
            for s in places:
                self.market.listens(s, event.at_ns + round(self._settings.listen_s * SECOND_NS))
        elif event.what in _BREAKS:
            for s in places:
                self.market.listens(s, NEVER)
        self._wiring.tell(event)

    async def _look(self) -> None:
        """What time alone brings, a few times a second."""
        while True:
            await self._world.clock.sleep(self._settings.look_s)
            now_ns = self._world.clock.now_ns()
            self.broker.passing(now_ns)
            self.market.look(now_ns)

    # -- candles that were not heard whole ---------------------------------------------------------------------------

    def _want(self, s: int, opened_ns: int) -> None:
        if (s, opened_ns) not in self._asked:
            self._asked.add((s, opened_ns))
            self._wanted.put_nowait((s, opened_ns))

    async def _mend(self) -> None:
        """Ask for one candle after another, and again where that failed: those behind it wait."""
        while True:
            s, opened_ns = await self._wanted.get()
            try:
                candle = await self._fetched(s, opened_ns)
            except VenueError as error:
                self._note("candle_failed", s, str(error))
                candle = None
            if candle is None or not len(candle):
                await self._world.clock.sleep(self._settings.mend_s)
                self._wanted.put_nowait((s, opened_ns))
                continue
            self._asked.discard((s, opened_ns))
            self.market.mended(s, candle, self._world.clock.now_ns())

    async def _fetched(self, s: int, opened_ns: int) -> np.ndarray:
        """The venue's candle (1,), none while it has not got it."""
        one, ends_ns = self.feed.desk.instruments[s], opened_ns + self._plan.base_ns
        streams, frame = self.feed.streams, frame_name(self._plan.base_ns)
        request = streams.klines(one, "1d" if frame == "24h" else frame, opened_ns, ends_ns, 1, self._feed_settings.endpoints)
        answer = await self.feed.rest.ask(request)
        return streams.read_klines(answer.body, one, self._plan.base_ns, ends_ns)

    def _note(self, what: str, s: int, words: str) -> None:
        self._wiring.tell(FeedEvent(self._world.clock.now_ns(), what, "rest", self.feed.desk.instruments[s].symbol, words))


def _places_of_trades(plan: SocketPlan, instruments: Sequence[Instrument]) -> tuple[int, ...]:
    """The instruments whose trades a connection carries."""
    named = {name.partition("@")[0].upper() for name in plan.streams if name.partition("@")[2] in ("trade", "aggTrade")}
    return tuple(s for s, one in enumerate(instruments) if one.symbol in named)
