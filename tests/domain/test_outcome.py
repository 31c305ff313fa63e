"""What whole bars tell of a prediction: the barrier that was touched, or the side of a move that is worth its cost."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row
from metastackerbandit.domain.outcome import set_barriers, truth_of
from metastackerbandit.domain.prediction import IN_DOWN, IN_FLAT, IN_UP
from metastackerbandit.stacking.coverage import IssuedSet, SetTerms
from tests.covering import covers

FEW = settings(max_examples=50)
ENTRY = 1_048_576  # ticks, a power of two: multiples of 1/1024 of it are exact
TERMS = row(SetTerms(0.2, 0.01, 0.001, 0.2))[0]
UPS, DOWNS = st.integers(0, 30_000), st.integers(0, 30_000)


def followed(barrier: float, entry: int = ENTRY) -> Any:
    """A prediction that was entered at `entry`, with its barriers so far away (fraction)."""
    issued = row(IssuedSet(7, 0, 8, barrier, 0, 0.0, 0.0, 0))[0]
    set_barriers(issued, entry)
    return issued


def terms(cost: float, flat_share: float) -> Any:
    """What a move must be worth."""
    return row(SetTerms(0.2, 0.01, cost, flat_share))[0]


def plainly(barrier: Fraction, high: int, low: int, close: int, is_over: bool, cost: Fraction, share: Fraction) -> int:
    """The rule in exact numbers: prices as fractions of the entry."""
    up, down, end = (Fraction(price - ENTRY, ENTRY) for price in (high, low, close))
    touched = [side for side, is_touched in ((IN_UP, up >= barrier), (IN_DOWN, -down >= barrier)) if is_touched]
    if touched:
        return touched[0] if len(touched) == 1 and barrier > cost else IN_FLAT
    if not is_over:
        return 0
    worth = abs(end) > cost and abs(end) >= share * barrier
    return (IN_UP if end > 0 else IN_DOWN) if worth else IN_FLAT


@settings(max_examples=150)
@given(
    barrier=st.integers(1, 24),
    up=st.integers(0, 26),
    down=st.integers(0, 26),
    close=st.integers(-26, 26),
    is_over=st.booleans(),
    cost=st.integers(0, 8),
    quarters=st.integers(0, 4),
)
def test_a_bar_tells_what_the_rule_says_in_exact_numbers(barrier, up, down, close, is_over, cost, quarters):
    close = max(min(close, up), -down)
    step = ENTRY // 1_024
    told = truth_of(
        followed(barrier / 1_024), ENTRY + up * step, ENTRY - down * step, ENTRY + close * step, is_over, terms(cost / 1_024, quarters / 4)
    )
    shares = Fraction(barrier, 1_024), Fraction(cost, 1_024), Fraction(quarters, 4)
    assert told == plainly(shares[0], ENTRY + up * step, ENTRY - down * step, ENTRY + close * step, is_over, *shares[1:])


@covers("B09", "K6")
@FEW
@given(barrier=st.floats(0.001, 0.02), high=UPS, low=DOWNS, close=st.integers(-30_000, 30_000), is_over=st.booleans())
def test_the_mirrored_bar_tells_the_mirrored_class(barrier: float, high: int, low: int, close: int, is_over: bool) -> None:
    close = max(min(close, high), -low)
    one = truth_of(followed(barrier), ENTRY + high, ENTRY - low, ENTRY + close, is_over, TERMS)
    other = truth_of(followed(barrier), ENTRY + low, ENTRY - high, ENTRY - close, is_over, TERMS)
    assert other == {0: 0, IN_FLAT: IN_FLAT, IN_UP: IN_DOWN, IN_DOWN: IN_UP}[one]


@FEW
@given(barrier=st.floats(0.001, 0.02), high=UPS, low=DOWNS, close=st.integers(-30_000, 30_000))
def test_the_end_of_the_horizon_tells_what_is_open_and_changes_nothing_that_was_told(barrier: float, high: int, low: int, close: int) -> None:
    close = max(min(close, high), -low)
    before, after = (truth_of(followed(barrier), ENTRY + high, ENTRY - low, ENTRY + close, is_over, TERMS) for is_over in (False, True))
    assert after in (IN_DOWN, IN_FLAT, IN_UP) and before in (0, after)


@FEW
@given(price=st.integers(1, 2**40), barrier=st.floats(0.0, 0.5))
def test_barriers_stand_as_far_above_the_entry_as_below_it(price: int, barrier: float) -> None:
    issued = followed(barrier, price)
    assert issued.entry == price
    assert float(issued.upper) == pytest.approx(price + price * barrier, rel=1e-15)
    assert float(issued.lower) == pytest.approx(price - price * barrier, rel=1e-15)


@pytest.mark.parametrize(
    ("high", "low", "close", "is_over", "truth"),
    [
        (10_100, 9_990, 10_000, False, IN_UP),  # the barriers are 10,100 and 9,900, and touched at their very price
        (10_099, 9_901, 10_000, False, 0),
        (10_010, 9_900, 10_000, False, IN_DOWN),
        (10_100, 9_900, 10_090, False, IN_FLAT),  # nobody knows which was first
        (10_100, 9_900, 10_090, True, IN_FLAT),
        (10_050, 9_950, 10_020, True, IN_UP),  # 20 bps: more than the cost of 10, and the flat band's 20 are reached
        (10_050, 9_950, 9_980, True, IN_DOWN),
        (10_050, 9_950, 10_019, True, IN_FLAT),
        (10_050, 9_950, 9_981, True, IN_FLAT),
        (10_050, 9_950, 10_000, True, IN_FLAT),
    ],
)
def test_by_hand(high: int, low: int, close: int, is_over: bool, truth: int) -> None:
    """Entry 10,000, barriers at 1 %, a round trip of 10 bps, a flat band of a fifth of the barrier."""
    assert truth_of(followed(0.01, 10_000), high, low, close, is_over, TERMS) == truth


def test_a_move_of_its_very_cost_is_flat_and_a_barrier_no_farther_than_its_cost_has_no_side() -> None:
    for close, truth in ((10_020, IN_FLAT), (10_021, IN_UP), (9_980, IN_FLAT), (9_979, IN_DOWN)):
        assert truth_of(followed(0.01, 10_000), 10_050, 9_950, close, True, terms(0.002, 0.0)) == truth
    for cost, truth in ((0.5, IN_FLAT), (0.25, IN_FLAT), (0.2499, IN_UP)):
        assert truth_of(followed(0.25), 2 * ENTRY, ENTRY, ENTRY, False, terms(cost, 0.0)) == truth
    assert truth_of(followed(0.0005), ENTRY + 1_000, ENTRY - 100, ENTRY + 900, False, TERMS) == IN_FLAT
