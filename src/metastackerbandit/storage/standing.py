"""How an installation stands: what runs, what it holds, and what needs attention; a query on the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.money import money_text
from metastackerbandit.domain.rows import CAUSES, FLATTEN, HALT, KILL, PAUSE, RESET, RESUME, RESUMES, TRIP
from metastackerbandit.domain.timeframe import SECOND_NS, frame_name
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.run_record import RunRow
from metastackerbandit.storage.run_view import Held, RunView

BESIDE = "beside"  # of a summary: curves of what ran beside the run, for pictures
SILENT_NS = 30 * SECOND_NS  # a heartbeat is due every second; this long without one, the run cannot be called running


class Position(Struct, frozen=True):
    """An open position by the ledger of fills; exact text in base units and quote currency."""

    symbol: str
    frame: str
    side: str
    quantity: str
    cost: str
    quote: str


class Standing(Struct, frozen=True):
    """The shape of `msb status --json`; a stopped installation tells the facts of its last run."""

    state: str
    mode: str | None
    config_hash: str | None
    code: str | None
    uptime_s: float | None
    connections: tuple[dict[str, Any], ...]
    positions: tuple[Position, ...]
    attention: tuple[str, ...]
    notices: tuple[str, ...]
    run: int | None
    identity: str | None
    last_state: str | None
    arm: str | None
    symbols: tuple[str, ...]
    started_ns: int | None
    heartbeat_ns: int | None
    summary: dict[str, Any]


NOTHING = Standing("stopped", None, None, None, None, (), (), ("nothing has run in this home yet",), (), None, None, None, None, (), None, None, {})


def standing(journal: Journal, now_ns: int, is_alive: Callable[[int], bool]) -> Standing:
    """Ask the journal; `is_alive` says whether a process id lives."""
    runs = journal.runs()
    if not runs:
        return NOTHING
    unfinished = [row for row in runs if row.state == "running"]
    running = [row for row in unfinished if is_alive(row.pid) and now_ns - row.heartbeat_ns < SILENT_NS]
    traders = [row for row in running if row.mode != "backtest"]
    row = (traders or running or list(runs))[-1]
    view = journal.run(row.run)
    lost = [_lost(silent, now_ns, is_alive(silent.pid)) for silent in unfinished if silent not in running]
    return Standing(
        state="running" if running else "stopped",
        mode=row.mode,
        config_hash=row.config_hash,
        code=row.code,
        uptime_s=(now_ns - row.started_ns) / SECOND_NS if running else None,
        connections=tuple(row.summary.get("connections", ())) if running else (),
        positions=_positions(view),
        attention=(*(_real(one) for one in traders if one.mode == "live"), *lost, *_failure(row), *in_force(view), *alarmed(view)),
        notices=row.notices,
        run=row.run,
        identity=row.identity,
        last_state=row.state,
        arm=row.arm,
        symbols=tuple(dict.fromkeys(row.symbols)),
        started_ns=row.started_ns,
        heartbeat_ns=row.heartbeat_ns,
        summary={name: value for name, value in row.summary.items() if name not in (BESIDE, "connections")},
    )


def _real(row: RunRow) -> str:
    where = f"orders of run {row.run} go to the account at {row.source}"
    return f"as if it were real money: {where} (SIMULATED)" if row.lineage == "simulated" else f"REAL MONEY: {where}"


def _lost(row: RunRow, now_ns: int, alive: bool) -> str:
    silence = f"last heard of {max(now_ns - row.heartbeat_ns, 0) // SECOND_NS} s ago"
    if alive:
        return f"run {row.run} ({row.mode}) is silent: {silence}, though process {row.pid} lives"
    return f"run {row.run} ({row.mode}) crashed: process {row.pid} is gone, {silence}; what it had decided is kept"


def _failure(row: RunRow) -> Sequence[str]:
    if row.state != "failed":
        return ()
    cause = row.summary.get("error")
    return (f"run {row.run} failed: {cause}" if cause else f"run {row.run} failed",)


def in_force(view: RunView, until_ns: int | None = None) -> Sequence[str]:
    """Controls and breakers that hold at a time, or at the end of what is written; nothing lifts a kill."""
    held: dict[tuple[int, int], str] = {}
    killed: tuple[str, ...] = ()
    for control in view.controls():
        if until_ns is not None and control["at_ns"] > until_ns:
            break
        cause = int(control["cause"])
        where = (cause, int(control["instrument"]))
        match int(control["kind"]):
            case kind if kind in (RESUME, RESET):
                held.pop(where, None)
            case kind if kind in (PAUSE, FLATTEN):
                held.setdefault(where, "paused by the operator: no new risk")
            case kind if kind == KILL:
                killed = ("killed by the operator: positions leave at the next price, and no new ones are taken",)
            case kind if kind == TRIP:
                held[where] = _tripped(view.row, control)
    return (*killed, *held.values())


def _tripped(row: RunRow, control: Any) -> str:
    """A tripped breaker in words: where, at what, and what lifts it."""
    cause, book = int(control["cause"]), int(control["instrument"])
    where = f" of {row.symbols[book]} {frame_name(row.frame_of(book))}" if book >= 0 else ""
    numbers = f"{float(control['observed']):.4g} (limit {float(control['limit']):.4g})"
    return f"the {CAUSES[cause]} breaker{where} is tripped at {numbers}: no new risk; lifted by {RESUMES[cause]}"


def alarmed(view: RunView) -> Sequence[str]:
    """The worst that each monitor said of each book, the calls for a halt first."""
    worst: dict[tuple[int, int, int], np.record] = {}
    for alarm in view.alarms():
        key = (int(alarm["monitor"]), int(alarm["instrument"]), int(alarm["frame_ns"]))
        if key not in worst or alarm["severity"] > worst[key]["severity"]:
            worst[key] = alarm
    named = sorted(worst.values(), key=lambda alarm: (-int(alarm["severity"]), int(alarm["at_ns"])))
    return [_alarm(view.row, alarm) for alarm in named]


def _alarm(row: RunRow, alarm: np.record) -> str:
    monitor = row.monitors[int(alarm["monitor"])]
    where = f"{row.symbols[int(alarm['instrument'])]} {frame_name(int(alarm['frame_ns']))}"
    severity = "calls for a halt" if alarm["severity"] == HALT else "warns"
    seen = f"{float(alarm['observed']):.4g} against {float(alarm['limit']):.4g}, at number {int(alarm['counted']):,} of what it counts"
    return f"monitor {monitor} {severity} about {where}: {seen} (`msb monitors`)"


def _positions(view: RunView) -> tuple[Position, ...]:
    return tuple(_position(view.row, held) for held in view.positions())


def _position(row: RunRow, held: Held) -> Position:
    instrument = row.instruments[held.instrument]
    return Position(
        symbol=instrument.symbol,
        frame=frame_name(row.frame_of(held.instrument)),
        side="LONG" if held.lots > 0 else "SHORT",
        quantity=instrument.quantity_text(abs(held.lots)),
        cost=money_text(abs(held.cost), instrument.quote),
        quote=instrument.quote,
    )
