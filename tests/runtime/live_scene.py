"""A live run on a stage: feed, candles, engine and a broker on a venue in memory, in virtual time."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from msgspec import structs

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.inputs import BarClosed, BarOpened, Control, Input, OrderReport
from metastackerbandit.domain.kernel import rows, struct_of
from metastackerbandit.domain.leg_words import LegWord
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import deposit_row
from metastackerbandit.exchanges.credentials import Credentials, Secret
from metastackerbandit.exchanges.transport.ports import ABNORMAL, Closed
from metastackerbandit.market.settings import BarSettings, UpkeepSettings
from metastackerbandit.runtime.account_broker import AccountBroker
from metastackerbandit.runtime.feed_desk import FeedDesk
from metastackerbandit.runtime.feed_events import FeedEvent
from metastackerbandit.runtime.from_now_on import FromNowOn
from metastackerbandit.runtime.live_account import LiveAccountSettings
from metastackerbandit.runtime.live_feed import FeedSettings, World
from metastackerbandit.runtime.live_run import LiveBroker, LiveRun, Wiring
from metastackerbandit.runtime.new_risk import NO_GUARD, Guard
from metastackerbandit.runtime.paper_broker import PaperBroker
from metastackerbandit.runtime.recovery import Noting, Snapshot, past_of, replay_log
from metastackerbandit.runtime.replay import Driver
from metastackerbandit.runtime.settings import BackoffSettings, LiveRunSettings, UpkeepWorkerSettings
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.settings import ArmSettings, RandomEntries
from tests.practice.binance.perp_walking import Usdm
from tests.practice.walking import KEY, instruments
from tests.runtime.pretended import Half, Nowhere
from tests.runtime.test_capture_recording import FIXED
from tests.runtime.test_live_market import plan
from tests.runtime.virtual_time import in_virtual_time
from tests.runtime.walked_network import Network

WARM = 40  # candles from before
BACKOFF = BackoffSettings(first_s=0.5, most_s=2.0)


class LiveScene:
    """Two symbols, one book each, of one minute; orders go to an account at the venue, or to our own books."""

    def __init__(self, arm: str = "buy_and_hold", *, has_account: bool = False, seed: int = 7, **changes: Any) -> None:
        self.network = Network(Usdm())
        self.made = plan(tuple(instruments("perp")), ("1m",), arm, structs.replace(FIXED, arms=ArmSettings(random_entries=RandomEntries(seed, 2.0))))
        self.settings = structs.replace(LiveRunSettings(), **changes)
        self.has_account = has_account
        self.inputs: list[Input] = []
        self.legs: list[LegWord] = []
        self.events: list[FeedEvent] = []
        self.sink = MemorySink()
        self.pauses = False
        self.upkeep: tuple[UpkeepWorkerSettings, UpkeepSettings] | None = None
        self.run: LiveRun
        self.running: asyncio.Future[None]
        self.stop: asyncio.Event
        self.past = past_of(self.made)
        self.snapshot: bytes | None = None
        self.rows = MemorySink()  # when it was taken
        self.replayed = b""  # the engine as the log gave it again
        self.begun: Decimal | None = None  # in the wallet
        self.broker: Any = None
        self.guard: Callable[[Engine], Guard] = lambda engine: NO_GUARD

    def wire(self) -> None:
        """Put the run together, within the loop."""
        world = World(self.network, self.network, self.network, Half(), Nowhere())
        self.engine = Engine(self.made)
        self.sink = MemorySink()
        self.sink.ledger(deposit_row(self.made))
        self.gate = FromNowOn(self.sink)
        wiring = Wiring(
            broker=self._broker(world),
            driver=lambda broker: Driver(self.engine, Noting(broker, self.past.intents), self.gate, log=self.log),
            predictor=None,
            tell=self.events.append,
            watch=lambda event, taken: None,
            asks_pause=lambda: self.pauses,
            upkeep=self.upkeep,
        )
        self.run = LiveRun(self.made, instruments("perp"), world, FeedSettings(backoff=BACKOFF), BarSettings(grace_s=2.0), self.settings, wiring)

    def build(self) -> None:
        """Put the run together, and hear what was before."""
        self.wire()
        bars = self.before()
        heard: list[Input] = []
        for place in range(WARM):
            for s, own in enumerate(bars):
                heard.append(BarOpened(s, int(own[place]["opened_ns"]), int(own[place]["open"])))
            for s, own in enumerate(bars):
                heard.append(BarClosed(s, struct_of(Bar, own[place])))
        self.run.warm(heard, bars, self.network.now_ns())
        self.past.warmed = self.run.warmed
        self.gate.open()

    async def killed(self, down_s: float) -> None:
        """The process dies and, a while later, another one takes the run up from what was written down."""
        self.running.cancel()
        with suppress(asyncio.CancelledError):
            await self.running
        for line in list(self.network.lines):
            line.end(Closed(ABNORMAL, "the process is gone", "network"))
        await asyncio.sleep(down_s)
        past = self.past = past_of(self.made, list(self.legs))
        kept = None if self.snapshot is None else msgspec.msgpack.decode(self.snapshot, type=Snapshot)
        if kept is not None:
            past = self.past = structs.replace(kept.past, legs=tuple(self.legs))
        self.wire()
        if kept is not None:
            self.engine.restore(kept.engine)
            self.sink = copy.deepcopy(self.rows)
            self.gate = FromNowOn(self.sink)
            self.run.trader.driver._sink = self.gate
        replay_log(self.inputs[0 if kept is None else kept.end :], past, self.engine, self.gate, None, self.gate.open)
        self.replayed, self.known = self.engine.snapshot(), structs.replace(copy.deepcopy(past), legs=(), lots=[])
        bars = [rows(Bar, 1) for _ in self.network.usdm.exchange.listings]
        for own, closed_ns in zip(bars, past.closed_ns, strict=True):
            own["closed_ns"] = closed_ns  # those that are missing are asked for
        self.run.take_up(past, (), bars, self.network.now_ns())
        self.running = asyncio.ensure_future(self.run.run(self.stop))

    def before(self) -> tuple[np.ndarray, ...]:
        """Candles of the minutes that are over."""
        made = []
        ends_ns = self.network.now_ns() // MINUTE_NS * MINUTE_NS
        for middle in (6_000_000, 300_000):
            own = rows(Bar, WARM)
            own["closed_ns"] = own["known_ns"] = ends_ns - np.arange(WARM)[::-1] * MINUTE_NS
            own["opened_ns"] = own["closed_ns"] - MINUTE_NS
            own["open"] = own["close"] = middle + np.arange(WARM) % 5 * (middle // 500)  # lively enough to be traded
            own["high"], own["low"], own["volume"] = own["open"] + middle // 500, own["open"] - middle // 500, 10.0
            own["parts"] = own["parts_due"] = 1
            made.append(own)
        return tuple(made)

    def _broker(self, world: World) -> Callable[[FeedDesk, Callable[[OrderReport], None]], LiveBroker]:
        def made(desk: FeedDesk, deliver: Callable[[OrderReport], None]) -> LiveBroker:
            self.broker = PaperBroker(self.made, desk, SimulationSettings(), deliver)
            if self.has_account:
                key = Credentials(KEY.api_key, Secret(KEY.secret))
                settings = LiveAccountSettings(backoff=BACKOFF)
                sinks = deliver, self.events.append, self.network.now_ns(), self.legs.append, self.begun, self.begins, self.guard(self.engine)
                self.broker = AccountBroker(self.made, "BINANCE", "run-1", key, world, settings, *sinks)
            chosen: LiveBroker = self.broker
            return chosen

        return made

    def log(self, event: Input) -> None:
        """An input is written down."""
        self.inputs.append(event)
        self.past.hear(event)

    def keep(self) -> None:
        """Keep the run as it stands."""
        made = Snapshot(len(self.inputs), structs.replace(self.past, legs=()), self.engine.snapshot(), {})
        self.snapshot, self.rows = msgspec.msgpack.encode(made), copy.deepcopy(self.sink)

    def begins(self, wallet: Decimal) -> None:
        """What the account had when the run began is kept."""
        self.begun = wallet

    def play(self, script: Callable[[], Awaitable[None]]) -> None:
        """Run until the script is over, and then to the run's own end."""

        async def work() -> None:
            passing = asyncio.ensure_future(self.network.run())
            self.build()
            self.stop = asyncio.Event()
            self.running = asyncio.ensure_future(self.run.run(self.stop))
            await script()
            assert not self.running.done(), self.running
            self.stop.set()
            await self.running
            passing.cancel()

        in_virtual_time(work())

    def closed(self, s: int) -> list[Bar]:
        """The candles that a book was told."""
        return [event.bar for event in self.inputs if isinstance(event, BarClosed) and event.instrument == s]

    def controls(self) -> list[Control]:
        """What was said to the engine."""
        return [event for event in self.inputs if isinstance(event, Control)]

    def happened(self, what: str) -> int:
        """How often an event was told."""
        return sum(event.what == what for event in self.events)

    @property
    def lots(self) -> list[int]:
        """What the engine believes to hold, a book each."""
        return [int(seat.position.lots) for seat in self.engine.world.seats]

    @property
    def venue_lots(self) -> list[int]:
        """What the account at the venue holds, a symbol each."""
        return [int(one.lots) for one in self.network.usdm.exchange.perp.held[KEY.owner]]
