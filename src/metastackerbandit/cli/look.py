"""`msb status`, `msb explain`, `msb funnel`: three looks at the journal."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell

if TYPE_CHECKING:
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.run_view import RunView
    from metastackerbandit.storage.standing import Standing

NOT_RUNNING = 3  # the exit code of a status that finds nothing running

RunFlag = Annotated[str, typer.Option("--run", metavar="RUN", help="`last`, a run's number, or the start of its identity.")]


def status(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """What runs, what it holds, and what needs attention; exit code 3 when nothing runs."""
    with answering(json):
        from metastackerbandit.domain.errors import NotFound
        from metastackerbandit.storage.standing import NOTHING, standing

        now_ns = time.time_ns()
        try:
            found = standing(_journal(home), now_ns, is_alive)
        except NotFound:
            found = NOTHING
        tell(found, _status_text(found), json)
        if found.state != "running":
            raise typer.Exit(NOT_RUNNING)


def explain(
    which: Annotated[str, typer.Argument(metavar="[WHICH]", help="`last`, `last-trade`, a decision's number, or SYMBOL@TIME.")] = "last",
    run: RunFlag = "last",
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """One decision: what was wanted, what every gate saw, and which one stood in the way."""
    with answering(json):
        import msgspec

        from metastackerbandit.decision.explain import explain as put_into_words
        from metastackerbandit.domain.kernel import struct_of
        from metastackerbandit.domain.prediction import Prediction
        from metastackerbandit.stacking.names import ARM_NAMES
        from metastackerbandit.storage.lookup import find_decision

        view = _journal(home).run(run)
        found = find_decision(view, which)
        told = put_into_words(
            found.row,
            view.row.gates,
            found.observed.tolist(),
            found.limit.tolist(),
            found.verdict.tolist(),
            view.row.instruments[found.row.instrument],
            ARM_NAMES[found.row.arm],
            [struct_of(Prediction, said) for said in view.predictions_standing(found.row.instrument, found.row.at_ns)] if view.row.models else (),
            view.row.models,
        )
        tell({**msgspec.structs.asdict(told), "run": view.row.run}, _with_notices(told.text, view), json)


def funnel(
    run: RunFlag = "last",
    days: Annotated[float | None, typer.Option("--days", min=0, help="Only the run's last days. [default: all]", show_default=False)] = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """How many opinions of each side became orders and fills, and which gate stopped the rest."""
    with answering(json):
        import msgspec

        from metastackerbandit.decision.funnel import funnel as counted
        from metastackerbandit.decision.funnel import funnel_text, since
        from metastackerbandit.domain.timeframe import DAY_NS

        view = _journal(home).run(run)
        decided = view.decisions()
        rows, verdict, orders = decided.rows, decided.verdict, view.orders()
        if days is not None and len(rows):
            rows, verdict, orders = since(rows, verdict, orders, int(rows["closed_ns"].max()) - int(days * DAY_NS) + 1)
        is_spot = all(instrument.market == "spot" for instrument in view.row.instruments)
        gates = [gate.name for gate in view.row.gates]
        found = counted(rows, orders, verdict, gates, is_spot=is_spot, lenient=_lenient(view.row.config))
        payload = {**msgspec.to_builtins(found), "run": view.row.run, "days": days, "decisions": len(rows)}
        tell(payload, _with_notices(funnel_text(found), view), json)


def is_alive(pid: int) -> bool:
    """Whether a process of this machine lives; one that we may not signal does."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _journal(home: Path | None) -> Journal:
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.storage.journal import Journal

    return Journal.open(home_folder(home, os.environ), create=False)


def _lenient(config: str) -> tuple[str, ...]:
    """Gates whose UNKNOWN the run let pass, from the configuration that it ran with."""
    import tomllib

    return tuple(tomllib.loads(config).get("decision", {}).get("unknown_passes", ()))


def _with_notices(text: str, view: RunView) -> str:
    return "\n".join([text, *(f"notice: {notice}" for notice in view.row.notices)])


def _status_text(found: Standing) -> str:
    lines = [found.state if found.mode is None else f"{found.state}: {found.mode} run {found.run}, arm {found.arm}, {', '.join(found.symbols)}"]
    if found.last_state not in (None, "running"):
        lines.append(f"  it {found.last_state}")
    if found.uptime_s is not None:
        lines.append(f"  up {found.uptime_s:.0f} s")
    if found.config_hash:
        lines.append(f"  config {found.config_hash}  code {found.code}")
    for held in found.positions:
        lines.append(f"  {held.symbol} {held.frame} {held.side} {held.quantity} for {held.cost} {held.quote}")
    lines += [f"  attention: {line}" for line in found.attention]
    return "\n".join([*lines, *(f"  notice: {line}" for line in found.notices)])
