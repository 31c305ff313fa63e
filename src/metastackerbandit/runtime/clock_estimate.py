"""What time it is at a venue, estimated from answers of its time endpoint: those with the shortest round trips count. Pure.

A venue's clock is a straight line over ours: now = venue_ns + rate x (wall - wall_ns). The rate is 1, but for a practice venue, which tells its own.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from metastackerbandit.domain.timeframe import SECOND_NS


class TimeSample(Struct, frozen=True):
    """One answer: asked at `sent_ns` and received at `received_ns` by our clock, which showed `venue_ns` in between, running at `rate`."""

    sent_ns: int
    received_ns: int
    venue_ns: int
    rate: float

    @property
    def trip_ns(self) -> int:
        """The round trip, by our clock."""
        return self.received_ns - self.sent_ns


class ClockLine(Struct, frozen=True):
    """The venue's time over ours, and by how much at most it is mistaken (ns of venue time), while clocks do not drift."""

    wall_ns: int
    venue_ns: int
    rate: float
    error_ns: int

    def at(self, wall_ns: int) -> int:
        """The venue's time, UTC ns, when our clock shows `wall_ns`."""
        return self.venue_ns + self._scaled(wall_ns - self.wall_ns)

    def surely(self, wall_ns: int) -> int:
        """A time that the venue has certainly reached: what is stamped by it is never ahead of the venue."""
        return self.at(wall_ns) - self.error_ns

    def wall_s(self, venue_s: float) -> float:
        """How long so many of the venue's seconds last for us."""
        return venue_s / self.rate

    def _scaled(self, wall_ns: int) -> int:
        return wall_ns if self.rate == 1.0 else round(wall_ns * self.rate)


class ClockEstimate:
    """The newest samples of one rate; a venue that tells another rate is measured anew."""

    def __init__(self, keep: int) -> None:
        self._samples: deque[TimeSample] = deque(maxlen=keep)

    def took(self, sample: TimeSample) -> None:
        """Another answer; one from before a step of our own clock (a negative trip) says nothing."""
        if sample.trip_ns < 0:
            return
        if self._samples and self._samples[-1].rate != sample.rate:
            self._samples.clear()
        self._samples.append(sample)

    def forget(self) -> None:
        """What was measured does not hold any more: the venue says that our time is wrong."""
        self._samples.clear()

    def line(self) -> ClockLine | None:
        """The line through the middle of the shortest trip, the newest of equals; None while nothing was measured.

        The venue read its clock somewhere within the trip, so half of it (and what the venue's millisecond rounds away) bounds the error.
        """
        if not self._samples:
            return None
        best = min(reversed(self._samples), key=lambda one: one.trip_ns)
        middle = best.sent_ns + best.trip_ns // 2
        error_ns = round((best.trip_ns - best.trip_ns // 2) * best.rate) + SECOND_NS // 1_000
        return ClockLine(middle, best.venue_ns, best.rate, error_ns)
