"""`msb set`: one threshold changed within its bounds, with the reason in the journal and the version before kept."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell

if TYPE_CHECKING:
    from metastackerbandit.config.loading import Examined
    from metastackerbandit.storage.changes import ChangeRow, Kind

TAKES_EFFECT = "takes effect at the next start of a run; one that runs now keeps what it started with"


def set_threshold(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A threshold, such as decision.min_alpha.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A number within the key's bounds; null unsets it.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; it is journaled.")],
    symbol: Annotated[str, typer.Option("--symbol", metavar="BTCUSDT", help="For this symbol alone.", show_default=False)] = "",
    frame: Annotated[str, typer.Option("--frame", metavar="5m", help="For this frame alone.", show_default=False)] = "",
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Change one threshold: within its bounds, in small steps, not looser than the derived limit. Takes effect at the next start of a run.

    The change is journaled (`msb config history`) and can be undone (`msb config rollback`).
    """
    with answering(json):
        from metastackerbandit.cli.who import who
        from metastackerbandit.config.backups import write_config
        from metastackerbandit.config.changing import planned
        from metastackerbandit.config.home import config_file, home_folder
        from metastackerbandit.domain.errors import SettingRefused
        from metastackerbandit.storage.changes import ChangeRow, keep_changes

        if not why.strip() or not why.isprintable():
            raise SettingRefused("a change says why", where="--why", mend='give the reason in a line, such as --why "too few trades since May"')
        folder, now_ns = home_folder(home, os.environ), time.time_ns()
        change = planned(folder, os.environ, key, value, symbol, frame)
        if change.old == change.new:
            answer = {"changed": False, "key": change.name, "old": change.old, "new": change.new, "file": config_file(folder)}
            tell(answer, f"{change.name} is {_text(change.new)} already; nothing was written", json)
            return
        row = ChangeRow(now_ns, who(), "set", change.name, _text(change.old), _text(change.new), why)
        kept: list[Any] = []
        keep_changes(folder, [row], lambda: kept.append(write_config(folder, change.content, now_ns)))
        backup = kept[0].name if kept[0] else None
        payload = {"changed": True, "key": change.name, "old": change.old, "new": change.new, "who": row.who, "why": why, "backup": backup}
        undone = "`msb config rollback` undoes it" if backup else f"there was no configuration before: removing {config_file(folder)} undoes it"
        text = f"{change.name}: {row.old} -> {row.new}\n{TAKES_EFFECT}\n{undone}"
        tell({**payload, "file": config_file(folder), "takes_effect": TAKES_EFFECT}, text, json)


def journaled_restore(folder: Path, kind: Kind, name: str, now_ns: int) -> Any:
    """Make a backup the configuration again, with a line in the journal for each value that this changes."""
    from metastackerbandit.cli.who import who
    from metastackerbandit.config.backups import backup_content, find_backup, restore
    from metastackerbandit.config.home import config_file
    from metastackerbandit.config.loading import examine, examine_text
    from metastackerbandit.storage.changes import keep_changes

    chosen = find_backup(folder, name)
    after = examine_text(backup_content(folder, chosen), str(chosen.path))
    before = examine([config_file(folder)] if config_file(folder).exists() else [])
    rows = _rows(before, after, now_ns, who(), kind, f"{kind} of {chosen.name}")
    restored: list[Any] = []
    keep_changes(folder, rows, lambda: restored.append(restore(folder, chosen.name, now_ns)))
    return restored[0]


def _rows(before: Examined, after: Examined, now_ns: int, by: str, kind: Kind, why: str) -> list[ChangeRow]:
    from metastackerbandit.config.differences import differences_of
    from metastackerbandit.storage.changes import ChangeRow

    found = differences_of(before.config, after.config)
    return [ChangeRow(now_ns, by, kind, one.key, _text(one.before), _text(one.after), why) for one in found]


def _text(value: Any) -> str:
    """A value as TOML; what is not set says so."""
    from metastackerbandit.config.writing import toml_value

    return "(not set)" if value is None else toml_value(value)
