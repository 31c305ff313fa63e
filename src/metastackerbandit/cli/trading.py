"""`msb run --venue`: trading on a venue's live market, on paper or at an account, from its candles over REST to whoever stops it."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import deque
from contextlib import nullcontext
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec import Struct, structs

from metastackerbandit.cli.run_told import ended_payload, summary_of_run
from metastackerbandit.cli.venue_rate import at_rate
from metastackerbandit.cli.venues import Market, Venue
from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.domain.errors import ConfigRefused, NotFound
from metastackerbandit.domain.timeframe import MINUTE_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from metastackerbandit.cli.downloading import Practice
    from metastackerbandit.cli.session import Session
    from metastackerbandit.cli.taking_up import Standing
    from metastackerbandit.config.schema import Config
    from metastackerbandit.domain.inputs import Input, OrderReport
    from metastackerbandit.engine.engine import Engine
    from metastackerbandit.runtime.feed_desk import FeedDesk
    from metastackerbandit.runtime.history import Asked
    from metastackerbandit.runtime.live_run import LiveBroker, LiveRun
    from metastackerbandit.runtime.new_risk import Guard
    from metastackerbandit.runtime.recorder import Tally
    from metastackerbandit.runtime.recovery import Past
    from metastackerbandit.runtime.venue_clock import VenueClock
    from metastackerbandit.runtime.vitals import Vitals
    from metastackerbandit.storage.input_log import InputLog, LegLog
    from metastackerbandit.storage.journal import Journal, RunWriter
    from metastackerbandit.storage.run_record import RunRecord, State


MOST_BASE_NS = 5 * MINUTE_NS  # longer frames are made of candles of this length, as they are in training


class Traded(Struct, frozen=True):
    """How a live run was asked for; `seconds` None: until it is stopped."""

    venue: Venue
    market: Market
    url: str | None
    seconds: float | None
    is_quiet: bool
    is_plain: bool
    has_account: bool  # orders go to an account at the venue, not to a paper broker of ours
    is_anew: bool = False  # whatever an earlier run may hold
    leaves: int = 0  # the run that is taken up only to leave what it holds
    served: str = ""  # what a loopback exchange serves, in its word
    is_real: bool = False  # the account's money is treated as real: its own key, hard limits, an unlock
    unlocked_hash: str = ""  # the configuration that the unlock is for


def traded_live(wanted: Wanted, asked: Traded) -> tuple[Session, dict[str, Any]]:
    """Trade on paper, journaled as it happens; the session, and how it ended in the shape of `msb run --json`."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_traded(wanted, asked))


async def _traded(wanted: Wanted, asked: Traded) -> tuple[Session, dict[str, Any]]:
    from metastackerbandit.cli.account_key import refuse_unsound
    from metastackerbandit.cli.downloading import asked_of, practice_there, time_there
    from metastackerbandit.cli.market_data import loaded_of
    from metastackerbandit.exchanges.transport.aiohttp_rest import AiohttpRest
    from metastackerbandit.runtime.history import venue_time
    from metastackerbandit.runtime.ports import LoopClock
    from metastackerbandit.runtime.recorder import Tally
    from metastackerbandit.runtime.venue_clock import VenueClock

    config, events, wall = loaded_of(wanted).config, Tally(), LoopClock()
    async with AiohttpRest(config.transport, wall.now_ns) as rest:
        history = asked_of(config, asked.venue, asked.market, rest, asked.url)
        await time_there(history, asked.venue)
        clock = VenueClock(lambda: venue_time(history), wall, config.orders, events, asked.venue.name)
        await clock.measure()
        if asked.is_real:
            await refuse_unsound(asked.venue, asked.market, config, asked.url, rest, is_real=True)
        wanted = wanted._replace(sets=(*wanted.sets, *at_rate(config, clock.venue_ms(1_000.0) / 1_000.0)))
        there = await practice_there(asked.venue, asked.market, history)
        asked = structs.replace(asked, served=there.serves)
        session = await _session(wanted, asked, config, history, clock, there)
        return session, await _run(session, asked, rest, clock, events, there.at)


_MOST_ALARMS = 1_000  # batches that a run's answer lists, the newest; the journal has all
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # a terminal that is closed ends a run in order, too


def base_of(config: Config) -> int:
    """Length (ns) of the candles that a run's frames are made of."""
    from metastackerbandit.domain.timeframe import frame_ns

    return min(MOST_BASE_NS, *(frame_ns(frame) for frame in config.run.frames))


async def _session(wanted: Wanted, asked: Traded, config: Config, history: Asked, clock: VenueClock, there: Practice) -> Session:
    """The newest candles of every symbol into the store, and the session over them; what the venue serves where it is the loopback exchange."""
    import os

    from metastackerbandit.cli.downloading import forget_other_market, keep_past
    from metastackerbandit.cli.session import open_live
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.runtime.history import venue_instruments
    from metastackerbandit.storage.store import leaf_folder

    home = home_folder(wanted.home, os.environ)
    base_ns = base_of(config)
    folder = leaf_folder(home, asked.venue.name, asked.market, base_ns)
    symbols = config.run.symbols or tuple(path.stem for path in sorted(folder.glob("*.parquet")))
    if not symbols and not asked.venue.is_made:
        raise ConfigRefused("no symbols are named", where="run.symbols", mend="name some: --symbols BTCUSDT,ETHUSDT")
    to_ns = clock.now_ns() // base_ns * base_ns
    from_ns = to_ns - config.live_run.history_bars * base_ns
    forget_other_market(home, asked.venue, asked.market, there)
    found = await venue_instruments(history, symbols)
    for one in found:
        await keep_past(home, history, asked.venue, one, base_ns, from_ns, to_ns, lambda progress: None)
    named = wanted._replace(data=folder, symbols=",".join(one.symbol for one in found), market=asked.market)
    return open_live(named, from_ns)


async def _run(session: Session, asked: Traded, rest: Any, clock: VenueClock, events: Tally, at: str) -> dict[str, Any]:
    """Journal, wire and trade."""
    from metastackerbandit.cli.first_run import say
    from metastackerbandit.cli.session import record_of
    from metastackerbandit.cli.taking_up import standing
    from metastackerbandit.cli.who import who
    from metastackerbandit.runtime.event_log import EventLog, event_log_path
    from metastackerbandit.storage.audit_log import keep_audit
    from metastackerbandit.storage.input_log import InputLog, LegLog, Place, input_log_path, leg_log_path, place_path, plan_path
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.whole_files import write_whole

    journal = Journal.open(session.home)
    record = _recorded_as(record_of(session, "live" if asked.is_real else "paper", "streaming"), asked)
    place = Place(at, asked.has_account)
    former = None if asked.is_anew else standing(journal, session, record, place, asked.leaves)
    if asked.leaves and former is None:
        mend = "begin another run: nothing of that one is there"
        raise NotFound(f"run {asked.leaves} cannot be taken up: its exchange or its log is gone", where="msb flatten", mend=mend)
    writer = journal.begin(record, time.time_ns()) if former is None else journal.take_up(former.view.row.run, time.time_ns())
    payload: dict[str, Any] = {}
    state: State = "failed"
    try:
        if former is not None:
            record, session = former.view.row, structs.replace(session, plan=former.plan)
            say(f"taking up run {writer.run}, which was not ended or left its positions", not asked.is_quiet)
        else:
            write_whole(plan_path(session.home, writer.run), msgspec.json.encode(session.plan))
            write_whole(place_path(session.home, writer.run), msgspec.json.encode(place))
        if asked.is_real and not asked.leaves:
            keep_audit(session.home, time.time_ns(), who(), "live", f"run {writer.run} trades the account at {record.source}")
        log, legs = InputLog(input_log_path(session.home, writer.run)), LegLog(leg_log_path(session.home, writer.run))
        kept = EventLog(event_log_path(session.home, writer.run))
        events.keep = kept.append
        try:
            guard = _guard(session, asked, journal, writer.run, clock)
            payload = await _traded_until(session, asked, rest, clock, events, record, writer, log, legs, former, guard)
            state = "stopped" if payload["stopped"] else "finished"
        finally:
            events.keep = None
            for one in (log, legs, kept):
                one.close()
    finally:
        writer.finish(state, payload, time.time_ns())
        journal.close()
    return payload


async def _traded_until(
    session: Session,
    asked: Traded,
    rest: Any,
    clock: VenueClock,
    events: Tally,
    record: RunRecord,
    writer: RunWriter,
    log: InputLog,
    legs: LegLog,
    former: Standing | None,
    guard: Callable[[Engine], Guard],
) -> dict[str, Any]:
    """Wire everything, hear what was before, and trade until the time is over or somebody stops it."""
    from metastackerbandit.cli.account_key import credentials_of
    from metastackerbandit.cli.control import answers_of
    from metastackerbandit.cli.replay import inputs_before, predictor_of, view_of
    from metastackerbandit.cli.run_vitals import vitals_of
    from metastackerbandit.cli.taking_up import replayed, restored
    from metastackerbandit.cli.venues import endpoints_of
    from metastackerbandit.cli.watched import cards_heard
    from metastackerbandit.engine.engine import Engine
    from metastackerbandit.engine.plan import deposit_row
    from metastackerbandit.exchanges.transport.picows_socket import PicowsConnector
    from metastackerbandit.runtime.account_broker import AccountBroker
    from metastackerbandit.runtime.control_door import ControlDoor
    from metastackerbandit.runtime.from_now_on import FromNowOn
    from metastackerbandit.runtime.live_account import LiveAccountSettings
    from metastackerbandit.runtime.live_feed import FeedSettings, World
    from metastackerbandit.runtime.live_run import LiveRun, Wiring
    from metastackerbandit.runtime.paper_broker import PaperBroker
    from metastackerbandit.runtime.ports import LoopClock
    from metastackerbandit.runtime.recovery import Noting, past_of
    from metastackerbandit.runtime.replay import Driver
    from metastackerbandit.runtime.watching import WatchedWriter, Watching, alarm_lines
    from metastackerbandit.storage.input_log import place_kept, place_path
    from metastackerbandit.storage.journal_again import JournalAgain
    from metastackerbandit.storage.raw_log import RawLog
    from metastackerbandit.storage.whole_files import write_whole

    config, plan = session.config, session.plan
    view = None if asked.is_quiet else view_of(session, record, writer.run, asked.is_plain, 0)
    raised: deque[np.ndarray] = deque(maxlen=_MOST_ALARMS)

    def alarmed(rows: np.ndarray) -> None:
        kept.alarms(rows)
        raised.append(rows.copy())
        if view is not None:
            view.alarmed(alarm_lines(rows, record))

    engine = Engine(plan)
    snapshot = None if former is None else restored(former, session.home, engine)
    kept = writer if former is None else JournalAgain(writer, former.view, None if snapshot is None else snapshot.rows)
    watching = Watching(record, alarmed, {}, cards_heard(session))
    watched = WatchedWriter(kept, watching)
    if snapshot is None:
        watched.ledger(deposit_row(plan))
    sink = FromNowOn(watched)
    raw = RawLog(session.home / "raw" / f"run={writer.run}", config.raw_log)
    try:
        world = World(PicowsConnector(config.transport, clock.now_ns), rest, VenueTimes(clock), random.Random(), raw)
        hosts = endpoints_of(asked.venue, config, asked.url)
        feed = FeedSettings(config.live, config.backoff, config.quality, config.transport, hosts, config.health)

        def broker(desk: FeedDesk, deliver: Callable[[OrderReport], None]) -> LiveBroker:
            if not asked.has_account:
                return PaperBroker(plan, desk, config.simulation, deliver)
            wall = LoopClock()
            own = World(PicowsConnector(config.transport, wall.now_ns), rest, wall, random.Random(), raw)
            tables = LiveAccountSettings(config.orders, config.live, config.backoff, feed.endpoints)
            run_id = f"{record.identity} {writer.run}"
            begun = Decimal(former.place.wallet) if former is not None and former.place.wallet else None
            told = deliver, events, clock.now_ns(), legs.append
            key = credentials_of(asked.venue, config, is_real=asked.is_real)
            return AccountBroker(plan, asked.venue.codec, run_id, key, own, tables, *told, begun, begins, guard(engine))

        predictor = predictor_of(session, hears_book=False) if session.opinions and not asked.leaves else None
        past = past_of(plan) if former is None else replayed(former, snapshot, session.home, engine, sink, predictor, sink.open)
        if isinstance(kept, JournalAgain):
            kept.check()

        def logged(event: Input) -> None:
            log.append(event)
            past.hear(event)

        def begins(wallet: Decimal) -> None:
            found = place_kept(session.home, writer.run)
            assert found is not None
            write_whole(place_path(session.home, writer.run), msgspec.json.encode(structs.replace(found, wallet=str(wallet))))

        wiring = Wiring(
            broker=broker,
            driver=lambda made: Driver(engine, Noting(made, past.intents), sink, sink.watched_by(view.decided if view is not None else None), logged),
            predictor=predictor,
            tell=events,
            watch=lambda event, taken: view.moved(event, engine, taken) if view is not None and sink.is_open else None,
            asks_pause=watching.asks_pause,
            upkeep=(config.upkeep_worker, config.upkeep),
        )
        instruments = [structs.replace(one, venue=asked.venue.codec) for one in session.recording.instruments]
        ends = structs.replace(config.live_run, at_end="flatten") if asked.leaves else config.live_run
        run = LiveRun(plan, instruments, world, feed, config.bars, ends, wiring)
        vitals = vitals_of(session.home, writer.run, run, raw, clock)
        began = time.monotonic()
        with view or nullcontext():
            if former is not None:
                run.take_up(past, inputs_before(session), session.recording.bars, clock.now_ns(), is_paused=former.is_paused or bool(asked.leaves))
            else:
                run.warm(inputs_before(session), session.recording.bars, clock.now_ns())
                past.warmed = run.warmed
                sink.open()
            taken = snapshots(session.home, writer, log, engine, past, config.live_run.snapshot_s)
            door = ControlDoor(session.home, answers_of(session.home, run, engine, writer.run))
            await door.open()
            try:
                stopped = await _until_over(run, asked.seconds, clock, writer, config, engine, vitals, taken)
            finally:
                await door.close()
    finally:
        raw.close()
    ended = ended_payload(asked, record, writer, run, events, raised, time.monotonic() - began, stopped)
    return ended | {"vitals": vitals.measured() | {"whole": vitals.whole()}}


async def snapshots(home: Path, writer: RunWriter, log: InputLog, engine: Engine, past: Past, every_s: float) -> None:
    """Keep the run as it stands, from time to time, until cancelled; another thread brings it to the disk."""
    from metastackerbandit.runtime.recovery import Snapshot
    from metastackerbandit.storage.input_log import snapshot_path
    from metastackerbandit.storage.whole_files import write_whole

    while True:
        await asyncio.sleep(every_s)
        writer.flush()
        made = Snapshot(log.end, structs.replace(past, legs=()), engine.snapshot(), writer.counts())
        await asyncio.to_thread(write_whole, snapshot_path(home, writer.run), msgspec.msgpack.encode(made))


class VenueTimes:
    """The venue's time, and waits in our own: ages count as the venue sees them, patience as we live it."""

    def __init__(self, clock: VenueClock) -> None:
        self._clock = clock

    def now_ns(self) -> int:
        """UTC ns by the venue's clock."""
        return self._clock.now_ns()

    async def sleep(self, seconds: float) -> None:
        """Let so many of our seconds pass."""
        await asyncio.sleep(seconds)


async def _until_over(
    run: LiveRun,
    seconds: float | None,
    clock: VenueClock,
    writer: RunWriter,
    config: Config,
    engine: Any,
    vitals: Vitals,
    *works: Coroutine[Any, Any, None],
) -> bool:
    """Run, with a heartbeat and other works beside it, for so long, or until a signal; whether a signal ended it."""
    from metastackerbandit.runtime.lags import probe

    stop, loop, signals = asyncio.Event(), asyncio.get_running_loop(), []

    def asked_to(name: int) -> None:
        signals.append(name)
        stop.set()

    for name in _ENDS:
        loop.add_signal_handler(name, asked_to, name)
    timer = loop.call_later(seconds, stop.set) if seconds is not None else None

    async def beat() -> None:
        while True:
            writer.heartbeat(time.time_ns(), {**summary_of_run(run, engine), "vitals": vitals.measured()})
            await asyncio.sleep(config.live_run.heartbeat_s)

    beside = [asyncio.ensure_future(work) for work in (beat(), clock.run(), probe(run.lags, config.live_run.probe_s), *works)]
    for task in beside:
        task.add_done_callback(lambda _: stop.set())  # a journal that cannot be written to is not traded past
    try:
        await run.run(stop)
    finally:
        if timer is not None:
            timer.cancel()
        for task in beside:
            task.cancel()
        ends = await asyncio.gather(*beside, return_exceptions=True)
        for name in _ENDS:
            loop.remove_signal_handler(name)
    for end in ends:
        if isinstance(end, Exception):
            raise end
    return bool(signals)


def _guard(session: Session, asked: Traded, journal: Journal, run: int, clock: VenueClock) -> Callable[[Engine], Guard]:
    """What is asked about each order of new risk, by the run's engine: nothing where no real money is traded."""
    from metastackerbandit.cli.real_money import day_before, guard_of
    from metastackerbandit.runtime.new_risk import NO_GUARD

    if not asked.is_real:
        return lambda engine: NO_GUARD
    before = day_before(journal, run, clock.now_ns())
    where = asked.venue, asked.market
    return guard_of(session.home, session.config, session.plan, *where, asked.unlocked_hash, before, leaves=bool(asked.leaves))


def _recorded_as(record: RunRecord, asked: Traded) -> RunRecord:
    """The run's record with where its market comes from."""
    lineage = "simulated" if asked.venue.is_made else "recorded"
    return structs.replace(record, source=f"{asked.venue.name} {asked.market}, {asked.served or 'live'}", lineage=lineage)
