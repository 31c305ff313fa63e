"""Measured figures, one JSON object a line, only ever added to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from metastackerbandit.bench.peers import folder
from metastackerbandit.domain.errors import DataRefused


def book() -> Path:
    """benchmarks/results.jsonl of the checkout."""
    return folder().parent / "results.jsonl"


def append(told: dict[str, Any], path: Path) -> None:
    """Add one result at the end."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(told) + b"\n")


def latest(path: Path) -> dict[str, dict[str, Any]]:
    """The newest result of every benchmark, by name; those with peers count before later ones that had none.

    Raises:
        DataRefused: a line is no result.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(path.read_bytes().splitlines() if path.is_file() else (), 1):
        try:
            told = msgspec.json.decode(line, type=dict[str, Any])
            name, peers = told["name"], told["peers"]
        except (msgspec.DecodeError, KeyError) as error:
            raise DataRefused(f"line {number} is no result: {error}", where=str(path), mend="remove the line; results are only added") from None
        if peers or not found.get(name, {}).get("peers"):
            found[name] = told
    return found
