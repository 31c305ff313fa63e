"""A venue's clock followed in virtual time: at the start, from time to time, at once when the venue refuses our time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from metastackerbandit.domain.errors import RequestFailed
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.domain.trading import VenueTime
from metastackerbandit.runtime.feed_events import FeedEvent
from metastackerbandit.runtime.settings import OrderSettings
from metastackerbandit.runtime.venue_clock import VenueClock
from tests.runtime.virtual_time import START_NS, VirtualClock, in_virtual_time

SETTINGS = OrderSettings(clock_every_s=60.0, clock_samples=3, clock_step_s=0.5)


class Venue:
    """A venue whose clock is `off_s` seconds off ours, runs at `rate`, and answers after a tenth of a second."""

    def __init__(self, off_s: float, rate: float = 1.0) -> None:
        self.off_s, self.rate, self.asked, self.is_down = off_s, rate, 0, False

    def true_ns(self) -> int:
        passed = VirtualClock().now_ns() - START_NS
        return START_NS + round(self.off_s * SECOND_NS) + round(passed * self.rate)

    async def ask(self) -> VenueTime:
        self.asked += 1
        await asyncio.sleep(0.05)
        told = self.true_ns() // 10**6 * 10**6
        await asyncio.sleep(0.05)
        if self.is_down:
            raise RequestFailed("nobody there")
        return VenueTime(told, self.rate)


def followed(venue: Venue, seconds: float, at: float | None = None) -> tuple[VenueClock, list[FeedEvent]]:
    """The clock after so long; `at` a time the venue's clock jumps by two seconds."""
    events: list[FeedEvent] = []
    made: list[VenueClock] = []

    async def work() -> None:
        clock = VenueClock(venue.ask, VirtualClock(), SETTINGS, events.append, "BINANCE")
        made.append(clock)
        assert not clock.is_known and clock.now_ns() == VirtualClock().now_ns()
        running = asyncio.ensure_future(clock.run())
        for _ in range(int(seconds)):
            await asyncio.sleep(1.0)
            if at is not None and asyncio.get_running_loop().time() == at:
                venue.off_s += 2.0
                await clock.mistaken()
            if clock.is_known:
                assert abs(clock.now_ns() - venue.true_ns()) <= 0.051 * SECOND_NS * venue.rate + 2 * 10**6
                assert clock.stamp_ms() * 10**6 <= venue.true_ns() + 10**6
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    in_virtual_time(work())
    return made[0], events


def test_it_is_measured_at_the_start_and_from_time_to_time() -> None:
    venue = Venue(-3.0)
    _, events = followed(venue, 130)
    assert venue.asked == 9 and [event.what for event in events] == ["clock_known"]
    assert "-3.0" in events[0].words


def test_clock_skew_makes_it_measure_at_once() -> None:
    venue = Venue(0.0)
    clock, events = followed(venue, 30, at=10.0)
    assert venue.asked == 6 and [event.what for event in events] == ["clock_known", "clock_off", "clock_step"]
    assert "+2.0" in events[-1].words and clock.is_known


def test_a_practice_venue_tells_how_fast_it_runs() -> None:
    clock, _ = followed(Venue(1_000.0, rate=60.0), 5)
    assert clock.wall_s(3_600.0) == 60.0 and clock.venue_ms(5_000) == 300_000


def test_while_nobody_answers_it_asks_again_and_our_own_time_stands() -> None:
    venue = Venue(50.0)
    venue.is_down = True
    clock, events = followed(venue, 5)
    assert not clock.is_known and venue.asked > 6 and {event.what for event in events} == {"clock_unknown"}
    assert clock.wall_s(7.0) == 7.0
