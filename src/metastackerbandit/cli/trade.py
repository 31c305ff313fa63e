"""The verbs that trade on recorded markets: backtest, run --replay, diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, SetFlags, answering, tell
from metastackerbandit.domain.errors import MsbError, UsageError

if TYPE_CHECKING:
    from metastackerbandit.cli.session import Session, Wanted
    from metastackerbandit.domain.sink import Kept
    from metastackerbandit.storage.run_view import RunView

DataFlag = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Folder of candles named by symbol.", show_default=False)]
SymbolsFlag = Annotated[str | None, typer.Option("--symbols", metavar="A,B", help="Symbols. [default: all of the folder]", show_default=False)]
FrameFlag = Annotated[str | None, typer.Option("--frame", metavar="5m", help="Bar size of decisions.", show_default=False)]
ArmFlag = Annotated[str | None, typer.Option("--arm", metavar="NAME", help="Rule arm.", show_default=False)]
MarketFlag = Annotated[str | None, typer.Option("--market", metavar="spot|perp", help="When the folder's name does not say.", show_default=False)]
RulesFlag = Annotated[Path | None, typer.Option("--instruments", metavar="FILE", help="Instrument rules (TOML).", show_default=False)]
FundingFlag = Annotated[Path | None, typer.Option("--funding", metavar="FOLDER", help="Funding series named by symbol.", show_default=False)]
SinceFlag = Annotated[str | None, typer.Option("--since", metavar="TIME", help="First candle, UTC.", show_default=False)]
UntilFlag = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Last candle closes by, UTC.", show_default=False)]


def _wanted(sets: list[str] | None, **flags: Any) -> Wanted:
    from metastackerbandit.cli.session import Wanted

    return Wanted(sets=tuple(sets or ()), **flags)


def backtest(
    data: DataFlag = None,
    symbols: SymbolsFlag = None,
    frame: FrameFlag = None,
    arm: ArmFlag = None,
    market: MarketFlag = None,
    instruments: RulesFlag = None,
    funding: FundingFlag = None,
    since: SinceFlag = None,
    until: UntilFlag = None,
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Run a rule arm over recorded candles at full speed; every decision is journaled."""
    with answering(json):
        from metastackerbandit.cli.session import open_session

        session = open_session(
            _wanted(
                sets,
                home=home,
                data=data,
                symbols=symbols,
                frame=frame,
                arm=arm,
                market=market,
                instruments=instruments,
                funding=funding,
                since=since,
                until=until,
            )
        )
        payload = _backtested(session)
        tell(payload, _backtest_text(payload, session), json)


def _backtested(session: Session) -> dict[str, Any]:
    import time

    from metastackerbandit.backtest.report import as_json, baselines, report_of
    from metastackerbandit.backtest.run import block_of, run
    from metastackerbandit.cli.session import record_of
    from metastackerbandit.domain.sink import MemorySink, Tee
    from metastackerbandit.storage.journal import Journal

    plan, recording, simulation = session.plan, session.recording, session.config.simulation
    block = block_of(recording)
    journal = Journal.open(session.home)
    record = record_of(session, "backtest", "block")
    writer = journal.begin(record, time.time_ns())
    memory = MemorySink()
    payload: dict[str, Any] = {}
    state: Any = "failed"
    try:
        result = run(plan, block, simulation, Tee(writer, memory))
        account = result.world.account[0]
        report = report_of(plan, memory.kept(), int(account.cash + account.marked))
        payload = as_json(plan, recording, report, result.counts, baselines(plan, block, simulation))
        payload |= {"run": writer.run, "identity": record.identity, "fill": simulation.fill, "source": recording.source}
        payload |= {"notices": list(record.notices), "from_ns": _first_ns(session), "to_ns": _last_ns(session)}
        state = "finished"
    finally:
        writer.finish(state, payload, time.time_ns())
        journal.close()
    return payload


def run(
    replay: Annotated[bool, typer.Option("--replay", help="Trade a recorded market on paper.")] = False,
    data: DataFlag = None,
    symbols: SymbolsFlag = None,
    frame: FrameFlag = None,
    arm: ArmFlag = None,
    market: MarketFlag = None,
    instruments: RulesFlag = None,
    funding: FundingFlag = None,
    since: SinceFlag = None,
    until: UntilFlag = None,
    pace: Annotated[float | None, typer.Option("--pace", help="Candles a second; 0 is as fast as it goes.", show_default=False, min=0)] = None,
    plain: Annotated[bool, typer.Option("--plain", help="One line an action instead of the live view.")] = False,
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Trade on paper, one input at a time, with a live view; Ctrl-C stops in order."""
    with answering(json):
        if not replay:
            raise UsageError("there is no live market to trade yet", where="msb run", mend="add --replay to trade a recorded market on paper")
        from metastackerbandit.cli.session import open_session

        extra = [f"run.pace={pace}"] if pace is not None else []
        session = open_session(
            _wanted(
                [*(sets or ()), *extra],
                home=home,
                data=data,
                symbols=symbols,
                frame=frame,
                arm=arm,
                market=market,
                instruments=instruments,
                funding=funding,
                since=since,
                until=until,
            )
        )
        payload = _replayed(session, quiet=json, plain=plain)
        tell(payload, _run_text(payload), json)


def _replayed(session: Session, *, quiet: bool, plain: bool) -> dict[str, Any]:
    import signal
    import sys

    from rich.console import Console

    from metastackerbandit.backtest.run import block_of
    from metastackerbandit.cli.live import LiveView, PlainView
    from metastackerbandit.cli.session import record_of
    from metastackerbandit.runtime.paper import Paper
    from metastackerbandit.runtime.ports import SystemClock
    from metastackerbandit.runtime.replay import inputs_of
    from metastackerbandit.simulation.broker import SimulatedBroker, open_venue
    from metastackerbandit.storage.journal import Journal

    plan, recording, config = session.plan, session.recording, session.config
    order = block_of(recording).order
    clock = SystemClock()
    journal = Journal.open(session.home)
    record = record_of(session, "paper", "streaming")
    writer = journal.begin(record, clock.now_ns())
    stops: list[int] = []
    before = {sign: signal.signal(sign, lambda sign, _: stops.append(sign)) for sign in (signal.SIGINT, signal.SIGTERM)}
    venue = open_venue(plan.instruments, plan.settings.costs, config.simulation)
    watcher: Any = None
    console = Console()
    if not quiet:
        title = f"run {writer.run} · {plan.arm} on {plan.frame} · {recording.source}"
        lively = console.is_terminal and not plain
        watcher = LiveView(plan, title, record.notices, len(order), console) if lively else PlainView(plan, lambda line: print(line, file=sys.stdout))
    payload: dict[str, Any] = {}
    state: Any = "failed"
    try:
        paper = Paper(plan, SimulatedBroker(venue), writer, clock, watcher)
        if isinstance(watcher, LiveView):
            with watcher:
                ended = paper.run(inputs_of(recording, order), config.run.pace, lambda: bool(stops))
        else:
            ended = paper.run(inputs_of(recording, order), config.run.pace, lambda: bool(stops))
        payload = {
            "venue": plan.instruments[0].venue,
            "mode": "paper",
            "lineage": "recorded",
            "run": writer.run,
            "identity": record.identity,
            "seconds": round(ended.seconds, 3),
            "stopped": ended.stopped,
            **paper.summary(ended.inputs),
            "reconciliation_differences": _differences(session, paper, venue),
            "issues": [{"type": issue.kind, "severity": issue.severity, "where": issue.where, "what": issue.what} for issue in recording.issues],
            "notices": list(record.notices),
        }
        state = "stopped" if ended.stopped else "finished"
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
        writer.finish(state, payload, clock.now_ns())
        journal.close()
    return payload


def _differences(session: Session, paper: Any, venue: Any) -> list[dict[str, Any]]:
    """Positions as the ledger of fills has them against those that the venue has."""
    return [
        {"symbol": instrument.symbol, "ours": int(paper.engine.world.seats[s].position.lots), "venue": int(venue.desks[s].position)}
        for s, instrument in enumerate(session.plan.instruments)
        if paper.engine.world.seats[s].position.lots != venue.desks[s].position
    ]


def diff(
    runs: Annotated[list[str] | None, typer.Argument(help="Two runs of the journal: number, identity or `last`.", show_default=False)] = None,
    drivers: Annotated[bool, typer.Option("--drivers", help="Run the same inputs through both drivers and compare every row.")] = False,
    data: DataFlag = None,
    symbols: SymbolsFlag = None,
    frame: FrameFlag = None,
    arm: ArmFlag = None,
    market: MarketFlag = None,
    instruments: RulesFlag = None,
    funding: FundingFlag = None,
    since: SinceFlag = None,
    until: UntilFlag = None,
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Compare two runs to the bit, and say by what they part; with --drivers, streaming against block."""
    with answering(json):
        if drivers == bool(runs) or (runs and len(runs) != 2):
            raise UsageError(
                "diff compares two runs, or both drivers", where="msb diff", mend="`msb diff 3 4`, or `msb diff --drivers --data FOLDER`"
            )
        if runs:
            payload = _diff_runs(home, runs)
        else:
            from metastackerbandit.cli.session import open_session

            session = open_session(
                _wanted(
                    sets,
                    home=home,
                    data=data,
                    symbols=symbols,
                    frame=frame,
                    arm=arm,
                    market=market,
                    instruments=instruments,
                    funding=funding,
                    since=since,
                    until=until,
                )
            )
            payload = _diff_drivers(session)
        tell(payload, _diff_text(payload), json)
        if not payload["identical"]:
            raise typer.Exit(MsbError.exit_code)


def _diff_drivers(session: Session) -> dict[str, Any]:
    from metastackerbandit.backtest.compare import compared
    from metastackerbandit.backtest.run import block_of
    from metastackerbandit.backtest.run import run as run_block
    from metastackerbandit.domain.sink import MemorySink
    from metastackerbandit.engine.engine import Engine
    from metastackerbandit.engine.gates import GATE_NAMES
    from metastackerbandit.engine.plan import deposit_row
    from metastackerbandit.runtime.replay import Driver, inputs_of
    from metastackerbandit.simulation.broker import SimulatedBroker, open_venue

    plan, recording, simulation = session.plan, session.recording, session.config.simulation
    block, by_block, by_stream = block_of(recording), MemorySink(), MemorySink()
    run_block(plan, block, simulation, by_block)
    by_stream.ledger(deposit_row(plan))
    driver = Driver(Engine(plan), SimulatedBroker(open_venue(plan.instruments, plan.settings.costs, simulation)), by_stream)
    for event in inputs_of(recording, block.order):
        driver.take(event)
    return {**compared(by_block.kept(), by_stream.kept(), GATE_NAMES), "inputs": len(block.order), "compared": ["block", "streaming"]}


def _diff_runs(home: Path | None, runs: list[str]) -> dict[str, Any]:
    import os

    from metastackerbandit.backtest.compare import compared
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.storage.journal import Journal

    journal = Journal.open(home_folder(home, os.environ), create=False)
    try:
        views = [journal.run(key) for key in runs]
        one, other = (_kept(view) for view in views)
        gates = [gate.name for gate in views[0].row.gates]
        inputs = [view.row.digest for view in views]
        payload = compared(one, other, gates)
        return {**payload, "inputs": inputs[0] if inputs[0] == inputs[1] else inputs, "compared": [view.row.run for view in views]}
    finally:
        journal.close()


def _kept(view: RunView) -> Kept:
    from metastackerbandit.domain.sink import Kept

    decided = view.decisions()
    return Kept(
        decisions=decided.rows,
        observed=decided.observed,
        limit=decided.limit,
        verdict=decided.verdict,
        orders=view.orders(),
        fills=view.fills(),
        ledger=view.ledger(),
        trips=view.trips(),
        controls=view.controls(),
    )


# -- words ---------------------------------------------------------------------------------------------------------------


def _backtest_text(payload: dict[str, Any], session: Session) -> str:
    scores = payload["scores"]
    currency = session.config.account.currency
    lines = [
        f"{payload['symbol']}  {payload['frame']}  {payload['arm']}  {_day(payload['from_ns'])} .. {_day(payload['to_ns'])}  run {payload['run']}",
        f"  {payload['bars']:,} candles, {payload['decisions']:,} decisions, {payload['orders']:,} orders, "
        f"{payload['fills']:,} fills, {payload['round_trips']:,} round trips",
        "",
    ]
    for name, label, share in (
        ("total_return", "net return", True),
        ("sharpe", "Sharpe, annual", False),
        ("sortino", "Sortino, annual", False),
        ("volatility", "volatility, annual", True),
        ("max_drawdown", "max drawdown", True),
        ("hit_rate", "hit rate", True),
        ("payoff", "payoff", False),
        ("turnover", "turnover a year", False),
        ("exposure", "mean exposure", True),
    ):
        found = scores.get(name)
        if found:
            lines.append(
                f"  {label:<20} {_number(found['value'], share):>10}   95 %: {_number(found['low'], share)} .. {_number(found['high'], share)}"
            )
    costs = payload["costs"]
    lines.append("")
    lines.append(
        f"  costs in {currency}: " + ", ".join(f"{name} {amount:,.2f}" for name, amount in costs.items()) + f"; equity {payload['equity']:,.2f}"
    )
    lines.append("  beside it, net: " + ", ".join(f"{name} {value:+.1%}" for name, value in payload["baselines"].items()))
    for side in ("BUY", "SELL"):
        lines.append(f"  {side:<5}" + " -> ".join(f"{stage} {count:,}" for stage, count in payload["funnel"][side].items()))
    lines += [f"  ! {finding}" for finding in payload["findings"]]
    lines += ["", f"  {payload['verdict']}: {payload['verdict_text']}"]
    lines += [f"  note: {notice}" for notice in payload["notices"]]
    return "\n".join(lines)


def _run_text(payload: dict[str, Any]) -> str:
    ended = "stopped" if payload["stopped"] else "finished"
    counts = ", ".join(f"{payload[name]:,} {name.replace('_', ' ')}" for name in ("decisions", "orders", "fills", "round_trips"))
    lines = [
        f"run {payload['run']} {ended} after {payload['seconds']:.1f} s: {counts}, equity {payload['equity']:,.2f}",
        f"  reconciliation differences: {len(payload['reconciliation_differences'])}; data issues: {len(payload['issues'])}",
        "  `msb explain last` explains the last decision, `msb funnel` shows where signals end",
    ]
    return "\n".join(lines + [f"  note: {notice}" for notice in payload["notices"]])


def _diff_text(payload: dict[str, Any]) -> str:
    counts = ", ".join(f"{payload[name]:,} {name}" for name in ("decisions", "orders", "fills", "ledger", "trips", "controls"))
    if payload["identical"]:
        return f"identical, to the bit: {counts}"
    first = payload["first_difference"]
    fields = ", ".join(f"{name} {pair[0]} against {pair[1]}" for name, pair in list(first["fields"].items())[:6])
    return f"NOT identical ({counts})\n  first difference: {first['kind']} row {first['row']}, put down to {first['cause']}: {fields}"


def _number(value: float | None, share: bool) -> str:
    if value is None:
        return "-"
    return f"{value:,.2%}" if share else f"{value:,.2f}"


def _day(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")


def _first_ns(session: Session) -> int:
    return min(int(bars["opened_ns"][0]) for bars in session.recording.bars if len(bars))


def _last_ns(session: Session) -> int:
    return max(int(bars["closed_ns"][-1]) for bars in session.recording.bars if len(bars))
