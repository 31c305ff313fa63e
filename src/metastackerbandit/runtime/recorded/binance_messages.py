"""Binance's messages that a recorder took apart into rows, put together again as the venue wrote them, so that its scanner reads them.

A message is a run of rows of one symbol and final update id. Where a row's other columns differ from those of its message, that is told, and the
message is written as most of its rows say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.runtime.recorded.recorded_rows import instrument_of
from metastackerbandit.runtime.recorded.steps import decimals_of
from metastackerbandit.runtime.recorded.tables import SHOWN, Table, floats

Row = dict[str, str]


class Message(Struct, frozen=True):
    """A message's rows: `first` is the place of the first in the table."""

    first: int
    rows: Sequence[Row]


class Written(Struct, frozen=True):
    """A message as the venue wrote it, when it came, and whether it was asked for (a REST reply)."""

    received_ns: int
    text: str
    is_reply: bool
    first: int


def messages_of(rows: Sequence[Row], keys: Sequence[str]) -> Iterator[Message]:
    """Runs of rows that agree in `keys`."""
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or any(rows[place][key] != rows[start][key] for key in keys):
            yield Message(start, rows[start:place])
            start = place


def settled(table: Table, message: Message, columns: Sequence[str]) -> tuple[Row, list[QualityIssue]]:
    """The columns of a message that all its rows share, and the rows that differ from most."""
    found: Row = {}
    issues = []
    for column in columns:
        values = [row[column] for row in message.rows]
        usual = Counter(values).most_common(1)[0][0]
        found[column] = usual
        for place, value in enumerate(values):
            if value != usual:
                what = f"{column} is {value or 'empty'}, the other rows of its message say {usual or 'nothing'}"
                issues.append(QualityIssue("row_differs", "high", table.place(message.first + place), what))
    return found, issues


def levels_text(rows: Sequence[Row], is_ask: str, price: str, size: str, column: str) -> str:
    """A side's levels as the venue lists them."""
    return ",".join(f'["{row[price]}","{row[size]}"]' for row in rows if row[column] == is_ask)


def stamp_ns(text: str) -> int:
    """A Unix time in s, ms, us or ns by its length, as ns; 0 where it is none."""
    return int(text) * 10 ** (19 - len(text)) if text.isdigit() and len(text) in (10, 13, 16, 19) else 0


def capture_of_messages(
    table: Table, written: Sequence[Written], issues: Sequence[QualityIssue], symbol: str, market: str, prices: Any, sizes: Any
) -> Capture:
    """Messages as a capture, in the order of their rows; the steps are the finest that any price and size has."""
    if not written:
        raise DataRefused("holds no message", where=str(table.path), mend="look at its columns")
    text = "\n".join(one.text for one in written).encode()
    sizes_of_frames = np.array([len(one.text.encode()) for one in written], np.int64)
    starts = np.cumsum(sizes_of_frames + 1) - sizes_of_frames - 1
    price, size = (floats(column) for column in (prices, sizes))
    instrument = instrument_of(table, symbol, market, "BINANCE", decimals_of(price[price > 0]), decimals_of(size))
    shown = list(issues[:SHOWN])
    if len(issues) > SHOWN:
        shown.append(QualityIssue("row_differs", "high", f"and {len(issues) - SHOWN:,} more", "as above", len(issues) - SHOWN))
    return Capture(
        np.frombuffer(text, np.uint8),
        starts,
        starts + sizes_of_frames,
        np.array([one.received_ns for one in written], np.int64),
        np.array([0 if one.is_reply else -1 for one in written], np.int64),
        ("",),
        str(table.path),
        tuple(shown),
        (instrument,),
        False,
        tuple(one.first + table.first_line for one in written),
    )
