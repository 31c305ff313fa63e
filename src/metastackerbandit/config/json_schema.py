"""The configuration as JSON schema, for editors that complete and check TOML."""

from __future__ import annotations

from typing import Any

import msgspec

from metastackerbandit.config.meaning import key_meaning, table_meaning
from metastackerbandit.config.outline import keys, tables
from metastackerbandit.config.schema import Config


def json_schema() -> dict[str, Any]:
    """msgspec's schema of the types, with the meaning of each key as its description."""
    schema = msgspec.json.schema(Config)
    schema["title"] = "MetaStackerBandit configuration"
    definitions = schema["$defs"]
    for name, table in tables().items():
        definitions[table.__name__]["description"] = table_meaning(name)
    for key in keys().values():
        definitions[tables()[key.table].__name__]["properties"][key.field]["description"] = key_meaning(key)
    return schema
