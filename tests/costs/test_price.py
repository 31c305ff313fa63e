"""A taker never does better than the reference, and pays less than a tick beyond the exact cost."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.costs.price import taken_at
from tests.covering import covers

FEW = settings(max_examples=50)
PRICES = st.integers(1, 2**40)
RATES = st.integers(0, 30_000_000)


@covers("A42")
@FEW
@given(reference=PRICES, side=st.sampled_from([-1, 1]), rate=RATES)
def test_a_taker_pays_at_least_the_exact_price_and_less_than_one_tick_beyond_it(reference: int, side: int, rate: int) -> None:
    ticks = taken_at(reference, side, rate)
    exact = reference + side * Fraction(reference * rate, 10**8)
    assert ticks >= 1
    assert side * (ticks - reference) >= 0
    if exact > 1:
        assert 0 <= side * (ticks - exact) < 1


@FEW
@given(reference=st.integers(1_000, 2**40), rate=RATES)
def test_buying_and_selling_are_equally_far_from_the_reference(reference: int, rate: int) -> None:
    assert taken_at(reference, 1, rate) - reference == reference - taken_at(reference, -1, rate)


def test_any_cost_at_all_is_a_whole_tick() -> None:
    assert taken_at(500_000, 1, 1) == 500_001
    assert taken_at(500_000, -1, 1) == 499_999
    assert taken_at(500_000, 1, 0) == taken_at(500_000, -1, 0) == 500_000


def test_a_price_stays_positive() -> None:
    assert [taken_at(reference, -1, 1) for reference in (1, 2, 3)] == [1, 1, 2]
    assert taken_at(5, -1, 200_000_000) == 1
