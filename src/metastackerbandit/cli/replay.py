"""`msb run`: paper trading, one input at a time, with a live view."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market
from metastackerbandit.domain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from metastackerbandit.cli.live import LiveView, PlainView
    from metastackerbandit.cli.session import Session
    from metastackerbandit.domain.inputs import Input
    from metastackerbandit.runtime.paper import Ended, Paper
    from metastackerbandit.runtime.predictor import Predictor
    from metastackerbandit.runtime.twin import Twinned
    from metastackerbandit.storage.run_record import RunRecord, State


@on_market()
def run(
    wanted: Wanted,
    replay: Annotated[bool, typer.Option("--replay", help="Trade a recorded market on paper.")] = False,
    train: Annotated[bool, typer.Option("--train", help="Train on the first 60 % of the recording, and trade the rest.")] = False,
    pace: Annotated[float | None, typer.Option("--pace", help="Candles a second; 0 is as fast as it goes.", show_default=False, min=0)] = None,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="Judge every gate on the days before first; while errors stand, nothing starts.")
    ] = False,
    twin: Annotated[bool, typer.Option("--twin", help="Look at every decision in a mirror; a one-sided engine alarms.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="One line an action instead of the live view.")] = False,
    venue: Annotated[str | None, typer.Option("--venue", help="Trade a live market on paper: loopback or binance.", show_default=False)] = None,
    span: Annotated[str | None, typer.Option("--for", metavar="3m", help="Stop after so long. [default: at Ctrl-C]", show_default=False)] = None,
    url: Annotated[str | None, typer.Option("--url", help="Another address of the venue.", show_default=False)] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Start the loopback exchange where none answers.")] = False,
    own: Annotated[bool, typer.Option("--own-broker", help="Fill orders here, on the venue's books, not at its account.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Orders to the account, with a real key; `msb unlock` must allow it.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Begin another run, whatever an earlier one may have left at the venue.")] = False,
    json: JsonFlag = False,
) -> None:
    """Trade on paper, one input at a time, with a live view; Ctrl-C stops in order."""
    with answering(json):
        if venue is not None:
            if replay or twin or pace is not None:
                raise UsageError(
                    "a live market has its own pace and no mirror", where="--venue", mend="leave out --replay, --twin and --pace, or --venue"
                )
            _live(wanted, venue, span, url, own=own, real=live, anew=anew, serve=serve, train=train, preflight=preflight, quiet=json, plain=plain)
            return
        if live:
            raise UsageError("a recording has no account", where="--live", mend="name the market: --venue binance --live")
        if not replay:
            mend = "--venue loopback trades a made market, --venue binance a real one, --replay a recorded one"
            raise UsageError("it is not said what to trade", where="msb run", mend=mend)
        if train:
            wanted = _trained_first(wanted, is_shown=not json)
        from metastackerbandit.cli.session import open_session

        paced = (*wanted.sets, *([f"run.pace={pace}"] if pace is not None else []))
        wanted = wanted._replace(sets=paced)
        if preflight:
            _judged_first(wanted, is_shown=not json)
        session = open_session(wanted)
        payload = replayed(session, quiet=json, plain=plain, twin=twin)
        tell(payload, "\n".join([run_text(payload), "", _funnel_text(session, payload["run"])]), json)


def _live(
    wanted: Wanted,
    venue: str,
    span: str | None,
    url: str | None,
    *,
    own: bool,
    real: bool,
    anew: bool,
    serve: bool,
    train: bool,
    preflight: bool,
    quiet: bool,
    plain: bool,
) -> None:
    """Trade a venue's live market: at an account of it where `real`, or where that is the loopback exchange's, else on paper."""
    import os

    from metastackerbandit.cli.first_run import prepared, served
    from metastackerbandit.cli.market_data import loaded_of
    from metastackerbandit.cli.record import seconds_of
    from metastackerbandit.cli.trading import Traded, traded_live
    from metastackerbandit.cli.venues import market_named, venue_named
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.config.writing import config_hash

    named, market = venue_named(venue), market_named(wanted.market or "perp")
    seconds, loaded = None if span is None else seconds_of(span, "--for"), loaded_of(wanted)
    config, home = loaded.config, home_folder(wanted.home, os.environ)
    if real:
        from metastackerbandit.cli.real_money import refuse_locked, refuse_words

        refuse_words(named, market, config.run.frames, is_own=own)
        refuse_locked(home, loaded, named, market, "msb run --live")
    is_alone = len(config.run.frames) == 1  # an account has one position a symbol, and each frame wants its own
    has_account = real or (named.is_made and market == "perp" and is_alone and not own)
    asked = Traded(
        named, market, url, seconds, quiet, plain, has_account, is_anew=anew, is_real=real, unlocked_hash=config_hash(config) if real else ""
    )
    with served(url, is_wanted=serve and named.is_made, is_shown=not quiet):
        if train or preflight:
            prepared(wanted, config, home, named, market, url, trains=train, judges=preflight, is_shown=not quiet)
        session, payload = traded_live(wanted, asked)
    tell(payload, "\n".join([run_text(payload), "", _funnel_text(session, payload["run"])]), quiet)


TRAINED_SHARE = 0.6  # of a recording that `run --train` learns from


def _trained_first(wanted: Wanted, *, is_shown: bool) -> Wanted:
    """Train on the first part of the recording, and ask for the rest of it: what is traded was never seen in training."""
    import sys
    from datetime import UTC, datetime

    from metastackerbandit.cli.market_data import opened
    from metastackerbandit.cli.train import page, trained
    from metastackerbandit.domain.timeframe import DAY_NS

    _, config, recording = opened(wanted)
    first = min(int(bars["opened_ns"][0]) for bars in recording.bars)
    last = max(int(bars["closed_ns"][-1]) for bars in recording.bars)
    split_ns = (first + int((last - first) * TRAINED_SHARE)) // DAY_NS * DAY_NS
    split = datetime.fromtimestamp(split_ns / 1e9, UTC).strftime("%Y-%m-%d")
    frames = ",".join(dict.fromkeys((*config.run.frames, *config.run.higher_frames)))
    told = trained(wanted._replace(until=split), frames, is_shown=is_shown)
    if is_shown:
        print(page(told), file=sys.stdout, flush=True)
    return wanted._replace(since=split)


def _judged_first(wanted: Wanted, *, is_shown: bool) -> None:
    """Judge every gate on the candles before the run; refuse the start while errors stand, and say so where there are no such candles."""
    import sys

    from metastackerbandit.cli.preflight import keep, preflight_of, preflight_text
    from metastackerbandit.cli.session import open_session
    from metastackerbandit.domain.errors import ConfigRefused, DataRefused

    if wanted.since is None:
        raise UsageError("there are no days before the run to judge gates on", where="--preflight", mend="say where the run begins with --since")
    before = wanted._replace(since=None, until=wanted.since)
    try:
        session = open_session(before)
    except DataRefused as error:
        raise UsageError(f"no candles before {wanted.since}: {error.what}", where="--preflight", mend="begin later, or leave it out") from error
    found = preflight_of(session, before)
    keep(session, found)
    if is_shown:
        print(preflight_text(found, session), file=sys.stdout, flush=True)
    if not found.is_ready:
        errors = [one.id for one in found.findings if one.is_error]
        raise ConfigRefused(
            f"preflight has {len(errors)} errors: {', '.join(errors)}", where="--preflight", mend="mend or waive them; `msb preflight` tells each"
        )


def replayed(session: Session, *, quiet: bool, plain: bool, twin: bool = False) -> dict[str, Any]:
    """Trade the session on paper, journaled as it happens; how it ended, in the shape of `msb run --json`."""
    from metastackerbandit.backtest.run import block_of
    from metastackerbandit.cli.session import record_of
    from metastackerbandit.cli.watched import cards_heard, labels_heard
    from metastackerbandit.evaluation.monitors.catalog import NAMES
    from metastackerbandit.runtime.paper import Paper
    from metastackerbandit.runtime.ports import SystemClock
    from metastackerbandit.runtime.twin import Twinned
    from metastackerbandit.runtime.watching import WatchedWriter, Watching, alarm_lines, with_pauses
    from metastackerbandit.simulation.broker import SimulatedBroker, open_venue
    from metastackerbandit.storage.journal import Journal

    plan, clock = session.plan, SystemClock()
    journal = Journal.open(session.home)
    record = record_of(session, "paper", "streaming", is_mirrored=twin)
    writer = journal.begin(record, clock.now_ns())
    raised: list[np.ndarray] = []

    def alarmed(rows: np.ndarray) -> None:
        writer.alarms(rows)
        raised.append(rows.copy())
        if view is not None:
            view.alarmed(alarm_lines(rows, record))

    payload: dict[str, Any] = {}
    state: State = "failed"
    try:
        view = None if quiet else view_of(session, record, writer.run, plain, len(block_of(session.fed).order) + _answers_due(session))
        watching = Watching(record, alarmed, labels_heard(session), cards_heard(session))
        venue = open_venue(plan.instruments, plan.costs, session.config.simulation)
        watched = WatchedWriter(writer, watching)
        watched.outcomes(session.past)
        looking = Twinned(plan, watching.beside, len(NAMES)) if twin else None
        paper = Paper(plan, SimulatedBroker(venue), watched, clock, view, looking)
        with _asked_to_stop() as stops, view or nullcontext():
            ended = paper.run(with_pauses(inputs_heard(session), watching), session.config.run.pace, lambda: bool(stops))
        payload = {
            "venue": plan.instruments[0].venue,
            "run": writer.run,
            "reconciliation_differences": _differences(session, paper, venue),
            **_told(session, record, paper, ended, raised, looking),
        }
        state = "stopped" if ended.stopped else "finished"
    finally:
        writer.finish(state, payload, clock.now_ns())
        journal.close()
    return payload


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """The signals that ask for an orderly end, as they come."""
    import signal

    stops: list[int] = []
    before = {sign: signal.signal(sign, lambda sign, _: stops.append(sign)) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stops
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def view_of(session: Session, record: RunRecord, run: int, plain: bool, total: int) -> LiveView | PlainView:
    """The live view on a terminal, else one line an action; `total` is how many inputs there will be, 0 where nobody knows."""
    from rich.console import Console

    from metastackerbandit.cli.live import LiveView, PlainView

    console = Console()
    if plain or not console.is_terminal:
        return PlainView(session.plan, print)
    title = (
        f"{'LIVE ACCOUNT · ' if record.mode == 'live' else ''}run {run} · {session.plan.arm} on {', '.join(session.plan.frames)} · {record.source}"
    )
    return LiveView(session.plan, title, record.notices, total, console, is_made=record.lineage == "simulated")


def _told(session: Session, record: RunRecord, paper: Paper, ended: Ended, alarms: list[np.ndarray], looking: Twinned | None) -> dict[str, Any]:
    """How a run ended."""
    import numpy as np

    from metastackerbandit.cli.mirrored import twin_json
    from metastackerbandit.evaluation.monitors.hearing import blank_alarms
    from metastackerbandit.runtime.watching import alarm_lines, alarm_summary

    raised = np.concatenate((blank_alarms(0), *alarms))
    return {
        "mode": "paper",
        "lineage": "recorded",
        "identity": record.identity,
        "seconds": round(ended.seconds, 3),
        "stopped": ended.stopped,
        **paper.summary(ended.inputs),
        "alarms": alarm_lines(raised, record),
        "alarm_summary": alarm_summary(raised, record),
        "twin": None if looking is None else twin_json(looking),
        "issues": [{"type": issue.kind, "severity": issue.severity, "where": issue.where, "what": issue.what} for issue in session.recording.issues],
        "notices": list(record.notices),
    }


def _answers_due(session: Session) -> int:
    """How many predictions the models will enter: one for each closed bar of each symbol and frame, and each book that hears it."""
    from metastackerbandit.domain.timeframe import frame_ns
    from metastackerbandit.market.frames import frame_bars

    recording = session.recording
    voices = session.opinions.voices if session.opinions else ()
    return sum(len(voice.hearers) * len(frame_bars(recording.bars[voice.place], recording.base_ns, frame_ns(voice.frame))) for voice in voices)


def inputs_heard(session: Session) -> Iterable[Input]:
    """The recording's inputs, with the models' answers between them where the run hears models; a scenario brings its own."""
    from metastackerbandit.backtest.run import block_of
    from metastackerbandit.backtest.warm_start import as_inputs
    from metastackerbandit.runtime.replay import Answered, inputs_of

    opinions = session.opinions
    if session.scenario is not None:
        predictions = session.predicted()
        return inputs_of(session.fed, block_of(session.fed, (), predictions).order, (), predictions)
    inputs = inputs_of(session.fed, block_of(session.fed).order, outcomes=as_inputs(session.past))
    if opinions is None:
        return inputs
    return Answered(inputs, predictor_of(session))


def inputs_before(session: Session) -> Iterable[Input]:
    """What was before a live run, without any answers."""
    from metastackerbandit.backtest.run import block_of
    from metastackerbandit.backtest.warm_start import as_inputs
    from metastackerbandit.runtime.replay import inputs_of

    return inputs_of(session.fed, block_of(session.fed).order, outcomes=as_inputs(session.past))


def predictor_of(session: Session, *, hears_book: bool = True) -> Predictor:
    """The models that the run hears, one bar at a time; those that learned without an order book are not to hear one (`hears_book`)."""
    from metastackerbandit.domain.label import label_spec
    from metastackerbandit.domain.timeframe import frame_ns
    from metastackerbandit.evaluation.volatility import VolatilityStream
    from metastackerbandit.features.stream import FeatureStream
    from metastackerbandit.runtime.predictor import Desk, Predictor

    recording, opinions, desks = session.recording, session.opinions, []
    if opinions is None:
        return Predictor(())
    for voice in opinions.voices:
        length, place = frame_ns(voice.frame), voice.place
        features = FeatureStream(
            length,
            has_volume=recording.has_volume[place],
            has_flow=bool(recording.has_flow) and recording.has_flow[place],
            has_funding=recording.funding[place] is not None,
            has_book=hears_book and recording.seconds_at(place) is not None,
        )
        volatility = VolatilityStream(label_spec(voice.frame))
        model = opinions.served(voice, session.config)
        desks.append(Desk.of(session.leader(place), voice.hearers, recording.base_ns, length, features, volatility, model))
    return Predictor(desks)


def _differences(session: Session, paper: Any, venue: Any) -> list[dict[str, Any]]:
    """Positions as the ledger of fills has them against those that the venue has."""
    return [
        {"symbol": instrument.symbol, "ours": int(paper.engine.world.seats[s].position.lots), "venue": int(venue.desks[s].position)}
        for s, instrument in enumerate(session.plan.instruments)
        if paper.engine.world.seats[s].position.lots != venue.desks[s].position
    ]


def _funnel_text(session: Session, run: int) -> str:
    """Where the run's signals ended."""
    from metastackerbandit.cli.funnel import counted_of
    from metastackerbandit.decision.funnel import funnel_text
    from metastackerbandit.decision.waterfall import waterfall_text
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.lookup import among_of

    with Journal.open(session.home, create=False) as journal:
        view = journal.run(str(run))
        counted = counted_of(view, among_of(view, None, None, None, None))
    return "\n".join([funnel_text(counted.found), "", waterfall_text(counted.falls)])


def run_text(payload: dict[str, Any]) -> str:
    """How a run ended, for a reader."""
    from metastackerbandit.cli.mirrored import twin_text

    ended = "stopped" if payload["stopped"] else "finished"
    counts = ", ".join(f"{payload[name]:,} {name.replace('_', ' ')}" for name in ("decisions", "orders", "fills", "round_trips"))
    lines = [
        f"run {payload['run']} {ended} after {payload['seconds']:.1f} s: {counts}, equity {payload['equity']:,.2f}",
        f"  reconciliation differences: {len(payload['reconciliation_differences'])}; data issues: {len(payload['issues'])}",
        "  `msb explain last` explains the last decision, `msb funnel` shows where signals end",
    ]
    lines += [f"  {line}" for line in (twin_text(payload["twin"]) if payload["twin"] is not None else ())]
    lines += [f"  alarm: {line}" for line in payload["alarm_summary"]]
    if payload["alarms"]:
        lines.append("  `msb monitors` tells what each monitor saw")
    return "\n".join(lines + [f"  note: {notice}" for notice in payload["notices"]])
