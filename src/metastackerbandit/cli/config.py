"""`msb config`: show, check, compare, back up, restore and undo the configuration."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, SetFlags, Verbs, answering, tell, tell_error

if TYPE_CHECKING:
    from metastackerbandit.config.loading import Examined, Loaded
    from metastackerbandit.config.outline import Key

app = typer.Typer(cls=Verbs, help="Show, check, compare, back up and restore the configuration.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="[KEY]", help="A table or a key; everything if left out.", show_default=False)] = "",
    symbol: Annotated[str, typer.Option("--symbol", metavar="BTCUSDT", help="As it is for this symbol.", show_default=False)] = "",
    frame: Annotated[str, typer.Option("--frame", metavar="5m", help="As it is on this frame.", show_default=False)] = "",
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Each value, where it came from, and what it means; for each threshold also its profile's, its derived and its effective limit."""
    with answering(json):
        from metastackerbandit.cli.threshold_pages import threshold_rows, threshold_text
        from metastackerbandit.config.books import book_config, book_sources
        from metastackerbandit.config.home import config_file, home_folder
        from metastackerbandit.config.loading import Loaded, load_home
        from metastackerbandit.config.writing import config_hash
        from metastackerbandit.domain.timeframe import frame_name, frame_ns

        folder = home_folder(home, os.environ)
        loaded = load_home(folder, os.environ, sets or ())
        on = frame_name(frame_ns(frame)) if frame else ""
        file = config_file(folder)
        page = loaded
        if symbol or on:
            page = Loaded(book_config(loaded.config, symbol, on), book_sources(loaded.config, loaded.sources, symbol, on))
        rows = [_row(key, page) for key in _asked_for(name, page)]
        judged = threshold_rows(loaded, symbol, on, {row["key"] for row in rows})
        payload = {
            "home": folder,
            "file": file if file.exists() else None,
            "config_hash": config_hash(loaded.config),
            "symbol": symbol or None,
            "frame": on or None,
            "values": rows,
            "thresholds": judged,
        }
        tell(payload, "\n\n".join(part for part in (_show_text(rows), threshold_text(judged)) if part), json)


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A configuration file; the installation's if left out.", show_default=False)] = None,
    mode: Annotated[str, typer.Option("--mode", metavar="NAME", help="Judge it for backtest, paper or live, where nothing is waived.")] = "paper",
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Every problem of a configuration, with its place and its mend."""
    with answering(json):
        from metastackerbandit.cli.model_check import profiles_without_models
        from metastackerbandit.config.books import traded_frames
        from metastackerbandit.config.home import config_file, home_folder
        from metastackerbandit.config.loading import examine
        from metastackerbandit.config.notices import dead_symbols, notices
        from metastackerbandit.config.problems import refusal
        from metastackerbandit.config.waivers import checked_mode, waiver_problems
        from metastackerbandit.config.writing import config_hash

        folder, now_ns = home_folder(home, os.environ), time.time_ns()
        present = config_file(folder)
        judged = file or (present if present.exists() else None)
        # a file that is named is judged alone; the installation's is judged with the environment that a run would see
        examined = examine([judged] if judged else [], None if file else os.environ, sets or ())
        problems = [*examined.problems, *waiver_problems(examined.config, examined.sources, now_ns, checked_mode(mode))]
        problems += [] if problems else profiles_without_models(folder, examined)
        config = examined.config
        told = [] if problems else [*notices(config, traded_frames(config), now_ns, mode), *dead_symbols(config)]
        payload = {"ok": not problems, "file": judged, "problems": problems, "notices": told}
        if problems:
            error = refusal(problems)
            tell_error(error, json, payload)
            raise typer.Exit(error.exit_code)
        text = "\n".join([f"ok: {judged or 'defaults (there is no configuration file)'}", *(f"  note: {notice}" for notice in told)])
        tell({**payload, "config_hash": config_hash(examined.config)}, text, json)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help='"defaults", "current", a file, or a backup.')] = "defaults",
    b: Annotated[str, typer.Argument(help="The same; what to compare with.")] = "current",
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Every value that differs between two configurations."""
    with answering(json):
        from metastackerbandit.config.differences import differences_of
        from metastackerbandit.config.home import home_folder

        folder = home_folder(home, os.environ)
        left, right = _named(a, folder), _named(b, folder)
        differences = [
            {"key": found.key, "a": found.before, "b": found.after, "source_a": _from(left, found.key), "source_b": _from(right, found.key)}
            for found in differences_of(left.config, right.config)
        ]
        tell({"identical": not differences, "a": a, "b": b, "differences": differences}, _diff_text(a, b, differences), json)


@app.command()
def backup(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Keep the present configuration."""
    with answering(json):
        from metastackerbandit.config.backups import back_up
        from metastackerbandit.config.home import config_file, home_folder
        from metastackerbandit.domain.errors import NotFound

        folder = home_folder(home, os.environ)
        kept = back_up(folder, time.time_ns())
        if kept is None:
            raise NotFound("there is no configuration to back up", where=str(config_file(folder)), mend="`msb init` writes one")
        tell({"backup": kept.name, "file": kept.path, "sha256": kept.sha256}, f"kept as {kept.path}", json)


@app.command("backups")
def list_backups(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """The backups, newest first, and whether each is intact."""
    with answering(json):
        from metastackerbandit.config.backups import backups, is_intact
        from metastackerbandit.config.home import home_folder

        rows = [{"backup": kept.name, "sha256": kept.sha256, "intact": is_intact(kept)} for kept in backups(home_folder(home, os.environ))]
        text = "\n".join(f"{row['backup']}  {'intact' if row['intact'] else 'CORRUPTED'}" for row in rows)
        tell({"backups": rows}, text or "no backups yet", json)


@app.command()
def restore(
    name: Annotated[str, typer.Argument(help="A backup, or the beginning of its name.")], home: HomeFlag = None, json: JsonFlag = False
) -> None:
    """Make a backup the configuration again, after verifying its hash; what it replaces is backed up."""
    with answering(json):
        from metastackerbandit.cli.set_threshold import journaled_restore
        from metastackerbandit.config.home import config_file, home_folder

        folder = home_folder(home, os.environ)
        restored = journaled_restore(folder, "restore", name, time.time_ns())
        tell({"restored": restored.name, "sha256": restored.sha256, "file": config_file(folder)}, f"restored {restored.name}", json)


@app.command()
def rollback(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Undo the last change; a second rollback undoes the first."""
    with answering(json):
        from metastackerbandit.cli.set_threshold import journaled_restore
        from metastackerbandit.config.backups import newest_other
        from metastackerbandit.config.home import config_file, home_folder

        folder = home_folder(home, os.environ)
        restored = journaled_restore(folder, "rollback", newest_other(folder).name, time.time_ns())
        tell({"restored": restored.name, "sha256": restored.sha256, "file": config_file(folder)}, f"rolled back to {restored.name}", json)


@app.command()
def history(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Every change by `msb set`, restore and rollback, newest first: when, who, from what to what, and why. Edits by hand leave no line."""
    with answering(json):
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.storage.changes import kept_changes

        rows = kept_changes(home_folder(home, os.environ))
        text = "\n".join(f"{_utc(row.at_ns)}  {row.who}  {row.key}: {row.old} -> {row.new}  ({row.why})" for row in rows)
        tell({"changes": rows}, text or "nothing was changed by `msb set`, restore or rollback yet", json)


@app.command()
def schema(json: JsonFlag = False) -> None:
    """The configuration as JSON schema, for editors."""
    with answering(json):
        from metastackerbandit.config.json_schema import json_schema

        tell(json_schema(), "", json=True)


def _asked_for(name: str, page: Loaded) -> list[Key]:
    """The keys of a table, or the one key; those of frames and symbols follow the others."""
    from metastackerbandit.config.outline import keys, tables
    from metastackerbandit.config.problems import closest
    from metastackerbandit.config.scopes import find_key, is_table
    from metastackerbandit.config.unknown import unknown
    from metastackerbandit.domain.errors import NotFound

    known = [*keys().values(), *(key for own in page.config.overrides if (key := find_key(own)))]
    found = [key for key in known if not name or key.name == name or key.name.startswith(f"{name}.")]
    if not found and not is_table(name):
        mend = unknown(name.split("."), "config show", str).mend
        if not mend.startswith("did you mean"):
            meant = closest(name, [*tables(), *keys()])
            mend = f"did you mean {meant}?" if meant else "`msb config show` lists all"
        raise NotFound(f"no table or key is named {name}", where="config show", mend=mend)
    return found


def _row(key: Key, loaded: Loaded) -> dict[str, Any]:
    from metastackerbandit.config.meaning import key_meaning
    from metastackerbandit.config.outline import value_at

    row = {"key": key.name, "value": value_at(loaded.config, key.name), "source": loaded.sources[key.name]}
    return {**row, "default": key.default, "allowed": key.allowed, "meaning": key_meaning(key)}


def _show_text(rows: list[dict[str, Any]]) -> str:
    lines: list[str] = []
    table = ""
    for row in rows:
        above, _, field = row["key"].rpartition(".")
        if above != table:
            table = above
            lines += ["", f"[{table}]  {_about(table)}"]
        lines.append(f"  {field} = {_value_text(row['value'])}".ljust(40) + f"  {row['meaning']}".ljust(72) + f"  <- {row['source']}")
    return "\n".join(lines).lstrip("\n")


def _about(table: str) -> str:
    """A table's meaning, or whose it is."""
    from metastackerbandit.config.meaning import table_meaning
    from metastackerbandit.config.scopes import EVERYWHERE, split

    scope = split(table)[0]
    return table_meaning(table) if scope == EVERYWHERE else f"for {scope} alone"


def _value_text(value: Any) -> str:
    from metastackerbandit.config.writing import toml_value

    return "(not set)" if value is None else toml_value(value)


def _named(name: str, home: Path) -> Loaded | Examined:
    """A configuration by what the user calls it: the defaults, the installation's file, a file, or a backup."""
    from metastackerbandit.config.backups import backup_content, find_backup
    from metastackerbandit.config.files import read_whole
    from metastackerbandit.config.home import config_file
    from metastackerbandit.config.loading import examine_text, load
    from metastackerbandit.config.problems import refusal

    if name == "defaults":
        return load()
    if name == "current":
        place, content = str(config_file(home)), read_whole(config_file(home))
    elif Path(name).exists():
        place, content = name, read_whole(Path(name))
    else:
        kept = find_backup(home, name)
        place, content = str(kept.path), backup_content(home, kept)
    examined = examine_text(content, place)
    if examined.problems:
        raise refusal(examined.problems)
    return examined


def _utc(at_ns: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(at_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%SZ}"


def _from(loaded: Loaded | Examined, key: str) -> str:
    return loaded.sources.get(key, "not written")


def _diff_text(a: str, b: str, differences: list[dict[str, Any]]) -> str:
    if not differences:
        return f"{a} and {b} are identical"
    lines = [f"{row['key']}: {_value_text(row['a'])} -> {_value_text(row['b'])}" for row in differences]
    return "\n".join([f"{a} -> {b}", *lines])
