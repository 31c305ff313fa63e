"""The configuration as JSON schema, for editors that complete and check TOML."""

from __future__ import annotations

from typing import Any

import msgspec

from metastackerbandit.config.meaning import key_meaning, table_meaning
from metastackerbandit.config.outline import children, join, keys, tables
from metastackerbandit.config.schema import Config
from metastackerbandit.config.scopes import FRAMES_TABLE, PROFILE, SYMBOLS_TABLE, may_differ
from metastackerbandit.domain.timeframe import FRAMES


def json_schema() -> dict[str, Any]:
    """msgspec's schema of the types, with the meaning of each key as its description."""
    schema = msgspec.json.schema(Config)
    schema["title"] = "MetaStackerBandit configuration"
    definitions = schema["$defs"]
    for name, table in tables().items():
        definitions[table.__name__]["description"] = table_meaning(name)
    for key in keys().values():
        definitions[tables()[key.table].__name__]["properties"][key.field]["description"] = key_meaning(key)
    root = definitions["Config"]["properties"]
    del root["overrides"]
    frame = {name: _own(schema, name) for name in children("") if may_differ(name)}
    own_profile = definitions["RunSettings"]["properties"]["profile"]
    root[FRAMES_TABLE] = _by_name("What differs on one frame.", {**frame, PROFILE: own_profile}, list(FRAMES))
    below = _by_name("What differs for the symbol on one frame.", frame, list(FRAMES))
    root[SYMBOLS_TABLE] = _by_name("What differs for one symbol, by its name.", {**frame, FRAMES_TABLE: below}, None)
    return schema


def _own(schema: dict[str, Any], table: str) -> dict[str, Any]:
    """A table of a frame or symbol: the keys that may differ, none of them required."""
    definition = schema["$defs"][tables()[table].__name__]
    properties = {name: how for name, how in definition["properties"].items() if may_differ(join(table, name))}
    return {"type": "object", "properties": properties, "additionalProperties": False, "description": definition["description"]}


def _by_name(meaning: str, properties: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
    """A table of tables by frame or symbol."""
    inner = {"type": "object", "properties": properties, "additionalProperties": False}
    known = {"properties": dict.fromkeys(names, inner), "additionalProperties": False} if names else {"additionalProperties": inner}
    return {"type": "object", "description": meaning, **known}
