"""`msb monitors`: the catalog of monitors over a run: what each saw, when it first alarmed, and how often it would alarm about a sound one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.looking import RunFlag, TradedFlag

if TYPE_CHECKING:
    from metastackerbandit.domain.card import ModelCard
    from metastackerbandit.evaluation.monitors.answers import Alarm
    from metastackerbandit.evaluation.monitors.whole_run import Told
    from metastackerbandit.runtime.outcomes import Place
    from metastackerbandit.storage.run_view import RunView

HALTED = 5  # the exit code when a monitor stands at HALT at the run's end


def monitors(
    run: RunFlag = "last",
    data: TradedFlag = None,
    everything: Annotated[bool, typer.Option("--all", help="Also tell in full what is in order, and what has no data.")] = False,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Every monitor over a run, with its numbers and its rate of false alarms; exit code 5 when one of them stands at HALT."""
    with answering(json):
        payload = looked(run, data, home)
        tell(payload, _text(payload, everything), json)
        if payload["status"] == "HALT":
            raise typer.Exit(HALTED)


def looked(run: str, data: Path | None, home: Path | None) -> dict[str, Any]:
    """The shape of `msb monitors --json`."""
    import os

    from metastackerbandit.config.home import home_folder
    from metastackerbandit.engine.gates import GATE_NAMES
    from metastackerbandit.evaluation.monitors.answers import alarms, answers, mirror_answers, worst
    from metastackerbandit.evaluation.monitors.inventory import inventory, inventory_answer
    from metastackerbandit.evaluation.monitors.whole_run import watch_run
    from metastackerbandit.runtime.watching import books_of, settings_of
    from metastackerbandit.storage.journal import Journal

    folder = home_folder(home, os.environ)
    with Journal.open(folder, create=False) as journal:
        view = journal.run(run)
        told, notices = _told(view, data)
        settings = settings_of(view.row)
        books = books_of(view.row, _cards(view, folder))
        watched = watch_run(told, books, [gate.name for gate in view.row.gates], settings)
        controls = inventory(watched, GATE_NAMES)
        mirror = _of_twin(view)
        found = (*answers(watched), inventory_answer(controls, GATE_NAMES), *mirror_answers(view.row.summary.get("twin"), mirror))
        raised = sorted((*alarms(watched), *mirror), key=lambda alarm: alarm.at_ns)
        return {
            "run": view.row.run,
            "status": worst(found),
            "decisions": watched.decided,
            "halt_pauses": settings.halt,
            "monitors": [_named(answer, view) for answer in found],
            "alarms": [_alarm(alarm, view) for alarm in raised],
            "inventory": [_named(control, view) for control in controls],
            "notices": [*view.row.notices, *notices],
        }


def _of_twin(view: RunView) -> tuple[Alarm, ...]:
    """Alarms of the run's twin, as they were raised: no row of the run tells them again."""
    from metastackerbandit.evaluation.monitors.answers import alarm_of
    from metastackerbandit.evaluation.monitors.mirror import BESIDE_NAMES

    kept = (alarm_of(row, view.row.monitors) for row in view.alarms())
    return tuple(alarm for alarm in kept if alarm.monitor in BESIDE_NAMES)


def _told(view: RunView, data: Path | None) -> tuple[Told, list[str]]:
    """A run's rows, with what became of its predictions where its candles can be read; else why not."""
    import msgspec

    from metastackerbandit.evaluation.monitors.whole_run import Told
    from metastackerbandit.runtime.outcomes import all_matured

    decided = view.decisions()
    predictions = view.predictions()
    told = Told(
        decisions=decided.rows,
        observed=decided.observed,
        limit=decided.limit,
        verdict=decided.verdict,
        predictions=predictions,
        orders=view.orders(),
        fills=view.fills(),
        ledger=view.ledger(),
        trips=view.trips(),
        outcomes=view.outcomes(),
    )
    if not len(predictions) or not len(decided.rows):
        return told, []
    labels, notice = _labels(view, told, data)
    matured = all_matured(predictions, labels, int(decided.rows["at_ns"].max()))
    return msgspec.structs.replace(told, matured=matured), [notice] if notice else []


def _labels(view: RunView, told: Told, data: Path | None) -> tuple[dict[Place, Any], str]:
    """What became of the bars that were predicted, from the candles that the run traded; none, and the reason, where these are not at hand."""
    import tomllib

    import msgspec
    import numpy as np

    from metastackerbandit.cli.traded_candles import traded_candles
    from metastackerbandit.costs.settings import CostSettings
    from metastackerbandit.runtime.outcomes import labels_of

    recording, why = traded_candles(view, told.decisions, data)
    if recording is None:
        return {}, f"outcomes of predictions are not known: {why}"
    symbols = tuple(dict.fromkeys(view.row.symbols))
    places = {
        (int(one["instrument"]), int(one["frame_ns"])): symbols.index(view.row.symbols[int(one["instrument"])])
        for one in np.unique(told.predictions[["instrument", "frame_ns"]])
    }
    costs = msgspec.convert(tomllib.loads(view.row.config).get("costs", {}), CostSettings)
    return labels_of(recording, places, costs), ""


def _cards(view: RunView, home: Path) -> list[ModelCard]:
    """Cards of the run's versions; those that are gone say nothing."""
    from metastackerbandit.domain.errors import MsbError
    from metastackerbandit.storage.registry import Registry

    registry, found = Registry(home / "models"), []
    for name in view.row.models:
        with suppress(MsbError):
            found.append(registry.card(name))
    return found


# -- shapes and words ------------------------------------------------------------------------------------------------


def _alarm(alarm: Alarm, view: RunView) -> dict[str, Any]:
    return {**_named(alarm, view), "text": f"alarm at {alarm.counts} {alarm.counted:,}"}


def _named(what: Any, view: RunView) -> dict[str, Any]:
    """A Struct as a dict, with the symbol for the instrument's number (null for the whole run)."""
    import msgspec

    told: dict[str, Any] = msgspec.structs.asdict(what)
    place = told.pop("instrument")
    return {"symbol": view.row.symbols[place] if place >= 0 else None, **told}


_STYLES = {"HALT": "bold red", "WARN": "yellow", "OK": "green", "UNAVAILABLE": "dim"}


def _text(payload: dict[str, Any], everything: bool) -> Any:
    from rich.console import Group
    from rich.text import Text

    parts: list[Any] = [f"run {payload['run']}: {payload['decisions']:,} decisions, {payload['status']}"]
    for symbol, frame in dict.fromkeys((row["symbol"], row["frame"]) for row in payload["monitors"]):
        rows = [row for row in payload["monitors"] if (row["symbol"], row["frame"]) == (symbol, frame)]
        parts += ["", Text(f"{symbol} {frame}" if symbol else "the whole run", style="bold")]
        shown = [row for row in rows if everything or row["status"] in ("HALT", "WARN")]
        parts += [_line(row) for row in shown]
        for status, words in (("OK", "  ok: "), ("UNAVAILABLE", "  without data: ")):
            names = [row["monitor"] for row in rows if row["status"] == status and row not in shown]
            parts += [Text(words + ", ".join(names), style="dim")] if names else []
    parts.append("")
    parts += [_alarm_line(alarm) for alarm in payload["alarms"]] or ["no alarm was raised"]
    if payload["status"] == "HALT" and not payload["halt_pauses"]:
        parts.append("monitors.halt is false: a HALT is shown, and pauses nothing")
    return Group(*parts, *(f"note: {notice}" for notice in payload["notices"]))


def _line(row: dict[str, Any]) -> Any:
    """A monitor's answer: status, number against limit, what was seen, and how often a sound book would be warned about."""
    from rich.text import Text

    seen = f"{_number(row['observed'])} against {_number(row['limit'])} {row['unit']}: " if row["status"] != "UNAVAILABLE" else ""
    told = (f"{seen}{row['evidence']}", "default")
    return Text.assemble((f"  {row['status']:<12}", _STYLES[row["status"]]), f"{row['monitor']}: ", told, (f"  [false alarms: {_rate(row)}]", "dim"))


def _alarm_line(alarm: dict[str, Any]) -> Any:
    from datetime import UTC, datetime

    from rich.text import Text

    at = datetime.fromtimestamp(alarm["at_ns"] / 1e9, UTC).strftime("%Y-%m-%d %H:%M")
    seen = f"{_number(alarm['observed'])} (limit {_number(alarm['limit'])} {alarm['unit']})"
    line = f"{at}  {alarm['severity']} {alarm['monitor']} {alarm['symbol']} {alarm['frame']}: {alarm['text']}: {seen}"
    return Text(line, style=_STYLES[alarm["severity"]])


def _number(value: float) -> str:
    return "-" if value != value else f"{value:,.4g}"


def _rate(row: dict[str, Any]) -> str:
    return "none" if row["false_alarm_rate"] == 0.0 else f"{row['false_alarm_rate']:.2%} {row['rate_of']}"
