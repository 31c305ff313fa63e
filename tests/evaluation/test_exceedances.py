"""Backtests of value at risk: published regions and figures, the size of each test, and that a bad forecast is found."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.exceedances import chance_of_one, chance_of_two, christoffersen, exceedances, kupiec, transitions
from tests.covering import covers

CRITICAL = 3.841459  # of a chi-square with one degree of freedom at 95 %

# Numbers of exceedances that do not reject at 95 %: share promised, forecasts, fewest and most (Kupiec 1995, table of regions).
REGIONS = [
    (0.01, 255, 1, 6),  # the table names no lower edge here; no exceedance at all has a statistic of 5.1
    (0.01, 510, 2, 10),
    (0.01, 1_000, 5, 16),
    (0.025, 255, 3, 11),
    (0.025, 510, 7, 20),
    (0.025, 1_000, 16, 35),
    (0.05, 255, 7, 20),
    (0.05, 510, 17, 35),
    (0.05, 1_000, 38, 64),
    (0.10, 255, 17, 35),
    (0.10, 510, 39, 64),
    (0.10, 1_000, 82, 119),
]


@covers("2.129")
@pytest.mark.parametrize(("share", "count", "fewest", "most"), REGIONS)
def test_the_regions_of_kupiec_s_test_are_the_published_ones(share: float, count: int, fewest: int, most: int) -> None:
    kept = [hits for hits in range(count + 1) if kupiec(hits, count, share) < CRITICAL]
    assert (kept[0], kept[-1]) == (fewest, most)


@covers("2.129")
def test_a_bank_s_year_of_1998_has_the_published_statistics() -> None:
    # 20 exceedances of a 95 % figure in 252 days, 6 of them after another (Jorion, Value at Risk, 3rd edition, chapter 6)
    assert kupiec(20, 252, 0.05) == pytest.approx(3.91, abs=0.005)
    assert christoffersen(218, 14, 14, 6) == pytest.approx(9.53, abs=0.005)


def test_independence_by_hand_where_hits_begin_and_end_unequally_often() -> None:
    hits = np.array([1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1], bool)
    assert transitions(hits) == (6, 3, 3, 3)
    assert transitions(hits[1:-1]) == (6, 2, 3, 2)
    alone = (5 + 4) / 13, (2 + 2) / 13
    chained = 6 * math.log(6 / 8) + 2 * math.log(2 / 8) + 3 * math.log(3 / 5) + 2 * math.log(2 / 5)
    assert christoffersen(6, 2, 3, 2) == pytest.approx(2.0 * (chained - 9 * math.log(alone[0]) - 4 * math.log(alone[1])))


def test_the_chances_are_those_of_chi_square() -> None:
    assert chance_of_one(CRITICAL) == pytest.approx(0.05, abs=1e-6)
    assert chance_of_two(5.991465) == pytest.approx(0.05, abs=1e-6)
    assert (chance_of_one(0.0), chance_of_two(0.0)) == (1.0, 1.0)


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.sampled_from((0.01, 0.05, 0.5)))
def test_statistics_are_never_negative_and_counts_add_up(given: list[bool], share: float) -> None:
    hits = np.array(given)
    found = exceedances(hits, share)
    assert sum(transitions(hits)) == len(hits) - 1 and found.hits == hits.sum() and found.rate == hits.mean()
    assert 0.0 <= found.coverage <= 1.0
    statistic = christoffersen(*transitions(hits))
    assert math.isnan(statistic) or statistic >= 0.0
    assert math.isnan(found.independence) == math.isnan(found.both)


def test_as_many_as_promised_is_no_evidence_and_no_forecasts_are_no_answer() -> None:
    assert kupiec(5, 100, 0.05) == 0.0
    found = exceedances(np.zeros(0, bool), 0.05)
    assert found.forecasts == 0 and math.isnan(found.coverage) and math.isnan(found.rate)
    assert math.isnan(exceedances(np.zeros(50, bool), 0.05).independence)


@covers("2.129")
def test_true_forecasts_are_rarely_rejected_and_late_ones_are() -> None:
    rng = np.random.default_rng(11)
    drawn = rng.random((1_500, 400)) < 0.05
    judged = [exceedances(one, 0.05) for one in drawn]
    # of 1,500 a 5 % rate has a standard error of 0.6 %; the tests are asymptotic, so that 400 forecasts add another 2 %
    assert np.mean([one.coverage < 0.05 for one in judged]) == pytest.approx(0.05, abs=0.03)
    # known to reject too often or too rarely with 20 hits (Christoffersen and Pelletier 2004); between 2 and 12 % by simulation
    assert 0.02 < np.mean([one.independence < 0.05 for one in judged]) < 0.12
    chained = np.zeros(400, bool)
    chained[::100] = chained[1::100] = chained[2::100] = chained[3::100] = chained[4::100] = True  # 20 of 400, five in a row
    found = exceedances(chained, 0.05)
    assert found.coverage == 1.0 and found.independence < 1e-6 and found.both < 1e-5 and found.after_hit == 0.8
