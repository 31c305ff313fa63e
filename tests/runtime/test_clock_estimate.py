"""The estimate of a venue's clock: never mistaken by more than it says, never ahead where it must not be, whatever network and rate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.runtime.clock_estimate import ClockEstimate, TimeSample

MS, S = 10**6, 10**9
WALL, VENUE = 1_760_000_000 * S, 1_600_000_000 * S
trips = st.lists(st.tuples(st.integers(0, 500 * MS), st.integers(0, 500 * MS), st.integers(0, 10 * S)), min_size=1, max_size=20)


@given(trips, st.sampled_from([1.0, 60.0, 0.5, 3_600.0]), st.integers(0, 60 * S))
def test_the_error_is_within_what_it_says_and_the_sure_time_is_never_ahead(told: list[tuple[int, int, int]], rate: float, later: int) -> None:
    estimate, wall = ClockEstimate(8), WALL
    for there, back, pause in told:
        read_at = wall + there
        shown = (VENUE + round((read_at - WALL) * rate)) // MS * MS  # the venue tells whole milliseconds
        estimate.took(TimeSample(wall, read_at + back, shown, rate))
        wall = read_at + back + pause
    line = estimate.line()
    assert line is not None
    true = VENUE + round((wall + later - WALL) * rate)
    rounding = 1_000  # of a float that counts ns over minutes
    assert abs(line.at(wall + later) - true) <= line.error_ns + rounding
    assert line.surely(wall + later) <= true + rounding
    assert line.wall_s(60.0) == 60.0 / rate


def test_the_shortest_trip_counts_and_old_samples_go() -> None:
    estimate = ClockEstimate(2)
    assert estimate.line() is None
    for sent, trip, venue in ((0, 100 * MS, 1), (S, 10 * MS, 2), (2 * S, 50 * MS, 3)):
        estimate.took(TimeSample(sent, sent + trip, venue, 1.0))
    line = estimate.line()
    assert line is not None and (line.venue_ns, line.wall_ns, line.error_ns) == (2, S + 5 * MS, 6 * MS)
    estimate.took(TimeSample(3 * S, 3 * S + 40 * MS, 4, 1.0))
    line = estimate.line()
    assert line is not None and line.venue_ns == 4


def test_another_rate_is_measured_anew_and_a_clock_set_back_says_nothing() -> None:
    estimate = ClockEstimate(4)
    estimate.took(TimeSample(0, MS, 10, 1.0))
    estimate.took(TimeSample(5 * S, 5 * S - MS, 99, 1.0))
    line = estimate.line()
    assert line is not None and line.venue_ns == 10
    estimate.took(TimeSample(6 * S, 6 * S + 9 * MS, 20, 60.0))
    line = estimate.line()
    assert line is not None and (line.venue_ns, line.rate) == (20, 60.0)
    estimate.forget()
    assert estimate.line() is None
