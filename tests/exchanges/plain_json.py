"""What is in a JSON message, read the plain way: by Python's reader and exact decimals, Wrong where it is not what it should be."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from metastackerbandit.domain.instrument import Instrument
from tests.exchanges.reading import Wrong


def strict(text: bytes) -> Any:
    """A strict reader's objects."""

    def refuse(_: str) -> None:
        raise Wrong

    try:
        return json.loads(text.decode("utf-8"), parse_constant=refuse)
    except ValueError:
        raise Wrong from None


def whole(value: Any) -> int:
    """A whole number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 9 * 10**18:
        raise Wrong
    return value


def stamp(value: Any) -> int:
    """A stamp of ms or us in ns."""
    told = whole(value)
    if 9 * 10**12 <= told < 10**14 or told >= 9 * 10**15:
        raise Wrong
    return told * (10**6 if told < 10**14 else 10**3)


def decimal(value: Any) -> Decimal:
    """A plain decimal, text or number."""
    text = value if isinstance(value, str) else json.dumps(value)
    if not text.replace(".", "", 1).isdigit() or not text.isascii() or text[0] == "." or text[-1] == ".":
        raise Wrong
    return Decimal(text)


def ticks(value: Any, one: Instrument) -> int:
    """A price in ticks, on the grid."""
    steps = decimal(value) / Decimal(one.tick_size)
    if steps != int(steps) or steps > 8 * 10**17:
        raise Wrong
    return int(steps)


def lots(value: Any, one: Instrument) -> int:
    """A size in lots, dust in whole ones."""
    steps = decimal(value) / Decimal(one.lot_size)
    if steps > 8 * 10**17:
        raise Wrong
    return int(steps) if steps == 0 else max(int(steps), 1)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Wrong
    return value


def words(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise Wrong
    return value
