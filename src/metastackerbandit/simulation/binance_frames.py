"""A made venue for tests and the self-test: a book of its own that changes by chance, told in Binance's messages with every best price.

What it sends is lineage `simulated`: it never reaches a store or a decision.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from msgspec import Struct

START_NS = 1_700_000_000 * 10**9
STEP_NS = 100_000_000


class Told(Struct, frozen=True):
    """One frame: what was sent and when it came; `is_change` of those that the book is kept by, `snapshot` of the REST reply."""

    received_ns: int
    text: bytes
    is_change: bool = False
    is_snapshot: bool = False


class Venue:
    """One instrument's book around 1,000 ticks of 0.1, lots of 0.001; ids rise by up to nine a message."""

    def __init__(self, seed: int, *, is_perp: bool, symbol: str = "BTCUSDT") -> None:
        self._rng = np.random.default_rng(seed)
        self._perp, self._symbol = is_perp, symbol
        self._bids = {ticks: int(self._rng.integers(1, 9_000)) for ticks in range(940, 1_000)}
        self._asks = {ticks: int(self._rng.integers(1, 9_000)) for ticks in range(1_001, 1_060)}
        self._last = self._told = 5_000
        self._now = START_NS

    @property
    def levels(self) -> tuple[dict[int, int], dict[int, int]]:
        """The book as it is: bids and asks, ticks -> lots."""
        return dict(self._bids), dict(self._asks)

    def frames(self, count: int, snapshot_at: int) -> list[Told]:
        """So many changes, each with the best prices after it, and a snapshot before the change of that place."""
        told: list[Told] = []
        for place in range(count):
            if place == snapshot_at:
                told.append(self.snapshot())
            told += self.changed()
        return told

    def snapshot(self) -> Told:
        """The whole book."""
        body = {"lastUpdateId": self._last, "bids": self._levels(self._bids, -1), "asks": self._levels(self._asks, 1)}
        return Told(self._now + 3_000_000, json.dumps(body, separators=(",", ":")).encode(), is_snapshot=True)

    def changed(self) -> list[Told]:
        """One change, told by both streams."""
        return self.told(*self._drawn())

    def _drawn(self) -> tuple[dict[int, int], dict[int, int]]:
        """Levels that change by chance, ticks -> lots."""
        rng = self._rng
        changes: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for _ in range(int(rng.integers(1, 6))):
            side = int(rng.integers(0, 2))
            first = max(self._bids) if side == 0 else min(self._asks)
            away = int(rng.integers(0, 12))
            ticks = first - away if side == 0 else first + away
            if rng.random() < 0.15 and max(self._bids) + 1 < min(self._asks):
                ticks = first + 1 if side == 0 else first - 1  # the spread narrows
            book = self._bids if side == 0 else self._asks
            lots = 0 if rng.random() < 0.3 and len(book) > 30 else int(rng.integers(1, 9_000))
            changes[side][ticks] = book[ticks] = lots
            if lots == 0:
                del book[ticks]
        return changes

    def told(self, bids: dict[int, int], asks: dict[int, int], after_ns: int = STEP_NS) -> list[Told]:
        """These changed levels (ticks -> lots, 0: gone) as one change, told by both streams so long after the one before."""
        changes = bids, asks
        for book, changed in ((self._bids, bids), (self._asks, asks)):
            book |= changed
            for ticks in [ticks for ticks, lots in book.items() if lots == 0]:
                del book[ticks]
        rng = self._rng
        begins = self._last + 1
        self._last += int(rng.integers(1, 10))
        self._now += after_ns
        stamp = self._now // 1_000_000
        body: dict[str, Any] = {"e": "depthUpdate", "E": stamp, "s": self._symbol, "U": begins, "u": self._last}
        if self._perp:
            body |= {"T": stamp, "pu": self._told}
        body |= {"b": self._levels(changes[0], -1), "a": self._levels(changes[1], 1)}
        self._told = self._last
        bid, ask = max(self._bids, default=0), min(self._asks, default=0)
        best: dict[str, Any] = {
            "u": self._last,
            "s": self._symbol,
            "b": self._price(bid),
            "B": self._size(self._bids.get(bid, 0)),
            "a": self._price(ask),
        }
        best |= {"A": self._size(self._asks.get(ask, 0))}
        if self._perp:
            best |= {"e": "bookTicker", "T": stamp, "E": stamp}
            self._last += int(rng.integers(0, 3))  # ids that other instruments used
        streams = ((f"{self._symbol.lower()}@depth@100ms", body, True), (f"{self._symbol.lower()}@bookTicker", best, False))
        return [
            Told(self._now + 3_000_000, json.dumps({"stream": name, "data": data}, separators=(",", ":")).encode(), is_change)
            for name, data, is_change in streams
        ]

    def _levels(self, levels: dict[int, int], sign: int) -> list[list[str]]:
        return [[self._price(ticks), self._size(levels[ticks])] for ticks in sorted(levels, key=lambda ticks: sign * ticks)]

    def _price(self, ticks: int) -> str:
        return f"{ticks // 10}.{ticks % 10}0"

    def _size(self, lots: int) -> str:
        return f"{lots // 1_000}.{lots % 1_000:03d}"


def written(told: list[Told]) -> bytes:
    """The same as a recorder writes it."""
    return b"".join(b"%d %s\n" % (one.received_ns, one.text) for one in told)
