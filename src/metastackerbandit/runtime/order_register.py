"""Which order is which: our orders by their names at the venue, and what was told of names that nobody here knows yet. Pure."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.legs import Leg

T = TypeVar("T")

MOST_DONE = 5_000  # orders that are over and are still known by their names; a venue's late word comes within seconds
MOST_STRAYS = 1_000  # fills and states kept of unknown orders


class OrderRegister(Generic[T]):
    """Orders by the engine's number, and their legs by client id and by the venue's number. `T` is what is kept of unknown ones."""

    def __init__(self) -> None:
        self.active: dict[int, HeldOrder] = {}
        self._legs: dict[str, tuple[HeldOrder, Leg]] = {}
        self._done: deque[HeldOrder] = deque()
        self._strays: deque[tuple[str, T]] = deque(maxlen=MOST_STRAYS)

    def add(self, held: HeldOrder) -> None:
        """Another order of the engine."""
        self.active[held.order] = held

    def name(self, held: HeldOrder, leg: Leg) -> list[T]:
        """A leg is known by all its names from now on; what was told of them before."""
        new = [one for one in _names(leg) if one not in self._legs]
        for one in new:
            self._legs[one] = (held, leg)
        if not new or not self._strays:
            return []
        found = [stray for name, stray in self._strays if name in new]
        self._strays = deque(((name, stray) for name, stray in self._strays if name not in new), maxlen=MOST_STRAYS)
        return found

    def find(self, client_id: str, order_id: str) -> tuple[HeldOrder, Leg] | None:
        """Whose leg has one of these names; "" is no name."""
        return (self._legs.get(f"c{client_id}") if client_id else None) or (self._legs.get(f"o{order_id}") if order_id else None)

    def stray(self, order_id: str, what: T) -> None:
        """Keep what was told of an order that nobody here knows by its number, until it is known; the oldest go."""
        self._strays.append((f"o{order_id}", what))

    def done(self, held: HeldOrder) -> None:
        """An order is over; the oldest of those are forgotten."""
        del self.active[held.order]
        self._done.append(held)
        if len(self._done) > MOST_DONE:
            for leg in self._done.popleft().legs:
                for name in _names(leg):
                    self._legs.pop(name, None)

    def revive(self, held: HeldOrder) -> None:
        """An order that was over is not: the venue has it after all."""
        if held.order not in self.active:
            self.active[held.order] = held
            self._done.remove(held)


def _names(leg: Leg) -> tuple[str, ...]:
    """All names under which a leg's orders are known now; one that waits apart has a number of another kind."""
    return (f"c{leg.client_id}", *(f"o{number}" for number in ("" if leg.waits else leg.order_id, leg.became) if number))
