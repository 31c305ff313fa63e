"""How long a record must be for an edge to show, and which edge a record can show: each undoes the other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.power import detectable_sharpe, years_needed
from metastackerbandit.evaluation.sharpe import luck_of_best


def test_the_years_that_power_asks_for_are_the_published_ones():
    assert [years_needed(sharpe) for sharpe in (0.5, 1.0, 1.5, 2.0, 3.0)] == pytest.approx([24.7, 6.2, 2.7, 1.5, 0.7], abs=0.05)
    assert [years_needed(sharpe, 50) for sharpe in (1.0, 2.0)] == pytest.approx([23.0, 5.7], abs=0.4)


@given(st.floats(0.05, 20.0), st.integers(1, 1_000))
def test_detectable_sharpe_undoes_years_needed(sharpe, trials):
    assert detectable_sharpe(years_needed(sharpe, trials), trials) == pytest.approx(sharpe)


def test_no_time_shows_no_edge_and_a_year_shows_the_sum_of_its_three_distances() -> None:
    assert math.isnan(detectable_sharpe(0.0)) and math.isnan(detectable_sharpe(-1.0, 5))
    assert detectable_sharpe(1.0) == pytest.approx(1.645 + 0.8416)
    assert detectable_sharpe(1.0, 50) == pytest.approx(luck_of_best(50) + 1.645 + 0.8416)
    assert detectable_sharpe(4.0) == pytest.approx(detectable_sharpe(1.0) / 2)
