"""The configuration as pages: every table, every key with what it takes, its default and its meaning, from the schema alone."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from metastackerbandit.config.meaning import key_meaning
from metastackerbandit.config.outline import Key, keys, tables
from metastackerbandit.config.scopes import may_differ


def config_tables() -> str:
    """Markdown: a section for each table, a line for each of its keys."""
    parts = []
    for table in tables():
        mine = [key for key in keys().values() if key.table == table]
        if mine:
            head = "| key | takes | default | by frame or symbol | meaning |\n|---|---|---|---|---|"
            parts.append("\n".join((f"## [{table}]", "", inspect.getdoc(tables()[table]) or "", "", head, *map(_line, mine))))
    return "\n\n".join(parts)


def _line(key: Key) -> str:
    scope = "yes" if may_differ(key.name) else ""
    return f"| `{key.field}` | {key.allowed} | {_written(key.default)} | {scope} | {_escaped(key_meaning(key))} |"


def _written(value: Any) -> str:
    """A default as a file has it."""
    return "not given" if value is None else f"`{msgspec.json.encode(value).decode()}`"


def _escaped(text: str) -> str:
    """A bar in a text would end its cell."""
    return text.replace("|", "\\|")
