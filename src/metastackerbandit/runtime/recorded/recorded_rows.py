"""Rows that a layout made of a table, as a capture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused, InstrumentRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.domain.row_frames import Frames, joined
from metastackerbandit.runtime.recorded.steps import step_text
from metastackerbandit.runtime.recorded.tables import Table
from metastackerbandit.storage.candle_names import base_and_quote


def instrument_of(table: Table, symbol: str, market: str, venue: str, price_decimals: int, size_decimals: int) -> Instrument:
    """The instrument of a table in the steps that its numbers show; order limits are not known and stand as one lot."""
    tick, lot = step_text(price_decimals), step_text(size_decimals)
    try:
        base, quote = base_and_quote(symbol)
    except InstrumentRefused:
        base, quote = symbol, ""
    return Instrument(symbol, base, quote, market, venue, tick, lot, lot, lot, "0", "inferred")  # type: ignore[arg-type]


def capture_of_rows(table: Table, instrument: Instrument, parts: Sequence[tuple[Frames, np.ndarray]], issues: Sequence[QualityIssue]) -> Capture:
    """Frames of rows with the row of the table (F,) at which each begins, as a capture in the order of their arrival."""
    kept = [part for part, _ in parts if len(part.starts)]
    if not kept:
        first = f": {issues[0].where}: {issues[0].what}" if issues else ""
        raise DataRefused(f"not one row can be used{first}", where=str(table.path), mend="look at the file: what is wrong is told above")
    frames, order = joined(kept)
    lines = np.concatenate([rows for part, rows in parts if len(part.starts)])[order] + table.first_line
    asked = np.full(len(frames.starts), -1, np.int64)
    return Capture(
        frames.text,
        frames.starts,
        frames.ends,
        frames.received_ns,
        asked,
        (),
        str(table.path),
        tuple(issues),
        (instrument,),
        True,
        tuple(lines.tolist()),
    )
