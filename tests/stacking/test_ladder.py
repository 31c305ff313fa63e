"""The ladder: what is allowed grows with independent outcomes, never shrinks, and says when the next rung comes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.stacking.ladder import RUNGS, climb_text, most_coefficients, next_rung, rung_of, shrink_to_prior, years_to


@pytest.mark.parametrize(
    ("n_eff", "size", "is_pooled", "is_tried", "newest"),
    [
        (0, 0.0, True, False, "prior"),
        (99.9, 0.0, True, False, "prior"),
        (100, 0.0, True, True, "logistic"),
        (499, 0.0, True, True, "logistic"),
        (500, 0.25, True, True, "logistic"),
        (1_999, 0.25, True, True, "logistic"),
        (2_000, 0.5, True, True, "lightgbm"),
        (10_000, 1.0, False, True, "mlp"),
        (50_000, 1.0, False, True, "network"),
        (math.nan, 0.0, True, False, "prior"),
    ],
)
def test_rungs_are_those_of_the_table(n_eff, size, is_pooled, is_tried, newest):
    rung = rung_of(n_eff)
    assert (rung.size, rung.is_pooled, rung.is_tried, rung.families[-1]) == (size, is_pooled, is_tried, newest)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_outcomes_never_allow_less(one, other):
    low, high = rung_of(min(one, other)), rung_of(max(one, other))
    assert low.size <= high.size and set(low.families) <= set(high.families)


def test_the_budget_of_coefficients_is_the_law():
    """Method 2.6, IC .05: .3 coefficients at 200, 1.6 at 1,000, 8 at 5,000, 40 at 25,000."""
    assert [most_coefficients(0.05, n) for n in (200, 1_000, 5_000, 25_000)] == pytest.approx([0.32, 1.6, 8.0, 40.0])


def test_output_is_shrunk_by_what_stands_behind_it():
    p, prior = np.array([[0.1, 0.2, 0.7]]), np.array([0.3, 0.4, 0.3])
    assert shrink_to_prior(p, prior, 0.0)[0] == pytest.approx(prior)
    assert shrink_to_prior(p, prior, 500.0)[0] == pytest.approx((p[0] + prior) / 2)
    assert shrink_to_prior(p, prior, 1e12)[0] == pytest.approx(p[0])


def test_the_next_rung_has_a_date():
    assert years_to(202.0, 500.0, 202.0) == pytest.approx(298 / 202)
    assert years_to(600.0, 500.0, 1.0) == 0.0 and years_to(1.0, 2.0, 0.0) == math.inf
    above = next_rung(499.0)
    assert above is not None and above.least == 500.0 and next_rung(50_000.0) is None
    text = "202 independent outcomes: pooled, paper only, size x 0; pooled (size x 0.25) from 500, in 1.5 years at 202 a year"
    assert climb_text(202.0, 202.0) == text
    assert "never" in climb_text(10.0, 0.0) and "no higher rung" in climb_text(60_000.0, 1.0)
    assert [rung.least for rung in RUNGS] == sorted(rung.least for rung in RUNGS)
