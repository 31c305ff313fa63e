"""Venue time: it began at some moment and passes at a speed, so that hours of trading fit into minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

from metastackerbandit.domain.timeframe import MILLI_NS, SECOND_NS


class VenueTime:
    """`begun_ns` (UTC) plus `speed` venue seconds for each second of `wall` (ns of a clock that never goes back) since this was made.

    `skew_ms` is how wrong the clock is that clients are told and held to.
    """

    def __init__(self, begun_ns: int, speed: float = 1.0, wall: Callable[[], int] = time.monotonic_ns) -> None:
        self.begun_ns, self.speed, self.skew_ms = begun_ns, speed, 0
        self._wall = wall
        self._first = wall()

    def now_ns(self) -> int:
        """Venue time, ns of UTC."""
        return self.begun_ns + int((self._wall() - self._first) * self.speed)

    def told_ms(self) -> int:
        """What the venue's clock says to clients, ms of UTC."""
        return self.now_ns() // MILLI_NS + self.skew_ms

    def wall_s(self) -> float:
        """Wall seconds since the venue began: what paces of streams and pings are counted in."""
        return (self._wall() - self._first) / SECOND_NS

    def wall_until_s(self, at_ns: int) -> float:
        """Wall seconds until a venue time, not below 0."""
        return max(at_ns - self.now_ns(), 0) / SECOND_NS / self.speed
