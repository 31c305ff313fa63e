"""Calibration curves: each can only rise, is the best of its kind, and a row's three values over their sum mirror to the bit."""

from __future__ import annotations

import math
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from metastackerbandit.stacking.classes import turned
from metastackerbandit.stacking.curves import beta_into, between, fit_beta, fit_isotonic, isotonic_into
from tests.covering import covers
from tests.stacking.worlds import drawn, of_lead

LEAST = 1e-6
SEEDS = st.integers(0, 10_000)


def rows_of(seed: int, count: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers (N, 3) that are three times as sure as they should be, the classes that came, and weights of which some are zero."""
    rng = np.random.default_rng(seed)
    lead = rng.normal(0.1, 0.5, count)
    return of_lead(3.0 * lead), drawn(rng, of_lead(lead)), rng.choice([0.0, 0.5, 1.0, 1.5], count)


def beta(probabilities: np.ndarray, curves: Any) -> np.ndarray:
    out = np.empty_like(probabilities)
    beta_into(out, probabilities, np.array(curves, float), LEAST)
    return out


def isotonic(probabilities: np.ndarray, curves: Any) -> np.ndarray:
    out = np.empty_like(probabilities)
    isotonic_into(out, probabilities, *(np.array(knots, float) for curve in curves for knots in curve))
    return out


# -- applying ----------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(seed=SEEDS)
def test_a_beta_curve_is_a_line_in_two_logarithms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, curves = rng.dirichlet(np.ones(3), 6), np.column_stack((rng.uniform(0.0, 3.0, (3, 2)), rng.normal(size=3)))
    p[0], p[1] = [0.0, 0.0, 1.0], [0.5, 0.5, 0.0]
    held = np.clip(p, LEAST, 1.0 - LEAST)
    values = 1.0 / (1.0 + np.exp(-(curves[:, 0] * np.log(held) - curves[:, 1] * np.log1p(-held) + curves[:, 2])))
    found = beta(p, curves)
    assert found == pytest.approx(values / values.sum(axis=1, keepdims=True), rel=1e-12)
    assert all(beta(p[n : n + 1], curves).tobytes() == found[n].tobytes() for n in range(6))


def test_the_curve_of_ones_leaves_probabilities_as_they_are() -> None:
    p = np.array([[0.2, 0.3, 0.5], [0.01, 0.98, 0.01], [np.nan, np.nan, np.nan]])
    found = beta(p, [(1.0, 1.0, 0.0)] * 3)
    assert found[:2] == pytest.approx(p[:2], rel=1e-12) and np.isnan(found[2]).all()


@given(knots=st.dictionaries(st.integers(0, 50), st.floats(0.0, 1.0), min_size=1, max_size=9), place=st.integers(-10, 300))
def test_between_knots_it_is_a_line_and_level_beyond(knots: dict[int, float], place: int) -> None:
    xs, ys, x = np.array(sorted(knots)) / 50.0, np.array([knots[one] for one in sorted(knots)]), place / 250.0
    assert between(xs, ys, x) == pytest.approx(np.interp(x, xs, ys), abs=1e-12)
    assert [between(xs, ys, one) for one in xs] == ys.tolist()
    assert math.isnan(between(xs, ys, math.nan))


@settings(max_examples=40)
@given(seed=SEEDS)
def test_isotonic_values_are_read_between_knots_and_divided_by_their_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(3), 6)
    curves = [(np.sort(rng.random(count)), np.sort(rng.uniform(0.05, 1.0, count))) for count in (3, 2, 5)]
    values = np.column_stack([np.interp(p[:, k], *curves[k]) for k in range(3)])
    found = isotonic(p, curves)
    assert found == pytest.approx(values / values.sum(axis=1, keepdims=True), rel=1e-12)
    assert all(isotonic(p[n : n + 1], curves).tobytes() == found[n].tobytes() for n in range(6))


@covers("K6")
@given(seed=SEEDS)
def test_one_curve_for_down_and_up_mirrors_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, side, flat = rng.dirichlet(np.ones(3), 6), (1.4, 0.7, 0.2), (0.8, 1.1, -0.1)
    assert beta(turned(p), (side, flat, side)).tobytes() == turned(beta(p, (side, flat, side))).tobytes()
    steps, level = ((0.1, 0.5, 0.8), (0.2, 0.3, 0.7)), ((0.5,), (0.4,))
    assert isotonic(turned(p), (steps, level, steps)).tobytes() == turned(isotonic(p, (steps, level, steps))).tobytes()


# -- fitting -----------------------------------------------------------------------------------------------------------


def with_mirrors(answers: np.ndarray, side: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.concatenate((answers, answers[:, ::-1])), np.concatenate((side, 2 - side)), np.tile(weight, 2)


@example(seed=351, symmetric=False, pull=0.1)  # L-BFGS-B alone stops where the loss still falls by .01 a unit
@settings(max_examples=8)
@given(seed=SEEDS, symmetric=st.booleans(), pull=st.sampled_from([0.1, 5.0, 50.0]))
def test_a_beta_curve_is_the_best_that_rises(seed: int, symmetric: bool, pull: float) -> None:
    """Log loss and pull found again by another method, a and b being squares."""
    answers, side, weight = rows_of(seed)
    found = fit_beta(answers, side, weight, 50.0, pull=pull, least=LEAST, symmetric=symmetric)
    assert all(a >= 0.0 and b >= 0.0 for a, b, _ in found) and (found[0] == found[2] or not symmetric)
    if symmetric:
        answers, side, weight = with_mirrors(answers, side, weight)
    for k in range(3):

        def cost(curve: np.ndarray, k: int = k) -> float:
            logits = curve[0] * np.log(answers[:, k]) - curve[1] * np.log1p(-answers[:, k]) + curve[2]
            losses = np.logaddexp(0.0, np.where(side == k, -logits, logits))
            return float(np.average(losses, weights=weight)) + pull / 50.0 * ((curve[0] - 1) ** 2 + (curve[1] - 1) ** 2 + curve[2] ** 2) / 2.0

        least = minimize(lambda root, cost=cost: cost(np.array([root[0] ** 2, root[1] ** 2, root[2]])), [1.0, 1.0, 0.0], method="BFGS")
        assert cost(np.array(found[k])) <= least.fun + 1e-6


def test_more_pull_keeps_a_curve_nearer_to_none() -> None:
    rows = rows_of(2)
    away = [
        abs(fit_beta(*rows, n_eff, pull=pull, least=LEAST, symmetric=False)[2][0] - 1.0) for n_eff, pull in ((50.0, 0.1), (50.0, 5.0), (50.0, 1e5))
    ]
    assert away[0] > away[1] > away[2] and away[2] < 1e-3
    shared = [fit_beta(*rows, n_eff, pull=n_eff / 10.0, least=LEAST, symmetric=False) for n_eff in (50.0, 500.0)]
    assert np.array(shared[0]) == pytest.approx(np.array(shared[1]))


def test_a_class_that_points_the_wrong_way_gets_a_level_curve() -> None:
    answers, side, weight = rows_of(3, 400)
    down, _, up = fit_beta(turned(answers), side, weight, 1e6, pull=1e-3, least=LEAST, symmetric=False)
    assert (down[0], down[1], up[0], up[1]) == (0.0, 0.0, 0.0, 0.0)


def test_a_fit_begins_again_only_where_the_loss_still_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each class once, also where a and b end at 0; and once more in the example from above."""
    asked = Mock(wraps=minimize)
    monkeypatch.setattr("scipy.optimize.minimize", asked)
    for seed, turns, pull, starts in ((351, False, 20.0, 3), (351, True, 20.0, 3), (351, False, 0.1, 4)):
        answers, side, weight = rows_of(seed)
        fit_beta(turned(answers) if turns else answers, side, weight, 50.0, pull=pull, least=LEAST, symmetric=False)
        assert asked.call_count == starts
        asked.reset_mock()


def test_probabilities_of_zero_and_one_count_as_the_least() -> None:
    answers, side, weight = rows_of(4)
    sure, nearly = answers.copy(), answers.copy()
    sure[:2], nearly[:2] = [0.0, 0.0, 1.0], [1e-3, 1e-3, 1.0 - 1e-3]
    nearly[2:] = sure[2:] = np.clip(answers[2:], 1e-3, 1.0 - 1e-3)
    fits = [fit_beta(rows, side, weight + 0.1, 50.0, pull=1.0, least=1e-3, symmetric=False) for rows in (sure, nearly)]
    assert fits[0] == fits[1]


def rising(p: np.ndarray, came: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The rising function of p nearest to what came (Robertson, Wright and Dykstra 1988): the largest over starts of the least over ends of means."""
    levels = np.unique(p)
    mass = np.cumsum([0.0, *(weight[p == one].sum() for one in levels)])
    total = np.cumsum([0.0, *((weight * came)[p == one].sum() for one in levels)])
    count = len(levels)
    means = [[(total[k] - total[j]) / (mass[k] - mass[j]) if k > j else np.inf for k in range(count + 1)] for j in range(count)]
    values = np.array([max(min(means[j][i + 1 :]) for j in range(i + 1)) for i in range(count)])
    return values[np.searchsorted(levels, p)]


@settings(max_examples=10)
@given(seed=SEEDS, symmetric=st.booleans(), n_eff=st.sampled_from([9.0, 1e6]))
def test_an_isotonic_curve_is_the_best_rising_one(seed: int, symmetric: bool, n_eff: float) -> None:
    """Against the min-max formula at the rows themselves, with no share nearer to 0 or 1 than half an effective row."""
    answers, side, weight = rows_of(seed)
    answers = np.round(answers * 20.0) / 20.0  # so that many are alike
    curves = fit_isotonic(answers, side, weight, n_eff, symmetric=symmetric)
    assert curves[0] == curves[2] or not symmetric
    if symmetric:
        answers, side, weight = with_mirrors(answers, side, weight)
    held, edge = weight > 0.0, 0.5 / (n_eff + 1.0)
    for k, (xs, ys) in enumerate(curves):
        p, came = answers[held, k], (side[held] == k).astype(float)
        best = rising(p, came, weight[held])
        assert (np.diff(xs) > 0.0).all() and (np.diff(ys) >= 0.0).all() and edge <= ys[0] and ys[-1] <= 1.0 - edge
        pools = np.unique(np.round(best, 9))
        means = [np.average(p[np.isclose(best, level)], weights=weight[held][np.isclose(best, level)]) for level in pools]
        assert np.array(ys) == pytest.approx(np.clip(pools, edge, 1.0 - edge), abs=1e-8) and np.array(xs) == pytest.approx(means)


def test_an_isotonic_curve_by_hand() -> None:
    """Up: 0 of 1 at .1; 1 of 1 at .2 and 0 of 2 at .4 are one pool, a third at (.2 + 2 x .4) / 3; 1 of 1 at .7; a row without weight at .9."""
    up = np.array([0.1, 0.2, 0.4, 0.7, 0.9])
    answers = np.column_stack(((1.0 - up) / 2.0, (1.0 - up) / 2.0, up))
    curves = fit_isotonic(answers, np.array([0, 2, 1, 2, 0]), np.array([1.0, 1.0, 2.0, 1.0, 0.0]), 9.0, symmetric=False)
    assert curves[2][0] == pytest.approx((0.1, 1.0 / 3.0, 0.7)) and curves[2][1] == pytest.approx((0.05, 1.0 / 3.0, 0.95))


@covers("K6")
@settings(max_examples=8)
@given(seed=SEEDS)
def test_a_symmetric_fit_learns_the_same_from_the_mirrored_rows(seed: int) -> None:
    answers, side, weight = rows_of(seed)
    asked = np.random.default_rng(seed).dirichlet(np.ones(3), 20)
    smooth = [beta(asked, fit_beta(p, came, weight, 50.0, pull=5.0, least=LEAST, symmetric=True)) for p, came in both(answers, side)]
    steps = [isotonic(asked, fit_isotonic(p, came, weight, 50.0, symmetric=True)) for p, came in both(answers, side)]
    assert smooth[0] == pytest.approx(smooth[1], abs=1e-3) and steps[0] == pytest.approx(steps[1], abs=1e-9)


def both(answers: np.ndarray, side: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and classes, and their mirrors."""
    return [(answers, side), (turned(answers), 2 - side)]
