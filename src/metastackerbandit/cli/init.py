"""`msb init`: ask a few questions, write a commented configuration; or hard limits, which ask nothing."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell

if TYPE_CHECKING:
    from metastackerbandit.config.schema import Config

_QUESTIONS = {
    "run.data": "Folder of candles (empty: none yet)",
    "run.symbols": "Symbols, separated by commas (empty: every symbol of the folder)",
    "run.frames": "Bar sizes of decisions, separated by commas",
    "run.arm": "Rule arm",
    "account.deposit": "Deposit",
}


def init(
    data: Annotated[str | None, typer.Option(help="Leaf folder of candles, a file a symbol.")] = None,
    symbols: Annotated[str | None, typer.Option(help="Symbols, separated by commas; empty takes every symbol of the folder.")] = None,
    frames: Annotated[str | None, typer.Option("--frames", "--frame", help="Bar sizes of decisions, such as 5m or 5m,1h.")] = None,
    arm: Annotated[str | None, typer.Option(help="Rule arm, such as sma_cross.")] = None,
    deposit: Annotated[str | None, typer.Option(help="Starting capital in the account's currency.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; what is not given keeps its default.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a configuration that exists (it is backed up).")] = False,
    hard_limits: Annotated[bool, typer.Option("--hard-limits", help="Write a commented hard limits file instead, for real money.")] = False,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Write a commented configuration; on a terminal it asks for what no flag gives."""
    with answering(json):
        if hard_limits:
            _hard_limits(home, json)
            return
        from metastackerbandit.config.backups import write_config
        from metastackerbandit.config.home import config_file, home_folder
        from metastackerbandit.config.loading import load
        from metastackerbandit.config.writing import config_hash, config_text

        folder = home_folder(home, os.environ)
        file = config_file(folder)
        _refuse_to_overwrite(file, force)
        given = {"run.data": data, "run.symbols": symbols, "run.frames": frames, "run.arm": arm, "account.deposit": deposit}
        options = ask(given) if is_asking(yes or json) else given
        config = load(options=_with_full_path(options)).config
        kept = write_config(folder, config_text(config).encode(), time.time_ns())
        backup = kept.name if kept else None
        payload = {"home": folder, "file": file, "backup": backup, "config_hash": config_hash(config), "config": config}
        tell(payload, _text(file, backup, config), json)


def _hard_limits(home: Path | None, json: bool) -> None:
    """Write the template where none is; limits that are there are changed by hand alone."""
    from metastackerbandit.config.files import write_whole
    from metastackerbandit.config.hard_limits import TEMPLATE, limits_file
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.domain.errors import ConfigRefused

    file = limits_file(home_folder(home, os.environ), os.environ)
    if file.exists():
        raise ConfigRefused("hard limits exist already; they were left as they are", where=str(file), mend="change the file by hand")
    write_whole(file, TEMPLATE.encode())
    tell({"file": file}, f"wrote {file}: read every line of it, and set what you can lose", json)


def is_asking(silenced: bool) -> bool:
    """Whether somebody sits at a terminal who wants to be asked."""
    return not silenced and sys.stdin.isatty()


def ask(given: dict[str, str | None]) -> dict[str, str | None]:
    """The answers, for each thing that no flag gave; a wrong one is asked again."""
    from metastackerbandit.config.loading import examine
    from metastackerbandit.config.outline import keys

    answers = dict(given)
    for name, question in _QUESTIONS.items():
        while answers[name] is None:
            default = keys()[name].default
            reply = typer.prompt(question, default=",".join(default) if isinstance(default, tuple) else default, show_default=bool(default), err=True)
            problems = examine(options={name: reply}).problems
            if problems:
                typer.echo(f"{problems[0].what} ({problems[0].mend})", err=True)
            else:
                answers[name] = reply
    return answers


def _refuse_to_overwrite(file: Path, force: bool) -> None:
    from metastackerbandit.domain.errors import ConfigRefused

    if file.exists() and not force:
        mend = "`msb init --force` replaces it after a backup, `msb config show` reads it"
        raise ConfigRefused("a configuration exists already; it was left as it is", where=str(file), mend=mend)


def _with_full_path(options: dict[str, str | None]) -> dict[str, Any]:
    """The data folder by its full path, so that a run finds it from any directory."""
    from metastackerbandit.domain.errors import NotFound

    data = options["run.data"]
    if not data:
        return options
    folder = Path(data).expanduser().absolute()
    if not folder.exists():
        raise NotFound(f"no such folder: {data}", where="flag --data", mend="name a folder of candles, or leave it out for now")
    return {**options, "run.data": str(folder)}


def _text(file: Path, backup: str | None, config: Config) -> str:
    lines = [f"wrote {file}"]
    if backup:
        lines.append(f"the configuration before is kept: `msb config restore {backup}`")
    next_step = "`msb config show` explains every value" if config.run.data else "name your candles: run.data in the file, or --data FOLDER"
    return "\n".join([*lines, next_step])
