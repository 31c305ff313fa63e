"""A scanner beside a plain reader of the same messages, and whether the two agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.market_rows import DEPTH, MARK, NOTHING, QUOTE, TRADES, VENUE_BARS
from metastackerbandit.exchanges.decoded import FAULTS, Decoded, empty_decoded, routes_of
from metastackerbandit.exchanges.json_fields import NEW_FIELDS
from metastackerbandit.exchanges.symbols import symbols_of

KINDS = {DEPTH: "depth", TRADES: "trades", QUOTE: "quotes", VENUE_BARS: "bars", MARK: "marks"}
Told = tuple[int, list[dict[str, Any]]]


class Wrong(Exception):
    """A message that is not what it should be."""


class Reader:
    """A scanner with its scratch, for some instruments; `told` is the plain reading: the kind and rows of a frame, or Wrong."""

    def __init__(self, scan: Any, told: Callable[[bytes, Mapping[str, Instrument], int], Told], *instruments: Instrument, most_rows: int = 8) -> None:
        self.instruments = {one.symbol: one for one in instruments}
        self.decoded: Decoded = empty_decoded(40, most_rows)
        self._scan, self._told = scan, told
        self._symbols, self._routes = symbols_of(list(self.instruments)), routes_of(instruments)
        self._fields, self._inner = np.zeros(NEW_FIELDS, np.int64), np.zeros(NEW_FIELDS, np.int64)

    def read(self, frame: bytes, alone: int = -1) -> int:
        """The kind of a frame."""
        text = np.frombuffer(frame or b" ", np.uint8)
        return int(self._scan(text, len(frame), 77, self._symbols, self._routes, self.decoded, self._fields, self._inner, alone))

    @property
    def fault(self) -> str:
        """What was wrong with the last frame."""
        return FAULTS[int(self.decoded.found[0].fault)][0]

    def rows(self, kind: int) -> list[dict[str, Any]]:
        """The last frame's rows without the time of receipt; None for what is not a number."""
        found = []
        for record in getattr(self.decoded, KINDS[kind])[: self.decoded.found[0].rows]:
            assert record["received_ns"] == 77
            row = {name: record[name].item() for name in record.dtype.names if name != "received_ns"}
            row |= {name: None for name, value in row.items() if value != value}
            if kind == DEPTH:
                for name, side in (("bids", self.decoded.bids), ("asks", self.decoded.asks)):
                    row[name] = [tuple(level) for level in side[: row[name]].tolist()]
            found.append(row)
        return found

    def agrees(self, frame: bytes, alone: int = -1) -> None:
        """Hold the scanner against the plain reading of one frame."""
        try:
            kind, rows = self._told(frame, self.instruments, alone)
        except Wrong:
            assert (self.read(frame, alone), self.decoded.found[0].rows) == (NOTHING, 0)
            assert self.fault != "sound", frame
            return
        found = self.read(frame, alone)
        assert self.fault == "sound", (self.fault, frame)
        assert found == kind, frame
        assert self.decoded.found[0].rows == len(rows)
        if kind in KINDS:
            assert self.rows(kind) == rows


def broken(frame: bytes, place: int, byte: int, what: str) -> bytes:
    """A frame with one byte set, lost or added, or cut off."""
    at = place % (len(frame) + 1)
    if what == "cut":
        return frame[:at]
    middle = {"set": bytes([byte]), "lost": b"", "more": bytes([byte]) + frame[at : at + 1]}[what]
    return frame[:at] + middle + frame[at + 1 :]
