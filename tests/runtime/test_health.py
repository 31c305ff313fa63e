"""Facts of a connection against plain lists of what came."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.runtime.health import LATENCIES, RATED_S, empty_health, facts_of, heard, newest_stamp_ns, turned
from tests.covering import covers

S = 10**9
START = 1_700_000_000 * S


@covers("C08")
@given(
    steps=st.lists(st.tuples(st.integers(0, 5 * S), st.integers(-S, 3 * S), st.booleans()), min_size=1, max_size=150), after=st.integers(0, 200 * S)
)
def test_rate_and_latency_are_of_the_newest(steps: list[tuple[int, int, bool]], after: int) -> None:
    health, now, came, late = empty_health(1, START), START, [], []
    for later, latency, is_stamped in steps:
        now += later
        heard(health, 0, now, now - latency if is_stamped else 0, 10, False)
        came.append(now)
        late += [latency / 1e6] if is_stamped else []
    now += after
    facts = facts_of(health, 0, now)
    whole = sum(now // S - RATED_S <= at // S < now // S for at in came)
    assert (facts.frames, facts.bytes_in, facts.rate) == (len(came), 10 * len(came), whole / RATED_S)
    assert facts.age_s == pytest.approx((now - came[-1]) / S)
    newest = late[-LATENCIES:]
    assert facts.latency_ms == (pytest.approx(np.mean(newest), abs=1e-6) if newest else None)
    assert facts.latency_p99_ms == (pytest.approx(np.quantile(newest, 0.99), abs=1e-6) if newest else None)


@covers("C08")
def test_a_connection_that_never_spoke_says_so_and_uptime_is_of_measured_intervals() -> None:
    health = empty_health(2, START)
    facts = facts_of(health, 0, START + 5 * S)
    assert (facts.age_s, facts.latency_ms, facts.round_trip_ms, facts.rate, facts.uptime, facts.is_up) == (None, None, None, 0.0, 0.0, False)
    for at, is_up in ((10, True), (10, True), (40, False), (50, True)):
        turned(health, 0, is_up, START + at * S)
    assert facts_of(health, 0, START + 60 * S).uptime == pytest.approx(40 / 60)
    assert facts_of(health, 1, START + 60 * S).frames == 0


def test_a_broken_frame_is_counted_and_a_clock_that_goes_back_harms_nothing() -> None:
    health = empty_health(1, START)
    heard(health, 0, START + 100 * S, 0, 10, True)
    heard(health, 0, START, 0, 10, False)
    facts = facts_of(health, 0, START + 101 * S)
    assert (facts.frames, facts.broken, facts.age_s, facts.rate) == (2, 1, 1.0, 2 / RATED_S)


def test_the_newest_stamp_is_that_of_the_newest_frame_that_has_one() -> None:
    health = empty_health(2, START)
    assert newest_stamp_ns(health, 0) == 0
    for n in range(LATENCIES + 5):
        heard(health, 0, START + n * S, START + n * S - 7, 10, False)
        assert newest_stamp_ns(health, 0) == START + n * S - 7
    assert newest_stamp_ns(health, 1) == 0
