"""A configuration as commented TOML that loads back to itself, and as the hash that names it."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from typing import Any

import msgspec

from metastackerbandit.config.meaning import key_meaning, table_meaning
from metastackerbandit.config.outline import Key, keys, tables, value_at
from metastackerbandit.config.schema import Config, ThresholdWaiver
from metastackerbandit.config.scopes import base_name, split

_BARE = re.compile(r"[A-Za-z0-9_-]+")

_HEADING = """\
# MetaStackerBandit's configuration. Every key stands here with its value, its meaning and what it takes; a key that is
# left out keeps its default. `msb config check` judges this file, `msb config rollback` undoes its last change.
"""


def config_text(config: Config) -> str:
    """Every table and key with its meaning; keys without a value stand commented out; then what differs by frame and symbol, and waivers."""
    own = {name.rpartition(".")[0] for name in config.overrides}
    return "\n".join(
        [
            _HEADING,
            *(_table_text(config, table) for table in tables() if table),
            *(_scope_text(config, table) for table in sorted(own)),
            *(_waiver_text(waiver) for waiver in config.waivers),
        ]
    )


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
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{toml_name_part(name)} = {toml_value(item)}' for name, item in value.items())} }}" if value else "{}"
    return value.isoformat() if isinstance(value, date) else repr(value)


def toml_name(name: str) -> str:
    """A dotted name as TOML: parts that are not plain stand in quotes."""
    return ".".join(toml_name_part(part) for part in name.split("."))


def toml_name_part(part: str) -> str:
    """One part of a name as TOML."""
    return part if _BARE.fullmatch(part) else toml_value(part)


def _scope_text(config: Config, table: str) -> str:
    """The values of one frame or symbol in one table."""
    lines = [f"# {split(table)[0]} alone", f"[{toml_name(table)}]"]
    for name, value in config.overrides.items():
        above, _, field = name.rpartition(".")
        if above == table:
            lines.append(f"{field} = {toml_value(value)}  # {key_meaning(keys()[base_name(name)])}")
    return "\n".join(lines) + "\n"


def _waiver_text(waiver: ThresholdWaiver) -> str:
    lines = (f"{name} = {toml_value(getattr(waiver, name))}" for name in waiver.__struct_fields__)
    return "\n".join(["[[waivers]]", *lines]) + "\n"


def _table_text(config: Config, table: str) -> str:
    lines = [f"# {table_meaning(table)}", f"[{table}]"]
    lines += [_key_text(key, value_at(config, key.name)) for key in keys().values() if key.table == table]
    return "\n".join(lines) + "\n"


def _key_text(key: Key, value: Any) -> str:
    meaning = "; ".join(part for part in (key_meaning(key), key.allowed) if part)
    if value is None:
        return f"# {key.field} =  # not set: {meaning}"
    return f"{key.field} = {toml_value(value)}  # {meaning}"
