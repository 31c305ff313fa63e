"""The circuit breaker as a state machine: a law over any story, and the three states by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.runtime.breaker import Breaker
from metastackerbandit.runtime.settings import PriceSettings
from tests.covering import covers

S = 10**9
RULE = PriceSettings(failures_to_open=3, open_s=30.0, successes_to_close=2)


@given(story=st.lists(st.tuples(st.booleans(), st.integers(0, 20 * S)), max_size=60))
def test_while_open_nothing_passes_and_half_open_lets_one_through(story: list[tuple[bool, int]]) -> None:
    breaker, now = Breaker(), 0
    for is_answered, later in story:
        now += later
        was_open, opened = breaker.state == "open", breaker.opened_ns
        allowed = breaker.allows(now, RULE)
        assert allowed == (not was_open or now - opened >= 30 * S)
        if not allowed:
            continue
        if breaker.state == "half-open":
            assert not breaker.allows(now, RULE)  # one at a time
        breaker.succeeded(RULE) if is_answered else breaker.failed(now, RULE)


@covers("2.054")
def test_it_opens_waits_tries_and_closes() -> None:
    breaker = Breaker()
    for n in range(3):
        assert breaker.state == "closed" and breaker.allows(n * S, RULE)
        breaker.failed(n * S, RULE)
    assert breaker.state == "open" and not breaker.allows(31 * S, RULE)
    assert breaker.allows(32 * S, RULE) and breaker.state == "half-open"
    breaker.failed(33 * S, RULE)
    assert breaker.state == "open" and not breaker.allows(62 * S, RULE)
    for _ in range(2):
        assert breaker.allows(63 * S, RULE)
        breaker.succeeded(RULE)
    assert breaker.state == "closed"


def test_a_success_between_failures_begins_the_count_anew_and_giving_up_counts_for_nothing() -> None:
    breaker = Breaker()
    for _ in range(5):
        for _ in range(2):
            breaker.failed(0, RULE)
        breaker.succeeded(RULE)
    assert breaker.state == "closed"
    breaker = Breaker(state="half-open")
    assert breaker.allows(0, RULE) and not breaker.allows(0, RULE)
    breaker.given_up()
    assert breaker.allows(0, RULE)
