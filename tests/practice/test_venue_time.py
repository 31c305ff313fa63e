"""Venue time goes at its speed; clients are told a clock that may be wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.practice.venue_time import VenueTime
from tests.practice.walking import BEGUN_NS, Clock


@given(st.floats(0.5, 100), st.floats(0, 10_000))
def test_venue_time_is_wall_time_at_its_speed_and_back(speed: float, seconds: float) -> None:
    clock = Clock(7)
    time = VenueTime(BEGUN_NS, speed, clock)
    clock.turn(seconds)
    assert abs(time.now_ns() - BEGUN_NS - seconds * speed * 1e9) <= 1e4
    assert abs(time.wall_until_s(time.now_ns() + int(speed * 1e9)) - 1.0) < 1e-6
    assert time.wall_until_s(BEGUN_NS - 1) == 0.0


def test_a_skewed_clock_is_wrong_for_clients_alone() -> None:
    time = VenueTime(BEGUN_NS, 60.0, Clock())
    time.skew_ms = -2_000
    assert time.told_ms() == BEGUN_NS // 1_000_000 - 2_000
    assert time.now_ns() == BEGUN_NS
