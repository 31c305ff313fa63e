"""A few rows of features of a generated market, kept so that no formula changes unnoticed: `python -m tests.features.golden` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.features.catalog import FAMILIES, NAMES
from tests.features.book_scenes import seconds_for
from tests.features.scenes import full, market

GOLDEN = Path(__file__).with_name("golden.json")
ROWS = (60, 1_201, 2_999)


def computed() -> dict[str, Any]:
    """Family -> its revision, and name -> values at ROWS (null where not valid)."""
    bars = market(2024, 3_000)
    rows = [row for last in ROWS for row in range(last - 2, last + 1)]  # a book is heard for the last quarter of an hour
    values = full(bars, seconds=seconds_for(bars[rows], 2024, HOUR_NS)).values
    found: dict[str, Any] = {}
    for family in FAMILIES:
        columns = {
            spec.name: [None if value != value else float(value) for value in values[list(ROWS), NAMES.index(spec.name)]] for spec in family.specs
        }
        found[family.name] = {"revision": family.revision, "columns": columns}
    return found


if __name__ == "__main__":
    GOLDEN.write_bytes(msgspec.json.format(msgspec.json.encode(computed()), indent=1) + b"\n")
