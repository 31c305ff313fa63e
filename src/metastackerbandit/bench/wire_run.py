"""Our side of `msb bench wire`: a live run as `msb run` wires it, on the exchange at a fixed pace, with the times of its orders on their way.

Everything that a run does is done: frames into the raw log, inputs into the input log, rows into the journal, monitors beside it, a heartbeat a
second. What is added are stamps of the machine's monotonic clock, which the exchange's process shares.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from msgspec import Struct, structs

from metastackerbandit.backtest.run import block_of
from metastackerbandit.bench import machine
from metastackerbandit.bench.wire_exchange import KEY, symbol_of
from metastackerbandit.config.loading import load
from metastackerbandit.config.schema import Config
from metastackerbandit.config.writing import config_hash, config_text
from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.plan import Plan, deposit_row, plan_of
from metastackerbandit.evaluation.monitors.catalog import NAMES
from metastackerbandit.exchanges.catalog import orders_of, streams_of
from metastackerbandit.exchanges.credentials import Credentials, Secret
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.transport.aiohttp_rest import AiohttpRest
from metastackerbandit.exchanges.transport.picows_socket import PicowsConnector
from metastackerbandit.exchanges.transport.ports import Closed, Connection, Connector, Listener
from metastackerbandit.execution.client_ids import client_id, run_mark
from metastackerbandit.runtime.account_broker import AccountBroker
from metastackerbandit.runtime.feed_desk import FeedDesk
from metastackerbandit.runtime.history import Asked, past_candles, venue_instruments
from metastackerbandit.runtime.live_account import LiveAccountSettings
from metastackerbandit.runtime.live_feed import FeedSettings, World
from metastackerbandit.runtime.live_run import LiveBroker, LiveRun, Wiring
from metastackerbandit.runtime.paper import summary_of
from metastackerbandit.runtime.ports import LoopClock
from metastackerbandit.runtime.recorder import Tally
from metastackerbandit.runtime.replay import Driver, inputs_of
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.watching import WatchedWriter, Watching
from metastackerbandit.runtime.weight_budget import WeightBudget
from metastackerbandit.stacking.names import ARM_NAMES
from metastackerbandit.storage.input_log import InputLog, LegLog, input_log_path, leg_log_path
from metastackerbandit.storage.journal import Journal, RunWriter
from metastackerbandit.storage.raw_log import RawLog
from metastackerbandit.storage.run_record import RunRecord, words_of

FRAME = "1s"
HISTORY_S = 100  # candles of a second that are heard before
CHANGES = (
    "bars.grace_s=0",  # a second closes with the first trade behind it, and that frame decides
    "live_run.look_s=10",  # not by the clock
    "live.snapshot_levels=100",  # so that all books are live at once: deeper ones are fetched over minutes, within the venue's budget
    "arms.sma_cross.fast=1",  # with the last change of price
    "arms.sma_cross.slow=2",
    "orders.order_share=0.95",  # of the 50 in 10 s: the market asks for 30, and a run's beginning for 10
    "exits.stop_bps=0",
    "exits.target_bps=0",
    "sizing.mode=quantity",
    "sizing.quantity=1",
    "sizing.correlation_weight=0",
    "account.deposit=100000",
    "risk.max_loss_streak=1000",
    "costs.taker_fee_bps=0",
)


class Sent(Struct, frozen=True):
    """An order that a frame led to: its client id, and when the frame was received, decided on, and the request handed to its socket (ns)."""

    name: str
    received_ns: int
    decided_ns: int
    handed_ns: int


class Stamps:
    """Times of orders on their way. `received_ns` is that of the market's frame that is being taken, 0 for none."""

    def __init__(self) -> None:
        self.received_ns = 0
        self.decided: dict[tuple[int, int], tuple[int, int]] = {}  # (decision, order) -> the frame received, the order asked for
        self.handed: dict[str, int] = {}  # by client id

    def sent(self, mark: str) -> list[Sent]:
        """Orders that were decided on at a frame and left."""
        named = ((client_id(mark, *numbers, 0), *times) for numbers, times in self.decided.items())
        return [Sent(name, received_ns, decided_ns, self.handed[name]) for name, received_ns, decided_ns in named if name in self.handed]

    def traces(self) -> aiohttp.TraceConfig:
        """What stamps requests for new orders as their first bytes go to the socket."""
        made = aiohttp.TraceConfig()

        async def leaves(session: aiohttp.ClientSession, context: Any, told: aiohttp.TraceRequestHeadersSentParams) -> None:
            name = told.url.query.get("newClientOrderId")
            if name is not None and told.method == "POST":
                self.handed[name] = time.monotonic_ns()

        made.on_request_headers_sent.append(leaves)
        return made


class StampedConnector:
    """A connector whose frames are stamped as they come."""

    def __init__(self, inner: Connector, stamps: Stamps) -> None:
        self._inner, self._stamps = inner, stamps

    async def connect(self, url: str, listener: Listener) -> Connection:
        """Open a connection."""
        return await self._inner.connect(url, _StampedListener(listener, self._stamps))


class _StampedListener:
    def __init__(self, inner: Listener, stamps: Stamps) -> None:
        self._inner, self._stamps = inner, stamps

    def opened(self, at_ns: int) -> None:
        self._inner.opened(at_ns)

    def heard(self, frame: bytes, received_ns: int) -> None:
        self._stamps.received_ns = time.monotonic_ns()
        self._inner.heard(frame, received_ns)
        self._stamps.received_ns = 0

    def ponged(self, payload: bytes, received_ns: int) -> None:
        self._inner.ponged(payload, received_ns)

    def ended(self, how: Closed) -> None:
        self._inner.ended(how)

    def failed(self, error: BaseException) -> None:
        self._inner.failed(error)


class StampedBroker(AccountBroker):
    """The account's broker, which notes when it is asked for an order."""

    stamps: Stamps

    def act(self, effect: SubmitOrder | CancelOrder | AmendOrder) -> list[OrderReport]:
        """Send."""
        if isinstance(effect, SubmitOrder) and self.stamps.received_ns:
            self.stamps.decided[effect.decision, effect.order] = self.stamps.received_ns, time.monotonic_ns()
        return super().act(effect)


def settings_of(symbols: int) -> Config:
    """The configuration of the run: what is not in CHANGES is as shipped."""
    listed = tuple(symbol_of(n) for n in range(symbols))
    return load([], {}, CHANGES, {"run.symbols": listed, "run.frames": (FRAME,), "run.arm": "sma_cross"}).config


def traded(port: int, symbols: int, seconds: float) -> tuple[list[Sent], dict[str, int]]:
    """Trade for so long; the orders that frames led to, and how often each event of the feed and the account happened."""
    import uvloop

    with TemporaryDirectory(prefix="msb-wire-") as home, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_traded(port, symbols, seconds, Path(home)))


async def _traded(port: int, symbols: int, seconds: float, home: Path) -> tuple[list[Sent], dict[str, int]]:
    config, clock, stamps, events = settings_of(symbols), LoopClock(), Stamps(), Tally()
    rest, socket = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    endpoints = EndpointSettings(binance_spot_rest=rest, binance_spot_stream=socket, binance_spot_socket=socket)
    async with AiohttpRest(config.transport, clock.now_ns, traces=[stamps.traces()]) as client:
        recording = await _heard_before(config, endpoints, client)
        plan = plan_of(recording, (FRAME,), config.run.arm, config.engine())
        record = _record_of(config, plan)
        journal = Journal.open(home)
        writer = journal.begin(record, time.time_ns())
        log, raw = InputLog(input_log_path(home, writer.run)), RawLog(home / "raw", config.raw_log)
        legs = LegLog(leg_log_path(home, writer.run))
        world = World(StampedConnector(PicowsConnector(config.transport, clock.now_ns), stamps), client, clock, random.Random(), raw)
        feed = FeedSettings(config.live, config.backoff, config.quality, config.transport, endpoints)
        watching = Watching(record, writer.alarms)
        sink, engine, run_id = WatchedWriter(writer, watching), Engine(plan), f"{record.identity} {writer.run}"
        sink.ledger(deposit_row(plan))

        def broker(desk: FeedDesk, deliver: Callable[[OrderReport], None]) -> LiveBroker:
            own = structs.replace(world, connector=PicowsConnector(config.transport, clock.now_ns))
            tables = LiveAccountSettings(config.orders, config.live, config.backoff, endpoints)
            key = Credentials(KEY.api_key, Secret(KEY.secret))
            made = StampedBroker(plan, "BINANCE", run_id, key, own, tables, deliver, events, clock.now_ns(), legs.append)
            made.stamps = stamps
            return made

        wiring = Wiring(
            broker=broker,
            driver=lambda made: Driver(engine, made, sink, log=log.append),
            predictor=None,
            tell=events,
            watch=lambda event, taken: None,
            asks_pause=watching.asks_pause,
        )
        run = LiveRun(plan, recording.instruments, world, feed, config.bars, config.live_run, wiring)
        run.warm(inputs_of(recording, block_of(recording).order), recording.bars, clock.now_ns())
        try:
            await _until(run, engine, writer, config, seconds)
        finally:
            log.close()
            legs.close()
            raw.close()
            writer.finish("finished", {}, time.time_ns())
            journal.close()
    return stamps.sent(run_mark(run_id)), events.happened


async def _heard_before(config: Config, endpoints: EndpointSettings, client: AiohttpRest) -> Recording:
    """The newest candles of every symbol, and its rules, as the exchange tells them."""
    clock, streams = LoopClock(), streams_of("BINANCE", "spot")
    desk = RestDesk(client, WeightBudget(streams.limits, config.live.weight_share), clock)
    asked = Asked(streams, orders_of("BINANCE", "spot"), endpoints, desk, clock, random.Random(), config.backoff, tries=3)
    found = await venue_instruments(asked, config.run.symbols)
    to_ns = clock.now_ns() // SECOND_NS * SECOND_NS
    bars = []
    for one in found:
        own = await past_candles(asked, one, FRAME, to_ns - HISTORY_S * SECOND_NS, to_ns, lambda progress: None)
        own["known_ns"] = own["closed_ns"]
        bars.append(own)
    count = len(found)
    books = tuple(rows(SecondRow, 0) for _ in found)
    return Recording(found, SECOND_NS, tuple(bars), (None,) * count, (True,) * count, "bench wire", "", seconds=books)


def _record_of(config: Config, plan: Plan) -> RunRecord:
    """The run as the journal knows it."""
    return RunRecord(
        identity=f"bench wire {time.time_ns()}",
        mode="paper",
        driver="streaming",
        config_hash=config_hash(config),
        config=config_text(config),
        code=machine.code(),
        instruments=plan.instruments,
        frames=(SECOND_NS,) * len(plan.books),
        base_ns=SECOND_NS,
        frame_ns=SECOND_NS,
        arm=plan.arm,
        source="bench wire",
        digest="",
        gates=words_of(GATES),
        lineage="simulated",
        monitors=NAMES,
        arms=ARM_NAMES,
    )


async def _until(run: LiveRun, engine: Engine, writer: RunWriter, config: Config, seconds: float) -> None:
    """Run for so long, with a heartbeat."""
    stop = asyncio.Event()

    async def beat() -> None:
        while True:
            writer.heartbeat(time.time_ns(), summary_of(engine, run.trader.taken))
            await asyncio.sleep(config.live_run.heartbeat_s)

    beating = asyncio.ensure_future(beat())
    asyncio.get_running_loop().call_later(seconds, stop.set)
    try:
        await run.run(stop)
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
