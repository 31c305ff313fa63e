"""`msb status`: what runs, what it holds, and what needs attention."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.looking import journal_of

if TYPE_CHECKING:
    from metastackerbandit.storage.standing import Standing

NOT_RUNNING = 3  # the exit code of a status that finds nothing running


def status(
    home: HomeFlag = None,
    metrics: Annotated[bool, typer.Option("--metrics", help="As OpenMetrics text, for a collector.")] = False,
    json: JsonFlag = False,
) -> None:
    """What runs, what it holds, and what needs attention; exit code 3 when nothing runs."""
    with answering(json):
        from metastackerbandit.domain.errors import NotFound
        from metastackerbandit.storage.standing import NOTHING, standing

        now_ns = time.time_ns()
        try:
            found = standing(journal_of(home), now_ns, is_alive)
        except NotFound:
            found = NOTHING
        found = _with_unlocks(found, home, now_ns)
        if metrics:
            from metastackerbandit.cli.metrics import openmetrics

            typer.echo(openmetrics(found))
        else:
            tell(found, _status_text(found), json)
        if found.state != "running":
            raise typer.Exit(NOT_RUNNING)


def _with_unlocks(found: Standing, home: Path | None, now_ns: int) -> Standing:
    """The same, and under attention what is unlocked."""
    from msgspec import structs

    from metastackerbandit.cli.unlock import unlock_line
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.storage.unlocks import Unlock, unlocks

    told = tuple(unlock_line(one) for one in unlocks(home_folder(home, os.environ), now_ns) if isinstance(one, Unlock))
    return structs.replace(found, attention=(*told, *found.attention))


def is_alive(pid: int) -> bool:
    """Whether a process of this machine lives; one that we may not signal does."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _connection_text(one: Mapping[str, Any]) -> str:
    """A connection of a live run in a line."""
    grade, late = one.get("grade", one["state"]), one["latency_ms"]
    told = [f"{late:,.0f} ms late"] if late is not None else []
    told += [f"up {100 * one['uptime']:.2f} % of the time"] if one["uptime"] is not None else []
    told.append(f"{one['drops']} drops")
    return f"connection {one['id']}{' (taken from)' if one.get('taken_from') else ''}: {', '.join([grade, *told])}"


def _symbol_texts(summary: Mapping[str, Any]) -> list[str]:
    """How whole each symbol's data was, a line each."""
    lines = []
    for symbol, one in summary.get("symbols", {}).items():
        candles = "" if one["candles_heard"] is None else f", {100 * one['candles_heard']:.1f} % of the candles heard whole"
        lines.append(f"{symbol}: book live {100 * one['book_live']:.2f} % of the time{candles}")
    return lines


def _status_text(found: Standing) -> str:
    mode = "LIVE" if found.mode == "live" else found.mode
    lines = [found.state if mode is None else f"{found.state}: {mode} run {found.run}, arm {found.arm}, {', '.join(found.symbols)}"]
    if found.last_state not in (None, "running"):
        lines.append(f"  it {found.last_state}")
    if found.uptime_s is not None:
        lines.append(f"  up {found.uptime_s:.0f} s")
    if found.config_hash:
        lines.append(f"  config {found.config_hash}  code {found.code}")
    lines += [f"  {line}" for line in (*map(_connection_text, found.connections), *_symbol_texts(found.summary))]
    for held in found.positions:
        lines.append(f"  {held.symbol} {held.frame} {held.side} {held.quantity} for {held.cost} {held.quote}")
    if "vitals" in found.summary:
        from metastackerbandit.cli.run_vitals import vitals_lines

        lines += [f"  {line}" for line in vitals_lines(found.summary["vitals"])]
    lines += [f"  attention: {line}" for line in found.attention]
    return "\n".join([*lines, *(f"  notice: {line}" for line in found.notices)])
