"""The published statistics of a moving-average crossing on GOOG come out of our engine, ledger and scores."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference.goog import growth_by_own_sizes, played, published
from tests.reference.goog_statistics import STATISTICS, Statistic, as_number


@pytest.mark.parametrize("statistic", [one for one in STATISTICS if one.ours], ids=lambda one: one.name)
def test_a_statistic_is_the_published_one(statistic: Statistic) -> None:
    assert statistic.ours is not None
    assert statistic.ours(played()) == pytest.approx(as_number(published()[statistic.name]), rel=1e-8)


def test_every_published_statistic_is_compared_or_explained() -> None:
    assert sorted(one.name for one in STATISTICS) == sorted(published())
    assert all(one.how for one in STATISTICS)


def test_trips_turn_from_side_to_side_without_a_day_between() -> None:
    """The rule is always in the market after its first crossing."""
    trips = played().trips
    assert np.array_equal(trips["closed_ns"][:-1], trips["opened_ns"][1:])
    assert np.array_equal(trips["side"][:-1], -trips["side"][1:])


def test_our_own_scores_differ_where_they_mean_something_else() -> None:
    """Else there would be nothing to explain."""
    for one in STATISTICS:
        if one.score is not None:
            assert one.score(played()) != pytest.approx(as_number(published()[one.name]), rel=1e-3), one.name


def test_the_engines_own_sizes_come_close() -> None:
    """It sizes at the close before the fill: one per cent apart after nine years and 65 turns."""
    own, all_in = growth_by_own_sizes()
    assert own == pytest.approx(all_in, rel=0.02) and own != all_in
