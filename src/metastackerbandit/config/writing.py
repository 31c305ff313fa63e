"""A configuration as commented TOML that loads back to itself, and as the hash that names it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from metastackerbandit.config.meaning import key_meaning, table_meaning
from metastackerbandit.config.outline import Key, keys, tables, value_at
from metastackerbandit.config.schema import Config

_HEADING = """\
# MetaStackerBandit's configuration. Every key stands here with its value, its meaning and what it takes; a key that is
# left out keeps its default. `msb config check` judges this file, `msb config rollback` undoes its last change.
"""


def config_text(config: Config) -> str:
    """Every table and key with its meaning; keys without a value stand commented out."""
    return "\n".join([_HEADING, *(_table_text(config, table) for table in tables() if table)])


def config_hash(config: Config) -> str:
    """16 hex digits that are equal exactly when the values are."""
    return hashlib.sha256(msgspec.json.encode(config, order="sorted")).hexdigest()[:16]


def toml_value(value: Any) -> str:
    """A value of a configuration as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON lets DEL stand, TOML does not
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    return repr(value)


def _table_text(config: Config, table: str) -> str:
    lines = [f"# {table_meaning(table)}", f"[{table}]"]
    lines += [_key_text(key, value_at(config, key.name)) for key in keys().values() if key.table == table]
    return "\n".join(lines) + "\n"


def _key_text(key: Key, value: Any) -> str:
    meaning = "; ".join(part for part in (key_meaning(key), key.allowed) if part)
    if value is None:
        return f"# {key.field} =  # not set: {meaning}"
    return f"{key.field} = {toml_value(value)}  # {meaning}"
