"""Round trips: shares and ratios as anybody counts them, and bounds from drawing the trips again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.chance import advance, words_of
from metastackerbandit.evaluation.bootstrap import UNKNOWN, interval
from metastackerbandit.evaluation.trips import LOSSES, LOST, TRIP_COLUMNS, WINS, WON, draw_trips, tally_over, trip_scores
from tests.evaluation.books import trips_of

NETS = st.lists(st.integers(-50, 50), min_size=1, max_size=25)


def counted(nets: np.ndarray) -> list[float]:
    """Wins, losses, money won and money lost."""
    won, lost = nets[nets > 0.0], nets[nets < 0.0]
    return [len(won), len(lost), won.sum(), -lost.sum()]


def redrawn(nets: np.ndarray, times: int, seed: int) -> np.ndarray:
    """Nets drawn with replacement (R, N) from the trips' own stream of the seed."""
    state = tuple(int(word) for word in words_of(seed, 2))
    drawn = np.zeros((times, len(nets)))
    for r in range(times):
        for n in range(len(nets)):
            draw, *rest = advance(*state)
            state = tuple(rest)
            drawn[r, n] = nets[int(draw / 2**32 * len(nets))]
    return drawn


@given(NETS, st.integers(0, 50))
@settings(max_examples=25)
def test_every_draw_is_a_sample_of_as_many_trips(values: list[int], seed: int) -> None:
    nets = np.array(values, np.float64)
    own, drawn = np.zeros((1, TRIP_COLUMNS)), np.zeros((4, TRIP_COLUMNS))
    tally_over(nets, own)
    assert own[0].tolist() == counted(nets)
    draw_trips(nets, words_of(seed, 2), drawn)
    assert drawn.tolist() == [counted(sample) for sample in redrawn(nets, 4, seed)]


@given(NETS)
@settings(max_examples=25)
def test_scores_are_what_a_trader_counts(values: list[int]) -> None:
    nets = np.array(values, np.float64)
    wins, losses, won, lost = counted(nets)
    found = trip_scores(trips_of(values), 50, 3)
    assert found["hit_rate"].value == wins / len(nets)
    payoff = (won / wins) / (lost / losses) if wins and losses else math.nan
    factor = won / lost if losses else math.nan
    assert (found["payoff"].value, found["profit_factor"].value) == pytest.approx((payoff, factor), nan_ok=True)


def test_bounds_are_those_of_the_trips_drawn_again() -> None:
    nets = np.array([30.0, -10.0, 20.0, -20.0, 0.0, 7.0, -3.0, -1.0, 12.0, 5.0])
    samples = np.array([counted(sample) for sample in redrawn(nets, 300, 5)])
    wins, losses, won, lost = samples[:, WINS], samples[:, LOSSES], samples[:, WON], samples[:, LOST]
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = {"hit_rate": wins / 10, "payoff": won / wins / (lost / losses), "profit_factor": np.where(losses > 0, won / lost, np.nan)}
    found = trip_scores(trips_of(nets), 300, 5)
    assert list(found) == list(expected)
    for name, draws in expected.items():
        told = interval(found[name].value, np.where(np.isfinite(draws), draws, np.nan))
        assert (found[name].low, found[name].high) == pytest.approx((told.low, told.high)), name
        assert told.low < found[name].value < told.high
    assert found["hit_rate"].low > 0.1 and found != trip_scores(trips_of(nets), 300, 6)


def test_without_trips_nothing_is_known_and_without_losses_no_ratio() -> None:
    assert trip_scores(trips_of([]), 50, 0) == dict.fromkeys(("hit_rate", "payoff", "profit_factor"), UNKNOWN)
    with np.errstate(all="raise"):
        won, lost = trip_scores(trips_of([5, 6]), 50, 0), trip_scores(trips_of([-5, -6]), 50, 0)
    assert (won["hit_rate"].value, lost["hit_rate"].value, lost["profit_factor"].value) == (1.0, 0.0, 0.0)
    assert all(math.isnan(found.value) for found in (won["payoff"], won["profit_factor"], lost["payoff"]))
