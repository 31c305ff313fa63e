"""Waiting before another attempt: it grows, it is bounded, chance shortens it, and a stable time begins anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.runtime.backoff import Backoff
from metastackerbandit.runtime.settings import BackoffSettings
from tests.covering import covers

DRAWS = st.floats(0.0, 1.0, exclude_max=True)


@covers("2.029", "2.053")
@given(draws=st.lists(DRAWS, min_size=1, max_size=60), jitter=st.floats(0.0, 1.0))
def test_each_wait_is_double_the_last_up_to_a_bound_less_what_chance_takes(draws: list[float], jitter: float) -> None:
    rule, backoff = BackoffSettings(first_s=0.5, most_s=60.0, jitter=jitter), Backoff()
    for place, draw in enumerate(draws):
        wait = backoff.wait_s(rule, draw)
        whole = min(0.5 * 2.0**place, 60.0)
        assert wait == whole * (1.0 - jitter * draw) and whole * (1.0 - jitter) <= wait <= whole


@covers("C09")
def test_a_stable_time_begins_anew_and_a_short_one_does_not() -> None:
    rule, backoff = BackoffSettings(first_s=1.0, most_s=60.0, jitter=0.0, stable_s=30.0), Backoff()
    assert [backoff.wait_s(rule, 0.9) for _ in range(4)] == [1.0, 2.0, 4.0, 8.0]
    assert backoff.wait_s(rule, 0.9, lasted_s=29.9) == 16.0
    assert backoff.wait_s(rule, 0.9, lasted_s=30.0) == 1.0
    assert backoff.wait_s(rule, 0.9) == 2.0
    backoff.succeeded()
    assert backoff.wait_s(rule, 0.9) == 1.0


def test_it_never_gives_up_and_never_overflows() -> None:
    rule, backoff = BackoffSettings(), Backoff(failed=10**6)
    assert backoff.wait_s(rule, 0.0) == rule.most_s
