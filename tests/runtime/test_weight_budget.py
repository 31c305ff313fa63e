"""The weight budget: no window ever holds more than is allowed, and nobody waits longer than it takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.exchanges.streams import VenueLimits
from metastackerbandit.runtime.weight_budget import WeightBudget

S = 10**9
LIMITS = VenueLimits(weight=200, window_s=60.0, streams=10, attempts=10)


@given(asked=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 40 * S)), max_size=40))
def test_no_window_holds_more_than_the_share(asked: list[tuple[int, int]]) -> None:
    budget, now, spent = WeightBudget(LIMITS, 0.5), 10**18, []
    for weight, later in asked:
        now += later
        now += round(budget.wait_s(weight, now) * S)
        assert budget.wait_s(weight, now) <= 1e-6
        budget.spend(weight, now)
        spent.append((now, weight))
    for begins, _ in spent:
        assert sum(weight for at, weight in spent if begins <= at < begins + 60 * S) <= 100


def test_it_waits_exactly_until_enough_has_left_the_window() -> None:
    budget = WeightBudget(LIMITS, 0.5)
    budget.spend(40, 0)
    budget.spend(40, 10 * S)
    assert budget.wait_s(20, 10 * S) == 0.0
    assert budget.wait_s(21, 10 * S) == 50.0  # the first forty leave at 60 s
    assert budget.wait_s(61, 10 * S) == 60.0
    assert budget.wait_s(500, 10 * S) == 60.0 and budget.wait_s(500, 71 * S) == 0.0  # more than all of it: alone, once nothing else is spent


def test_what_others_use_counts_in_its_share_and_once() -> None:
    budget = WeightBudget(LIMITS, 0.5)
    budget.spend(10, 0)
    budget.told(120, S)  # 120 of 200: as much of ours counts as used
    assert budget.used(S) == 60
    budget.told(120, 2 * S)
    assert budget.used(2 * S) == 60
    budget.told(20, 3 * S)
    assert budget.used(3 * S) == 60


def test_nothing_is_asked_while_the_venue_wants_silence() -> None:
    budget = WeightBudget(LIMITS, 0.5)
    budget.be_silent(30.0, 0)
    budget.be_silent(10.0, 0)
    assert budget.wait_s(1, 0) == 30.0 and budget.wait_s(1, 30 * S) == 0.0
