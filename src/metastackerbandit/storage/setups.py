"""What is being judged: a hash of the settings, models and arm that decide, so that evidence about another setup is not taken for this one's.

Settings that cannot change a decision are left out: where the candles lie, how fast a replay is paced, and the criteria of judging themselves.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from typing import Any

import msgspec

from metastackerbandit.domain.errors import StorageFailed

_RUN_ASIDE = ("data", "pace", "mood")
_TABLES_ASIDE = ("preflight", "readiness", "rollout", "waivers", "simulation", "training")


def setup_of(config: str, arm: str, models: Sequence[str], books: Sequence[str]) -> str:
    """16 hex digits that are equal exactly when what decides is: settings (TOML), arm, model versions, and books such as "BTCUSDT 5m"."""
    try:
        tables: dict[str, Any] = tomllib.loads(config)
    except tomllib.TOMLDecodeError as error:
        raise StorageFailed(f"the configuration of a run cannot be read: {error}", where="journal", mend="run again") from error
    kept = {name: table for name, table in tables.items() if name not in _TABLES_ASIDE}
    kept["run"] = {name: value for name, value in kept.get("run", {}).items() if name not in _RUN_ASIDE}
    made_of = {"settings": kept, "arm": arm, "models": sorted(models), "books": sorted(books)}
    return hashlib.sha256(msgspec.json.encode(made_of, order="sorted")).hexdigest()[:16]
