"""Settings with some dotted keys changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from metastackerbandit.engine.settings import EngineSettings


def tuned(settings: EngineSettings, changes: Mapping[str, Any]) -> EngineSettings:
    """The settings with `table.key` set to what `changes` says."""
    for key, value in changes.items():
        table, _, name = key.partition(".")
        settings = structs.replace(settings, **{table: structs.replace(getattr(settings, table), **{name: value})})
    return settings
