"""What is seen of a proposed trade has no direction, and chances say no more than their outcomes allow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.stacking.ladder import PRIOR_ROWS
from metastackerbandit.stacking.opinion import predicted_side
from metastackerbandit.stacking.worth import TRAITS, fit_line, proposed_sides, sides_into, traits_into, worth_into
from tests.covering import covers


def answers(seed: int, count: int = 40, learners: int = 3) -> tuple[np.ndarray, ...]:
    """Calibrated probabilities (N, 3), learners' (L, N, 3), weights (L,), expected returns of a long and a short (N,)."""
    rng = np.random.default_rng(seed)
    parts = rng.dirichlet((2.0, 2.0, 2.0), (learners, count))
    return parts.mean(axis=0), parts, rng.uniform(0.0, 1.0, learners), rng.normal(0.0, 0.1, count), rng.normal(0.0, 0.1, count)


def traits(p: np.ndarray, parts: np.ndarray, weights: np.ndarray, long: np.ndarray, short: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sides, out = proposed_sides(p, long, short), np.empty((len(p), len(TRAITS)))
    traits_into(out, sides, p, parts, weights, long, short)
    return out, sides


@covers("K6")
@given(st.integers(0, 2**31))
def test_mirrored_answers_have_the_same_traits_to_the_bit(seed: int) -> None:
    p, parts, weights, long, short = answers(seed)
    straight, sides = traits(p, parts, weights, long, short)
    turned, others = traits(p[:, ::-1].copy(), parts[:, :, ::-1].copy(), weights, short, long)
    assert straight.tobytes() == turned.tobytes() and np.array_equal(sides, -others)


@given(st.integers(0, 2**31))
def test_learners_without_a_weight_are_not_seen_and_probabilities_and_returns_that_disagree_propose_nothing(seed: int) -> None:
    p, parts, weights, long, short = answers(seed)
    weights[1] = 0.0
    changed = parts.copy()
    changed[1] = 1.0 / 3.0
    found, sides = traits(p, parts, weights, long, short)
    assert np.array_equal(found, traits(p, changed, weights, long, short)[0])
    assert sides.tolist() == [predicted_side(p[n, 0], p[n, 2], long[n], short[n]) for n in range(len(p))]
    assert ((sides != 0) == (np.sign(p[:, 2] - p[:, 0]) * np.sign(long - short) > 0)).all()


def test_traits_by_hand() -> None:
    p, parts = np.array([[0.2, 0.3, 0.5]]), np.array([[[0.1, 0.3, 0.6]], [[0.4, 0.3, 0.3]]])
    found, sides = traits(p, parts, np.array([0.75, 0.25]), np.array([0.1]), np.array([-0.2]))
    entropy = -(0.2 * math.log(0.2) + 0.3 * math.log(0.3) + 0.5 * math.log(0.5))
    # leads .5 and -.1, mean .35, variance .75 x .0225 + .25 x .2025; a quarter of the weight names the other side
    assert sides.tolist() == [1]
    assert dict(zip(TRAITS, found[0], strict=True)) == pytest.approx(
        {"strength": 0.3, "p_flat": 0.3, "entropy": entropy, "disagreement": math.sqrt(0.0675), "dissent": 0.25, "edge": 0.1}
    )


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30), st.floats(-30.0, 30.0), st.floats(0.0, 30.0), st.floats(0.01, 0.99), st.floats(0.0, 1e5)
)
def test_worth_is_a_probability_between_the_base_rate_and_the_line_and_unknown_without_a_side(
    raw: list[float], level: float, slope: float, base: float, n_eff: float
) -> None:
    given_raw, out, unshrunk = np.sort(np.array(raw)), np.empty(len(raw)), np.empty(len(raw))
    sides = np.ones(len(raw), np.int64)
    worth_into(out, sides, given_raw, slope, 0.0, level, base, n_eff)
    worth_into(unshrunk, sides, given_raw, slope, 0.0, level, base, 1e300)
    assert ((out >= np.minimum(base, unshrunk) - 1e-12) & (out <= np.maximum(base, unshrunk) + 1e-12)).all()
    assert (np.diff(out) >= -1e-15).all()
    assert out == pytest.approx((n_eff * unshrunk + PRIOR_ROWS * base) / (n_eff + PRIOR_ROWS), rel=1e-9)
    worth_into(out, 0 * sides, given_raw, slope, 0.0, level, base, n_eff)
    assert np.isnan(out).all()


def test_the_surest_odds_are_still_a_probability() -> None:
    for slope, level in ((30.0, 30.0), (30.0, -30.0)):
        out = np.empty(2)
        kernel: Any = getattr(worth_into, "py_func", worth_into)
        kernel(out, np.array([1, 1]), np.array([0.0, 1.0]), slope, -20.0 if level > 0 else 20.0, level, 0.4, 1e6)
        assert ((out >= 0.0) & (out <= 1.0)).all()


def test_no_outcomes_leave_the_base_rate() -> None:
    out = np.empty(3)
    worth_into(out, np.array([1, -1, 0]), np.array([0.1, 0.9, 0.9]), 1.0, 0.0, 0.0, 0.37, 0.0)
    assert out[:2].tolist() == [0.37, 0.37] and math.isnan(out[2])


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_a_line_is_found_and_drawn_to_one_by_few_outcomes(slope: float) -> None:
    """20,000 outcomes of log-odds of deviation .5: the slope's standard error is 1 / sqrt(20,000 x .24 x .25) = .03."""
    rng = np.random.default_rng(3)
    odds = rng.normal(-0.3, 0.5, 20_000)
    raw, truth = 1.0 / (1.0 + np.exp(-odds)), 1.0 / (1.0 + np.exp(-(0.2 + slope * (odds + 0.3))))
    paid, weight = rng.random(20_000) < truth, rng.uniform(0.5, 1.5, 20_000)
    found = fit_line(raw, paid, weight, 20_000.0, pull=4.0)
    assert found.slope == pytest.approx(slope, abs=0.12)  # four standard errors
    assert found.level == pytest.approx(0.2, abs=0.06) and found.centre == pytest.approx(-0.3, abs=0.02)
    few = fit_line(raw, paid, weight, 2.0, pull=4.0)
    assert abs(few.slope - 1.0) <= 0.1 * abs(slope - 1.0) + 1e-3


def test_chances_that_point_the_wrong_way_have_a_slope_below_nothing() -> None:
    rng = np.random.default_rng(4)
    raw = rng.uniform(0.2, 0.8, 3_000)
    assert fit_line(raw, rng.random(3_000) > raw, np.ones(3_000), 3_000.0, pull=4.0).slope < 0.0


def test_outcomes_that_chances_tell_apart_for_certain_have_a_line_all_the_same() -> None:
    raw = np.linspace(0.01, 0.99, 500)
    for paid in (raw > 0.5, np.ones(500, np.bool_), np.zeros(500, np.bool_)):
        found = fit_line(raw, paid, np.ones(500), 500.0, pull=4.0)
        assert all(math.isfinite(number) for number in (found.slope, found.centre, found.level))


def test_no_effective_trades_calibrate_nothing() -> None:
    for weight, n_eff in ((np.ones(3), 0.0), (np.zeros(3), 3.0), (np.ones(3), math.nan)):
        with pytest.raises(TrainingRefused, match="calibrate nothing"):
            fit_line(np.full(3, 0.5), np.ones(3, np.bool_), weight, n_eff, pull=4.0)


def test_kernels_give_the_same_bits_without_compiling() -> None:
    p, parts, weights, long, short = answers(5)
    sides = proposed_sides(p, long, short)
    raw = np.random.default_rng(0).uniform(0.0, 1.0, len(p))
    calls: tuple[tuple[Any, np.ndarray, tuple[Any, ...]], ...] = (
        (sides_into, np.empty(len(p), np.int64), (p, long, short)),
        (traits_into, np.empty((len(p), len(TRAITS))), (sides, p, parts, weights, long, short)),
        (worth_into, np.empty(len(p)), (sides, raw, 0.8, 0.1, -0.2, 0.4, 900.0)),
    )
    for kernel, out, arguments in calls:
        other = out.copy()
        kernel(out, *arguments)
        getattr(kernel, "py_func", kernel)(other, *arguments)
        assert out.tobytes() == other.tobytes()
