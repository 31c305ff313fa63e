"""The published statistics of a moving-average crossing on GOOG come out of our engine, ledger and scores."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference.goog import STATISTICS, Statistic, as_number, played, published


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
