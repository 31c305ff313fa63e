"""Snapshots of books as clients ask for them: of now, at an update that lies within the live sequence, or as faults would have them."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.practice.faults import Faults, Switched
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.hub import Hub
from metastackerbandit.practice.tape import Levels, book_side, newest_update

DEEPEST = 5_000  # levels of a side


class Snapshot(Struct, frozen=True):
    """A book after update `update`, the best prices first."""

    update: int
    at_ns: int
    bids: Levels
    asks: Levels


class Snapshots:
    """Takes snapshots of a floor's books; `family` names the streams in which a fault leaves a gap."""

    def __init__(self, floor: Floor, faults: Faults, hub: Hub, family: str) -> None:
        self._floor, self._faults, self._hub, self._family = floor, faults, hub, family
        self._stale: list[Snapshot] = []

    def take(self, s: int, limit: int) -> Snapshot:
        """The best `limit` prices of each side."""
        symbol = self._floor.instruments[s].symbol
        if self._faults.strikes("gap_at_snapshot", symbol):
            self._hub.skip_next(self._family, symbol)
        if self._stale and self._faults.strikes("stale_snapshot", symbol):
            old = self._stale[s]
            return Snapshot(old.update, old.at_ns, old.bids[:limit], old.asks[:limit])
        return self._now(s, limit)

    def act(self, switched: Switched) -> None:
        """Keep the books as they are when they are to be stale from now on."""
        if switched.fault.name == "stale_snapshot" and switched.is_on:
            self._stale = [self._now(s, DEEPEST) for s in range(len(self._floor.instruments))]

    def _now(self, s: int, limit: int) -> Snapshot:
        queues = self._floor.exchange.queues
        return Snapshot(newest_update(queues, s), self._floor.now_ns, book_side(queues, s, 0, limit), book_side(queues, s, 1, limit))
