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
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Each value, where it came from, and what it means."""
    with answering(json):
        from metastackerbandit.config.home import config_file, home_folder
        from metastackerbandit.config.loading import load_home
        from metastackerbandit.config.writing import config_hash

        folder = home_folder(home, os.environ)
        loaded = load_home(folder, os.environ, sets or ())
        rows = [_row(key, loaded) for key in _asked_for(name)]
        file = config_file(folder)
        payload = {"home": folder, "file": file if file.exists() else None, "config_hash": config_hash(loaded.config), "values": rows}
        tell(payload, _show_text(rows), json)


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A configuration file; the installation's if left out.", show_default=False)] = None,
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Every problem of a configuration, with its place and its mend."""
    with answering(json):
        from metastackerbandit.config.home import config_file, home_folder
        from metastackerbandit.config.loading import examine
        from metastackerbandit.config.problems import refusal
        from metastackerbandit.config.writing import config_hash

        present = config_file(home_folder(home, os.environ))
        judged = file or (present if present.exists() else None)
        # a file that is named is judged alone; the installation's is judged with the environment that a run would see
        examined = examine([judged] if judged else [], None if file else os.environ, sets or ())
        payload = {"ok": not examined.problems, "file": judged, "problems": examined.problems}
        if examined.problems:
            error = refusal(examined.problems)
            tell_error(error, json, payload)
            raise typer.Exit(error.exit_code)
        tell({**payload, "config_hash": config_hash(examined.config)}, f"ok: {judged or 'defaults (there is no configuration file)'}", json)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help='"defaults", "current", a file, or a backup.')] = "defaults",
    b: Annotated[str, typer.Argument(help="The same; what to compare with.")] = "current",
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Every value that differs between two configurations."""
    with answering(json):
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.config.outline import keys, value_at

        folder = home_folder(home, os.environ)
        left, right = _named(a, folder), _named(b, folder)
        differences = [
            {"key": name, "a": before, "b": after, "source_a": left.sources[name], "source_b": right.sources[name]}
            for name in keys()
            if (before := value_at(left.config, name)) != (after := value_at(right.config, name))
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
        from metastackerbandit.config import backups
        from metastackerbandit.config.home import config_file, home_folder

        folder = home_folder(home, os.environ)
        restored = backups.restore(folder, name, time.time_ns())
        tell({"restored": restored.name, "sha256": restored.sha256, "file": config_file(folder)}, f"restored {restored.name}", json)


@app.command()
def rollback(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Undo the last change; a second rollback undoes the first."""
    with answering(json):
        from metastackerbandit.config import backups
        from metastackerbandit.config.home import config_file, home_folder

        folder = home_folder(home, os.environ)
        restored = backups.rollback(folder, time.time_ns())
        tell({"restored": restored.name, "sha256": restored.sha256, "file": config_file(folder)}, f"rolled back to {restored.name}", json)


@app.command()
def schema(json: JsonFlag = False) -> None:
    """The configuration as JSON schema, for editors."""
    with answering(json):
        from metastackerbandit.config.json_schema import json_schema

        tell(json_schema(), "", json=True)


def _asked_for(name: str) -> list[Key]:
    from metastackerbandit.config.outline import keys, tables
    from metastackerbandit.config.problems import closest
    from metastackerbandit.domain.errors import NotFound

    found = [key for key in keys().values() if not name or key.name == name or key.name.startswith(f"{name}.")]
    if not found and name not in tables():
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
    from metastackerbandit.config.meaning import table_meaning

    lines: list[str] = []
    table = ""
    for row in rows:
        above, _, field = row["key"].rpartition(".")
        if above != table:
            table = above
            lines += ["", f"[{table}]  {table_meaning(table)}"]
        lines.append(f"  {field} = {_value_text(row['value'])}".ljust(40) + f"  {row['meaning']}".ljust(72) + f"  <- {row['source']}")
    return "\n".join(lines).lstrip("\n")


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


def _diff_text(a: str, b: str, differences: list[dict[str, Any]]) -> str:
    if not differences:
        return f"{a} and {b} are identical"
    lines = [f"{row['key']}: {_value_text(row['a'])} -> {_value_text(row['b'])}" for row in differences]
    return "\n".join([f"{a} -> {b}", *lines])
