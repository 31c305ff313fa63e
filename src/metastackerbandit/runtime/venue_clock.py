"""A venue's clock as this program knows it: measured at the start, again from time to time, and at once when the venue says that we are off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from metastackerbandit.domain.errors import VenueError
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.domain.trading import VenueTime
from metastackerbandit.runtime.clock_estimate import ClockEstimate, ClockLine, TimeSample
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.ports import LiveClock
from metastackerbandit.runtime.settings import OrderSettings


class VenueClock:
    """Tells the venue's time. `ask()` asks the venue once; what was measured before stands while it does not answer."""

    def __init__(self, ask: Callable[[], Awaitable[VenueTime]], clock: LiveClock, settings: OrderSettings, tell: Tell, venue: str) -> None:
        self._ask, self._clock, self._settings, self._tell, self._venue = ask, clock, settings, tell, venue
        self._estimate = ClockEstimate(settings.clock_samples)
        self._line: ClockLine | None = None
        self._measuring = asyncio.Lock()
        self._measured_ns = 0

    @property
    def is_known(self) -> bool:
        """Whether it was ever measured."""
        return self._line is not None

    def now_ns(self) -> int:
        """The venue's time, UTC ns; our own while it was never measured."""
        wall_ns = self._clock.now_ns()
        return wall_ns if self._line is None else self._line.at(wall_ns)

    def stamp_ms(self) -> int:
        """The time that a request is stamped with: one that the venue has certainly reached."""
        wall_ns = self._clock.now_ns()
        return (wall_ns if self._line is None else self._line.surely(wall_ns)) // 10**6

    def wall_s(self, venue_s: float) -> float:
        """How long so many of the venue's seconds last for us."""
        return venue_s if self._line is None else self._line.wall_s(venue_s)

    def venue_ms(self, wall_ms: float) -> int:
        """So many of our milliseconds in the venue's, whole ones, rounded up."""
        return -int(-wall_ms * (1.0 if self._line is None else self._line.rate) // 1)

    async def run(self) -> None:
        """Keep measuring, until cancelled."""
        while True:
            await self.measure()
            await self._clock.sleep(self._settings.clock_every_s if self.is_known else self._settings.retry_s)

    async def measure(self) -> None:
        """Ask several times, and tell where the clock turned out to be off by more than a request may be."""
        began_ns = self._clock.now_ns()
        async with self._measuring:
            if self._measured_ns > began_ns:
                return  # somebody else did so meanwhile
            before = self._line
            for _ in range(self._settings.clock_samples):
                await self._sample()
            self._line = self._estimate.line() or self._line
            self._measured_ns = self._clock.now_ns()
            self._report(before)

    async def mistaken(self) -> None:
        """The venue refuses our time: what was measured is forgotten, and measured at once."""
        self._note("clock_off", "the venue refuses the time of a request; its clock is measured again")
        self._estimate.forget()
        await self.measure()

    async def _sample(self) -> None:
        """One question; no answer is no sample."""
        sent_ns = self._clock.now_ns()
        try:
            told = await self._ask()
        except VenueError as error:
            self._note("clock_unknown", str(error))
            return
        self._estimate.took(TimeSample(sent_ns, self._clock.now_ns(), told.now_ns, told.rate))

    def _report(self, before: ClockLine | None) -> None:
        """Tell the first measurement, and one that differs by more than both can be mistaken and than requests allow."""
        if self._line is None:
            return
        wall_ns = self._clock.now_ns()
        off_ns = self._line.at(wall_ns) - (wall_ns if before is None else before.at(wall_ns))
        words = (
            f"the venue's clock is {off_ns / SECOND_NS:+.3f} s off ours, known to {self._line.error_ns / SECOND_NS:.3f} s, rate {self._line.rate:g}"
        )
        if before is None:
            self._note("clock_known", words)
        elif abs(off_ns) > self._settings.clock_step_s * SECOND_NS * self._line.rate or before.rate != self._line.rate:
            self._note("clock_step", f"{self._venue}'s clock moved by {off_ns / SECOND_NS:+.3f} s; rate {self._line.rate:g}")

    def _note(self, what: str, words: str) -> None:
        self._tell(FeedEvent(self._clock.now_ns(), what, self._venue, "", words))
