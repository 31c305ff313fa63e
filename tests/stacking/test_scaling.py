"""Temperature and vector scaling: the minimum of a convex loss, found again by scipy, and an answer that mirrors where it must."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from metastackerbandit.stacking.classes import turned
from metastackerbandit.stacking.scaling import Scaling, _slopes_into, fit_scaling, scale_into
from tests.covering import covers
from tests.stacking.worlds import drawn, of_lead

LEAST = 1e-6


def scaled(probabilities: np.ndarray, slope: float, bias: tuple[float, ...] = (0.0, 0.0, 0.0), anchor: tuple[float, ...] = (0.25, 0.25, 0.5)) -> Any:
    out = np.empty_like(probabilities)
    scale_into(out, probabilities, slope, np.array(bias), np.array(anchor), LEAST)
    return out


def rows_of(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers (N, 3) twice as sure as they should be, with lead and flat of their own, the classes that came, and weights."""
    rng = np.random.default_rng(seed)
    lead, calm = rng.normal(0.1, 0.5, count), rng.normal(0.0, 0.4, count)
    answers = softmax(np.stack((-2.0 * lead, calm, 2.0 * lead), axis=1), axis=1)
    return answers, drawn(rng, of_lead(lead)), rng.random(count)


def fit(rows: tuple[np.ndarray, np.ndarray, np.ndarray], n_eff: float = 40.0, **changes: Any) -> Scaling:
    asked: dict[str, Any] = {"has_biases": True, "pull": 3.0, "least": LEAST, "symmetric": False}
    return fit_scaling(*rows, n_eff, **(asked | changes))


def loss_of(theta: np.ndarray, leads: np.ndarray, anchor: np.ndarray, side: np.ndarray, weight: np.ndarray) -> float:
    """Weighted mean log loss of slope and biases (4,), in plain numpy."""
    logs = log_softmax(theta[0] * leads + np.log(anchor) + theta[1:], axis=1)
    return float(-(weight * logs[np.arange(len(side)), side]).sum() / weight.sum())


# -- applying ----------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), slope=st.floats(-2.0, 3.0))
def test_scaling_stretches_the_lead_on_the_anchor(seed: int, slope: float) -> None:
    rng = np.random.default_rng(seed)
    p, anchor, bias = rng.dirichlet(np.ones(3), 5), rng.dirichlet(np.ones(3) * 5), rng.normal(size=3)
    p[:3] = [[0.0, 0.25, 0.75], [0.75, 0.0, 0.25], [0.25, 0.75, 0.0]]
    expected = softmax(slope * np.log(np.maximum(p, LEAST) / anchor) + np.log(anchor) + bias, axis=1)
    found = scaled(p, slope, tuple(bias), tuple(anchor))
    assert found == pytest.approx(expected, rel=1e-9)
    assert all(scaled(p[n : n + 1], slope, tuple(bias), tuple(anchor)).tobytes() == found[n].tobytes() for n in range(5))


@covers("K6")
@given(seed=st.integers(0, 10_000), slope=st.floats(-2.0, 3.0), bias=st.floats(-1.0, 1.0), side=st.floats(0.05, 0.45))
def test_where_down_and_up_are_tied_mirrored_rows_mirror_to_the_bit(seed: int, slope: float, bias: float, side: float) -> None:
    p = np.random.default_rng(seed).dirichlet(np.ones(3), 5)
    numbers = slope, (bias, 0.0, bias), (side, 1.0 - 2.0 * side, side)
    assert scaled(turned(p), *numbers).tobytes() == turned(scaled(p, *numbers)).tobytes()


def test_scaling_by_hand() -> None:
    p = np.array([[0.25, 0.25, 0.5], [0.5, 0.25, 0.25], [np.nan, np.nan, np.nan]])
    assert scaled(p, 1.0)[:2] == pytest.approx(p[:2])
    assert scaled(p, 0.0)[1] == pytest.approx([0.25, 0.25, 0.5])  # the anchor, always
    assert scaled(p, 2.0)[1] == pytest.approx([0.25 * 4, 0.25, 0.5 / 4] / np.array(1.375))  # leads of 2, 1 and 1/2, squared
    assert scaled(p, 1.0, (math.log(2.0), 0.0, 0.0))[1] == pytest.approx(np.array([1.0, 0.25, 0.25]) / 1.5)
    assert np.isnan(scaled(p, 1.0)[2]).all()


# -- loss --------------------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_gradient_and_curvature_are_those_of_the_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    answers, side, weight = rows_of(seed, 12)
    anchor, theta, step = rng.dirichlet(np.ones(3) * 4), rng.normal(0.5, 0.5, 4), 1e-4
    leads = np.log(answers / anchor)
    gradient, curvature, out = np.empty(4), np.empty((4, 4)), np.empty_like(leads)
    found = _slopes_into(gradient, curvature, out, leads, anchor, side, weight, theta)
    rest = leads, anchor, side, weight
    assert found == pytest.approx(loss_of(theta, *rest), rel=1e-12)
    for i in range(4):
        up, down = theta + step * np.eye(4)[i], theta - step * np.eye(4)[i]
        assert gradient[i] == pytest.approx((loss_of(up, *rest) - loss_of(down, *rest)) / (2 * step), abs=1e-7)
        above, below, unused = np.empty(4), np.empty(4), np.empty((4, 4))
        _slopes_into(above, unused, out, *rest, up)
        _slopes_into(below, unused, out, *rest, down)
        assert curvature[i] == pytest.approx((above - below) / (2 * step), abs=1e-6)


# -- fitting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_biases", [False, True])
@pytest.mark.parametrize("symmetric", [False, True])
@settings(max_examples=4)
@given(seed=st.integers(0, 10_000), pull=st.sampled_from([0.001, 3.0, 20.0]))
def test_the_fit_is_the_minimum_of_loss_and_pull(has_biases: bool, symmetric: bool, seed: int, pull: float) -> None:
    """Found again without derivatives, on rows with their mirrors at half weight where the fit is symmetric."""
    answers, side, weight = rows = rows_of(seed)
    found = fit(rows, has_biases=has_biases, symmetric=symmetric, pull=pull)
    if symmetric:
        answers, side, weight = np.concatenate((answers, answers[:, ::-1])), np.concatenate((side, 2 - side)), np.tile(weight / 2.0, 2)
    anchor = np.average(answers, axis=0, weights=weight)
    anchor /= anchor.sum()
    assert found.anchor == pytest.approx(tuple(anchor), rel=1e-12)
    free, leads = 4 if has_biases else 1, np.log(answers / anchor)

    def cost(theta: np.ndarray) -> float:
        whole = np.array([1.0, 0.0, 0.0, 0.0])
        whole[:free] = theta
        return loss_of(whole, leads, anchor, side, weight) + pull / 40.0 * ((whole[0] - 1.0) ** 2 + (whole[1:] ** 2).sum()) / 2.0

    least = minimize(cost, [1.0, 0.0, 0.0, 0.0][:free], method="BFGS", options={"gtol": 1e-7})
    theta = np.array([found.slope, *found.bias])
    assert cost(theta[:free]) <= least.fun + 1e-12
    assert theta[:free] == pytest.approx(least.x, abs=2e-4) and (theta[free:] == 0.0).all()


def test_the_error_is_that_of_the_curvature_at_the_fit() -> None:
    """One over the root of effective rows times the curvature, the pull's part of it included."""
    answers, side, weight = rows = rows_of(3)
    for n_eff, pull in ((40.0, 3.0), (160.0, 3.0), (40.0, 400.0)):
        found = fit(rows, n_eff, has_biases=False, pull=pull)
        anchor, step = np.array(found.anchor), 1e-3
        leads = np.log(answers / anchor)
        low, mid, high = (loss_of(np.array([found.slope + move, 0.0, 0.0, 0.0]), leads, anchor, side, weight) for move in (-step, 0.0, step))
        assert found.error == pytest.approx(1.0 / math.sqrt(n_eff * ((low - 2.0 * mid + high) / step**2 + pull / n_eff)), rel=1e-5)
    assert fit(rows).error > fit(rows, has_biases=False).error  # what biases could explain is not known of the slope


@covers("K6")
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_a_symmetric_fit_ties_down_and_up_and_learns_the_same_from_the_mirrored_rows(seed: int) -> None:
    answers, side, weight = rows = rows_of(seed)
    one, other = fit(rows, symmetric=True), fit((turned(answers), 2 - side, weight), symmetric=True)
    assert one.bias[0] == one.bias[2] and one.anchor[0] == one.anchor[2]
    assert (one.slope, *one.bias, *one.anchor) == pytest.approx((other.slope, *other.bias, *other.anchor), abs=1e-6)


def test_weights_count_as_repeated_rows_and_only_against_each_other() -> None:
    answers, side, _ = rows_of(4)
    weight = np.random.default_rng(1).integers(0, 3, len(side))
    many = np.repeat(np.arange(len(side)), weight)
    one, again = fit((answers, side, weight.astype(float))), fit((answers[many], side[many], np.ones(len(many))))
    assert (one.slope, *one.bias) == pytest.approx((again.slope, *again.bias), abs=1e-6)
    tenfold = fit((answers, side, weight * 10.0))
    assert (tenfold.slope, tenfold.error, *tenfold.bias) == pytest.approx((one.slope, one.error, *one.bias), rel=1e-6)


def test_more_pull_keeps_nearer_to_what_it_was() -> None:
    slopes = [fit(rows_of(5), pull=pull).slope for pull in (0.001, 1.0, 10.0, 1e6)]
    assert slopes == sorted(slopes) and slopes[0] < 0.8 and slopes[-1] == pytest.approx(1.0, abs=1e-4)
    assert fit(rows_of(5), 4_000.0, pull=100.0).slope == pytest.approx(fit(rows_of(5), 40.0, pull=1.0).slope, rel=1e-12)  # a pull is shared by rows


def test_rows_that_separate_perfectly_stop_at_the_bound() -> None:
    side = np.tile([0, 1, 2], 10)
    rows = 0.01 * np.eye(3)[side] + 0.33, side, np.ones(30)
    found = fit(rows, has_biases=False, pull=1e-9)
    assert found.slope == 30.0 and 0.0 < found.error < math.inf
    assert fit((rows[0], (side + 1) % 3, rows[2]), has_biases=False, pull=1e-9).slope == -30.0


def test_a_step_too_far_is_halved_until_it_gains() -> None:
    """Far too sure of what comes in six of ten: the loss is nearly straight where it starts, and a whole step would end at the other bound."""
    side = np.tile([0, 2], 50)
    told = np.where(np.arange(100) % 10 < 6, side, 2 - side)
    rows = 0.9997 * np.eye(3)[told] + 0.0001, side, np.ones(100)
    found = fit(rows, has_biases=False, pull=1e-3)
    anchor = np.array(found.anchor)
    at, above, below = (
        loss_of(np.array([found.slope + move, 0.0, 0.0, 0.0]), np.log(rows[0] / anchor), anchor, side, rows[2]) for move in (0.0, 0.01, -0.01)
    )
    assert 0.0 < found.slope < 0.1 and at < min(above, below)


def test_of_rows_that_are_no_numbers_nothing_is_learnt() -> None:
    answers, side, weight = rows_of(7)
    found = fit((np.where(np.arange(60)[:, None] == 3, np.nan, answers), side, weight))
    assert (found.slope, found.bias) == (1.0, (0.0, 0.0, 0.0)) and math.isnan(found.error)


def test_a_probability_of_zero_counts_as_the_least() -> None:
    answers, side, weight = rows_of(6)
    zero, small = answers.copy(), answers.copy()
    zero[:5, 1], small[:5, 1] = 0.0, LEAST
    assert fit((zero, side, weight)) == fit((small, side, weight)) != fit((answers, side, weight))
