"""The chance of a Student-t variable, and the mathematics below it, against closed forms and against scipy's."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betainc, betaln, stdtr

from metastackerbandit.stacking.student import beta_fraction, log_beta_half, stirling, student_chance

FREEDOMS = (0.3, 1.0, 2.5, 6.0, 7.3, 30.0, 105.6, 1_000.0, 5_006.0, 200_000.0)


def bernoulli(count: int) -> list[Fraction]:
    """The first Bernoulli numbers, by their recursion."""
    found = [Fraction(1)]
    for n in range(1, count):
        found.append(-sum(math.comb(n + 1, k) * found[k] for k in range(n)) / Fraction(n + 1))
    return found


@given(a=st.integers(1, 50))
def test_stirlings_series_is_that_of_bernoullis_numbers(a: int) -> None:
    """DLMF 5.11.1: the sum of B(2k) / (2k (2k - 1) a^(2k - 1)), to the ninth power."""
    numbers = bernoulli(11)
    series = sum(numbers[2 * k] / (2 * k * (2 * k - 1) * Fraction(a) ** (2 * k - 1)) for k in range(1, 6))
    assert stirling(float(a)) == pytest.approx(float(series), rel=1e-14)


@given(a=st.floats(12.0, 200.0))
def test_stirlings_formula_with_its_series_is_the_gamma_function(a: float) -> None:
    assert (a - 0.5) * math.log(a) - a + 0.5 * math.log(2.0 * math.pi) + stirling(a) == pytest.approx(math.lgamma(a), rel=1e-14)


@given(n=st.integers(1, 3_000))
def test_the_beta_function_of_a_half_is_a_binomial_coefficient(n: int) -> None:
    """B(n, 1/2) = 4^n / (n C(2n, n)) and B(n + 1/2, 1/2) = pi C(2n, n) / 4^n, both exact until the logarithm."""
    middle = Fraction(math.comb(2 * n, n), 4**n)
    assert log_beta_half(float(n)) == pytest.approx(math.log(1 / (n * middle)), rel=1e-14, abs=4e-15)
    assert log_beta_half(n + 0.5) == pytest.approx(math.log(math.pi * middle), rel=1e-14, abs=4e-15)


@given(a=st.floats(0.01, 40.0))
def test_the_beta_function_of_a_half_is_scipys(a: float) -> None:
    assert log_beta_half(a) == pytest.approx(betaln(a, 0.5), rel=1e-13, abs=1e-13)


@given(a=st.floats(0.1, 5_000.0), b=st.floats(0.1, 50.0), share=st.floats(0.001, 0.999))
def test_the_fraction_gives_the_incomplete_beta_function(a: float, b: float, share: float) -> None:
    x = share * (a + 1.0) / (a + b + 2.0)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - betaln(a, b)) / a
    assert front * beta_fraction(a, b, x) == pytest.approx(betainc(a, b, x), rel=1e-9, abs=1e-250)
    assert beta_fraction(1.0, b, 0.25 * share) == pytest.approx((1.0 - (1.0 - 0.25 * share) ** b) / (b * 0.25 * share * (1.0 - 0.25 * share) ** b))


@pytest.mark.parametrize(("a", "b", "x"), [(0.5, 2.5, 0.5), (0.5, 2.5, 0.625), (1.0, 7.0, 0.5)])
def test_a_denominator_of_zero_is_passed(a: float, b: float, x: float) -> None:
    """Beyond where it converges fast the first, an even and an odd one are exactly zero."""
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - betaln(a, b)) / a
    assert front * beta_fraction(a, b, x) == pytest.approx(betainc(a, b, x), rel=1e-9)


@given(t=st.floats(-1e4, 1e4))
def test_chances_of_one_two_and_four_degrees_have_closed_forms(t: float) -> None:
    assert student_chance(t, 1.0) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-13)
    assert student_chance(t, 2.0) == pytest.approx(0.5 + t / (2.0 * math.sqrt(2.0 + t * t)), abs=1e-13)
    s = t / math.sqrt(4.0 + t * t)
    assert student_chance(t, 4.0) == pytest.approx(0.5 + (3.0 * s - s**3) / 4.0, abs=1e-13)


def test_the_chance_of_a_student_variable_is_that_of_a_table() -> None:
    """Against scipy's, everywhere a posterior can be and far beyond."""
    for freedom in FREEDOMS:
        for t in (0.0, 1e-12, 1e-6, 0.01, 0.3, 0.9, 1.036, 1.5, 2.3, 6.0, 40.0, 1e6):
            for signed in (t, -t):
                assert student_chance(signed, freedom) == pytest.approx(stdtr(freedom, signed), abs=1e-10)


@given(t=st.floats(-50, 50), freedom=st.floats(0.5, 10_000))
def test_chances_mirror_and_rise(t: float, freedom: float) -> None:
    assert student_chance(t, freedom) + student_chance(-t, freedom) == pytest.approx(1.0, abs=1e-14)
    assert student_chance(t, freedom) <= student_chance(t + 0.5, freedom) + 1e-14
    assert 0.0 <= student_chance(t, freedom) <= 1.0


def test_the_limits_of_a_student_variable_are_answered() -> None:
    assert (student_chance(math.inf, 3.0), student_chance(-math.inf, 3.0), student_chance(0.0, 3.0)) == (1.0, 0.0, 0.5)
    assert student_chance(1e-200, 3.0) == 0.5  # its square is no number
    assert math.isnan(student_chance(math.nan, 3.0)) and math.isnan(student_chance(1.0, math.nan))
