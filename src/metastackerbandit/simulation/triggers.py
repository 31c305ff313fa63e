"""When a waiting order's trigger is met: a stop by prices that go against its position, a take-profit by prices that go for it."""

from __future__ import annotations

from typing import Any

from metastackerbandit.simulation.exchange_words import NewOrder
from metastackerbandit.simulation.queues import BUY


def is_met(wish: NewOrder, low: int, high: int) -> bool:
    """Whether prices from `low` to `high` ticks (0: none is known) have met a trigger; a price that equals it does."""
    rises_to_it = (wish.side == BUY) == (wish.sort in ("stop", "stop_limit"))
    return high > 0 and (high >= wish.trigger if rises_to_it else low <= wish.trigger)


def traded_between(ring: Any, first: int, last: int) -> tuple[int, int]:
    """Lowest and highest price of the trades numbered so, (0, 0) for none; those that a ring (T,) has dropped are not known."""
    numbers = range(max(first, last - len(ring) + 1), last + 1)
    ticks = [int(ring[n % len(ring)]["ticks"]) for n in numbers]
    return min(ticks, default=0), max(ticks, default=0)
