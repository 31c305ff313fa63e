"""Bets on the sign of bounded numbers: a capital that multiplies as stakes say, and that a fair game keeps from growing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.evaluation.betting import BETS, STAKES, bet_log, bet_step

VALUES = st.lists(st.floats(-2, 2), max_size=30)


@given(VALUES)
@settings(max_examples=40)
def test_capital_is_the_mean_over_stakes_of_what_each_has_multiplied_to(values: list[float]) -> None:
    capital = np.zeros(BETS)
    for x in values:
        bet_step(capital, x)
    for sign, first in ((1.0, 0), (-1.0, STAKES)):
        each = [math.prod(1.0 + sign * stake * max(-1.0, min(1.0, x)) for x in values) for stake in (0.05, 0.1, 0.2, 0.4)]
        assert np.exp(capital[first : first + STAKES]) == pytest.approx(each)
        assert math.exp(bet_log(capital, first)) == pytest.approx(sum(each) / 4)


@given(st.lists(st.floats(-2, 2), max_size=30))
def test_bets_on_the_other_sign_are_the_mirrored_bets(values: list[float]) -> None:
    one, other = np.zeros(BETS), np.zeros(BETS)
    for x in values:
        bet_step(one, x)
        bet_step(other, -x)
    assert one[:STAKES].tobytes() == other[STAKES:].tobytes()


def test_betting_grows_on_a_mean_above_zero_and_seldom_on_none() -> None:
    rng, alarmed = np.random.default_rng(5), 0
    for _ in range(300):
        capital, most = np.zeros(BETS), 0.0
        for x in rng.choice(np.array([-1.0, 1.0]), 500):
            bet_step(capital, x)
            most = max(most, bet_log(capital, 0))
        alarmed += most >= math.log(20)
    assert alarmed / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)
    capital = np.zeros(BETS)
    for x in rng.normal(0.3, 0.5, 200):
        bet_step(capital, float(x))
    assert bet_log(capital, 0) > math.log(1_000) and bet_log(capital, STAKES) < 0


def test_no_capital_is_too_large_or_too_small_to_be_told() -> None:
    capital = np.zeros(BETS)
    for _ in range(5_000):
        bet_step(capital, 1.0)
    assert bet_log(capital, 0) == pytest.approx(5_000 * math.log(1.4) - math.log(4))
    assert bet_log(capital, STAKES) == pytest.approx(5_000 * math.log(0.95) - math.log(4))
    for k in range(BETS):
        capital = np.where(np.arange(BETS) == k, 2_000.0, 0.0)
        assert bet_log(capital, 0 if k < STAKES else STAKES) == pytest.approx(2_000.0 - math.log(4))
