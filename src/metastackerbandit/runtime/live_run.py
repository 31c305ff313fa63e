"""A run on a market that is followed live: feed, candles, engine and a broker together, from the candles before it to whoever stops it.

The candles before are heard under a pause, so that features, volatility and rules are warm and nothing is traded on what has passed; then the pause
ends, as an operator's word would end it, and every input from there on is of now. Candles that were not heard whole are asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Literal, Protocol

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import MsbError, VenueError
from metastackerbandit.domain.inputs import Control, Input, OrderReport
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import entry, rows
from metastackerbandit.domain.market_rows import MarkRow
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan
from metastackerbandit.exchanges.streams import SocketPlan, frame_word
from metastackerbandit.market.bars import BAR_FRAMES, NEVER
from metastackerbandit.market.settings import BarSettings, UpkeepSettings
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.feed_desk import FeedDesk
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.feed_standing import FeedStanding, standing_of
from metastackerbandit.runtime.lags import empty_lags, note_frame
from metastackerbandit.runtime.live_feed import FeedSettings, LiveFeed, World
from metastackerbandit.runtime.live_market import LiveMarket
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.recovery import Past
from metastackerbandit.runtime.replay import Broker, Driver, Oracle, moment
from metastackerbandit.runtime.settings import LiveRunSettings, UpkeepWorkerSettings
from metastackerbandit.runtime.trader import Trader
from metastackerbandit.runtime.upkeep_worker import UpkeepWorker, Upkept
from metastackerbandit.runtime.vitals import Depths

Word = Literal["pause", "resume", "kill", "flatten"]
PERP_WORDS, SPOT_WORDS = ("depth", "trade", "markPrice"), ("depth", "trade")
_WAIT_S = 0.02
_FUNDING_TRIES = 20
_SETTLEMENTS = 2  # of a symbol that may wait to be asked for: hours lie between two
_WORDS = 16  # of operators that may wait; who comes behind them waits too


class LiveBroker(Broker, Protocol):
    """A broker of a live run: it hears the market's frames, before the engine does, or follows an account, or both."""

    def passing(self, now_ns: int) -> None:
        """Something comes, and nothing was done with it yet."""

    def hear(self, taken: Taken, received_ns: int) -> None:
        """A frame was taken."""

    def take_up(self, past: Past) -> None:
        """Know what a killed run held and had asked for, before anything is heard."""

    async def begin(self, engine: Engine) -> None:
        """What must be known before anything is sent."""

    async def run(self) -> None:
        """Follow what it follows; it may end where there is nothing."""

    async def compare(self) -> None:
        """Hold the engine's view against the venue's."""

    def differences(self, engine: Engine) -> list[dict[str, str]]:
        """What differed then."""

    @property
    def holds_risk(self) -> bool:
        """Whether differences hold new risk back."""

    def accept(self, key: str) -> bool:
        """Take a difference as it is; whether there is one of this key."""

    @property
    def is_idle(self) -> bool:
        """Whether no order works or is under way."""


class Wiring(Struct, frozen=True):
    """What a run is put together from: `broker(desk, deliver)` and `driver(broker)` make those, `predictor` answers candles (None: nobody does).

    `tell` gets events, `watch` every input after it was taken, `asks_pause` says whether a monitor wants the run paused. `upkeep` says how candles
    that were told are held against the venue's, round after round (None: they are not).
    """

    broker: Callable[[FeedDesk, Callable[[OrderReport], None]], LiveBroker]
    driver: Callable[[Broker], Driver]
    predictor: Oracle | None
    tell: Tell
    watch: Callable[[Input, int], None]
    asks_pause: Callable[[], bool]
    upkeep: tuple[UpkeepWorkerSettings, UpkeepSettings] | None = None


class LiveRun:
    """A run on live data. `instruments` are the plan's symbols in its order, named as their venue's codec wants them."""

    def __init__(
        self,
        plan: Plan,
        instruments: Sequence[Instrument],
        world: World,
        feed: FeedSettings,
        bars: BarSettings,
        settings: LiveRunSettings,
        wiring: Wiring,
    ) -> None:
        self._plan, self._world, self._settings, self._feed_settings, self._wiring = plan, world, settings, feed, wiring
        words = SPOT_WORDS if instruments[0].market == "spot" else PERP_WORDS
        self._due: asyncio.Queue[MarkRow] = asyncio.Queue(_SETTLEMENTS * len(instruments))  # that are to be asked for
        self.feed = LiveFeed(instruments, words, world, feed, wiring.tell, self._hear, self._passing, self._whole)
        self.broker = wiring.broker(self.feed.desk, self._reported)
        self.trader = Trader(wiring.driver(self.broker), wiring.predictor, wiring.watch)
        self.market = LiveMarket(plan, self.feed.desk, bars, self._take, self._want, self._settle)
        self.lags = empty_lags()
        self._note_frame: Any = entry(note_frame, self.lags, self.feed.desk.market.decoded, 1, 1, 1)
        self._came_ns = 0  # when what is being taken came
        self._heard_by = {one.name: _places_of_trades(one, instruments) for one in self.feed.plans}
        self._wanted: asyncio.Queue[int] = asyncio.Queue()  # symbols that wait for a candle, each once
        self._asked: set[int] = set()
        self._words: asyncio.Queue[tuple[Word, asyncio.Future[int]]] = asyncio.Queue(_WORDS)  # of operators
        self._let_go = 0  # settlements that count as they were told last, since too many were to be asked for
        self.warmed = 0  # decisions on the candles before
        self._ended: FeedStanding | None = None  # as the feed stood when the run was asked to end

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
        self.warmed = int(self.trader.driver.engine.world.account[0].decisions)

    def take_up(self, past: Past, inputs: Iterable[Input], bars: Sequence[np.ndarray], now_ns: int, *, is_paused: bool = False) -> None:
        """Go on where a killed run was ended: what the market did since then is heard under a pause, as what was before a run is.

        The driver's engine is as the run's log left it. `inputs` are those of a recording that reaches to `now_ns`, with what was heard before the
        end among them, `bars` each symbol's candles. It stays paused where it was, and where it is to (`is_paused`).
        """
        self.broker.take_up(past)
        self.trader.taken, self.trader.now_ns, self.warmed = past.taken, past.now_ns, past.warmed
        was_paused = bool(self.trader.driver.engine.world.account[0].paused)
        if not was_paused:
            self._take(Control(past.now_ns, "pause"))
        for event in inputs:
            if past.is_news(event) and moment(event) <= now_ns:
                self._take(event)
        if not (was_paused or is_paused):
            self._take(Control(now_ns, "resume"))
        for s, own in enumerate(bars):
            self.market.begin(s, own[own["closed_ns"] <= now_ns])

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set, then leave as the settings say. What venue and network do is survived; a broken promise of ours is raised."""
        await self.broker.begin(self.trader.driver.engine)
        try:
            await self._trade(stop)
        except* MsbError as several:
            raise _first_of(several) from several

    async def _trade(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            works = self.feed.run(), self.broker.run(), self._look(), self._fund(), self._obey(), self._hold_against()
            mending = (self._mend() for _ in range(self._settings.mend_workers))
            tasks = [group.create_task(work) for work in (*works, *mending)]
            await stop.wait()
            self._ended = standing_of(self.feed)
            if self._settings.at_end == "flatten":
                await self._flatten()
            with suppress(VenueError):
                await self.broker.compare()
            for task in tasks:
                task.cancel()

    def standing(self) -> FeedStanding:
        """How the feed stands, or stood at the end."""
        return standing_of(self.feed) if self._ended is None else self._ended

    @property
    def live(self) -> tuple[str, ...]:
        """Symbols whose books are live, or were at the end."""
        return self.feed.live() if self._ended is None else self._ended.live

    async def obey(self, word: Word) -> int:
        """Have an operator's word taken by the run; the time that it counts from, UTC ns by the venue's clock. What fails in it ends the run."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        await self._words.put((word, done))
        return await done

    async def _flatten(self) -> None:
        """Cancel what works, leave every position at the market, and wait for it, no longer than is allowed."""
        self._take(Control(self._world.clock.now_ns(), "kill"))
        engine, patience = self.trader.driver.engine, self._settings.flatten_s
        while patience > 0.0 and not (self.broker.is_idle and not any(int(seat.position.lots) for seat in engine.world.seats)):
            await self._world.clock.sleep(_WAIT_S)
            patience -= _WAIT_S

    async def _obey(self) -> None:
        while True:
            word, done = await self._words.get()
            try:
                self._take(Control(self._world.clock.now_ns(), word))
            except MsbError as error:
                if not done.done():  # whoever asked may have gone
                    done.set_exception(error)
                raise
            if not done.done():
                done.set_result(self.trader.now_ns)

    def depths(self) -> Depths:
        """What waits here, and what was let go for want of room."""
        desk, places = self.feed.desk, range(len(self.feed.desk.instruments))
        now = {
            "changes": sum(desk.waits(s) for s in places),
            "snapshots": self.feed.wanted,
            "requests": self.feed.rest.waits,
            "candles": sum(self.market.waits(s) for s in places),
            "settlements": self._due.qsize(),
            "words": self._words.qsize(),
        }
        return Depths(now, {"changes": sum(desk.dropped), "candles": self.market.let_go, "settlements": self._let_go})

    # -- what comes --------------------------------------------------------------------------------------------------

    def _passing(self, now_ns: int) -> None:
        self._came_ns = now_ns
        self.broker.passing(now_ns)
        self.market.passing(now_ns)

    def _hear(self, taken: Taken, feeds: Feeds, received_ns: int) -> None:
        self.broker.hear(taken, received_ns)
        self.market.hear(taken, received_ns)
        if received_ns == self._came_ns:  # changes that had waited for a snapshot are late for another reason
            self._note_frame(self.lags, self.feed.desk.market.decoded, taken.kind, received_ns, self._world.clock.now_ns())

    def _reported(self, report: OrderReport) -> None:
        self._take(report)

    def _take(self, event: Input) -> None:
        self.trader.take(event)
        if self._wiring.asks_pause():
            self.trader.take(Control(self.trader.now_ns, "pause"))

    def _whole(self, plan: SocketPlan, from_ns: int) -> None:
        """Since when a plan's trades are heard without a hole."""
        for s in self._heard_by.get(plan.name, ()):
            self.market.listens(s, NEVER if from_ns == NEVER else from_ns + round(self._settings.listen_s * SECOND_NS))

    async def _look(self) -> None:
        """What time alone brings, a few times a second."""
        while True:
            await self._world.clock.sleep(self._settings.look_s)
            now_ns = self._world.clock.now_ns()
            self.broker.passing(now_ns)
            self.market.look(now_ns)

    # -- candles that were not heard whole ---------------------------------------------------------------------------

    def _want(self, s: int, opened_ns: int) -> None:
        if s not in self._asked:
            self._asked.add(s)
            self._wanted.put_nowait(s)

    async def _mend(self) -> None:
        """Ask for what one symbol after another waits for, all that is missing in a row at once, and again where that failed."""
        while True:
            s = await self._wanted.get()
            stretch = self.market.missing(s)
            if stretch is None:
                self._asked.discard(s)
                continue
            try:
                candles = await self._fetched(s, *stretch)
            except VenueError as error:
                self._note("candle_failed", s, str(error))
                candles = rows(Bar, 0)
            self.market.mended(s, candles, self._world.clock.now_ns())
            left = self.market.missing(s)
            if left is None:
                self._asked.discard(s)
                continue
            if left[0] == stretch[0]:  # the venue has not got it yet
                await self._world.clock.sleep(self._settings.mend_s)
            self._wanted.put_nowait(s)

    async def _fetched(self, s: int, from_ns: int, to_ns: int) -> np.ndarray:
        """The venue's candles (N,) that open in a stretch, oldest first, as many as one answer has; none while it has not got them."""
        one, streams = self.feed.desk.instruments[s], self.feed.streams
        to_ns = min(to_ns, from_ns + streams.most_klines * self._plan.base_ns)
        count = (to_ns - from_ns) // self._plan.base_ns
        request = streams.klines(one, frame_word(self._plan.base_ns), from_ns, to_ns, count, self._feed_settings.endpoints)
        answer = await self.feed.rest.ask(request)
        told = streams.read_klines(answer.body, one, self._plan.base_ns, to_ns)
        return told[(told["opened_ns"] >= from_ns) & (told["opened_ns"] < to_ns)]

    async def _hold_against(self) -> None:
        """Hold the newest candles that were told against the venue's, where that is asked for and the venue has candles of that length."""
        if self._wiring.upkeep is None or self._plan.base_ns not in BAR_FRAMES.values():
            return
        worker, upkeep = self._wiring.upkeep
        keeper = UpkeepWorker(
            self.market.told,
            self.feed.desk.instruments,
            self.feed.rest,
            clock=self._world.clock,
            settings=worker,
            upkeep=upkeep,
            endpoints=self._feed_settings.endpoints,
            tell=self._held_against,
        )
        await keeper.run()

    def _held_against(self, found: Upkept) -> None:
        if found.failed or found.differing:
            what, words = ("candle_failed", found.failed) if found.failed else ("candle_differs", "the venue's candles are others than those told")
            self._wiring.tell(FeedEvent(self._world.clock.now_ns(), what, "rest", found.symbol, words, found.differing))

    # -- funding -----------------------------------------------------------------------------------------------------

    def _settle(self, mark: MarkRow) -> None:
        """Have a settlement asked for; where too many are already, it counts as it was told last."""
        try:
            self._due.put_nowait(mark)
        except asyncio.QueueFull:
            self._let_go += 1
            self._note("funding_failed", mark.instrument, "too many settlements are to be asked for: what the venue told before counts")
            self.market.settled(mark, self._world.clock.now_ns())

    async def _fund(self) -> None:
        """Ask what was settled: the rate that was told before it may have been another one."""
        while True:
            mark = await self._due.get()
            for _ in range(_FUNDING_TRIES):
                found = await self._settlement(mark)
                if found is not None:
                    break
                await self._world.clock.sleep(self._settings.mend_s)
            else:
                self._note("funding_failed", mark.instrument, "the venue does not say what was settled: what it told before counts")
            self.market.settled(mark, self._world.clock.now_ns(), *(found or (None, None)))

    async def _settlement(self, mark: MarkRow) -> tuple[int, int] | None:
        """Rate and mark of what was due, None while the venue does not tell."""
        streams, one = self.feed.streams, self.feed.desk.instruments[mark.instrument]
        if streams.funding is None or streams.read_funding is None:
            return mark.rate, 0
        span = mark.settles_ns - SECOND_NS, mark.settles_ns + SECOND_NS
        try:
            answer = await self.feed.rest.ask(streams.funding(one, *span, self._feed_settings.endpoints))
            told = streams.read_funding(answer.body, one)
        except VenueError:
            return None
        return (int(told[-1]["rate"]), int(told[-1]["mark"])) if len(told) else None

    def _note(self, what: str, s: int, words: str) -> None:
        self._wiring.tell(FeedEvent(self._world.clock.now_ns(), what, "rest", self.feed.desk.instruments[s].symbol, words))


def _first_of(several: BaseExceptionGroup[MsbError]) -> MsbError:
    """One of the errors that ended a run's parts, however deep it lies."""
    first = several.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


def _places_of_trades(plan: SocketPlan, instruments: Sequence[Instrument]) -> tuple[int, ...]:
    """The instruments whose trades a plan carries."""
    carried = {symbol for symbol, word in plan.carries if word in ("trade", "aggTrade")}
    return tuple(s for s, one in enumerate(instruments) if one.symbol in carried)
