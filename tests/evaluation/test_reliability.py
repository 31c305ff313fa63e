"""Reliability: what was said beside what came, an error beyond chance, and bounds that hold the truth about as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.evaluation.bootstrap import UNKNOWN
from metastackerbandit.evaluation.reliability import Reliability, reliability
from metastackerbandit.evaluation.time_blocks import margin, time_blocks

HOUR_NS = 3_600 * 10**9


def said_and_came(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances, whether they came, and hourly times; the chances are the truth."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.2, 0.8, count)
    return chance, rng.random(count) < chance, np.arange(count, dtype=np.int64) * 3_600 * 10**9


def flips(seed: int, count: int, stretch: float, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose log-odds were stretched and shifted, and what happened by the true ones."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1, count)
    happened = rng.random(count) < 1 / (1 + np.exp(-odds))
    return 1 / (1 + np.exp(-(stretch * odds + shift))), happened


def weighed(seed: int, count: int, grain: int) -> tuple[np.ndarray, ...]:
    """Probabilities of few values (0 and 1 among them), what came, weights, and spans of 2 to 5."""
    rng = np.random.default_rng(seed)
    chance = np.rint(rng.random(count) * grain) / grain
    start = np.sort(rng.integers(0, 6 * count, count))
    return chance, rng.random(count) < 0.2 + 0.6 * chance, rng.gamma(2.0, 1.0, count), start, start + rng.integers(2, 6, count)


def line_of(found: Reliability) -> np.ndarray:
    """Intercept and slope."""
    return np.array((found.intercept.value, found.slope.value))


@given(seed=st.integers(0, 10_000), count=st.integers(1, 150), grain=st.sampled_from([1, 4, 20, 10**6]))
@settings(max_examples=40)
def test_bins_hold_equal_shares_of_the_rows_and_say_what_came_in_each(seed: int, count: int, grain: int) -> None:
    chance, came, weight, start, end = weighed(seed, count, grain)
    found = reliability(chance, came, weight, start, end)
    edges = np.unique(np.quantile(chance, np.arange(1, 10) / 10))
    bins = [rows for k in range(11) if len(rows := np.flatnonzero([int(np.count_nonzero(edges <= one)) == k for one in chance]))]
    assert found.rows == tuple(len(rows) for rows in bins) and len(found.rows) <= 10
    assert found.predicted == pytest.approx([np.average(chance[rows], weights=weight[rows]) for rows in bins])
    assert found.observed == pytest.approx([np.average(came[rows], weights=weight[rows]) for rows in bins])
    assert list(found.predicted) == sorted(found.predicted)
    assert len(set(chance)) > 5 or len(found.rows) <= len(set(chance)), "equal probabilities share a bin"


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25)
def test_the_line_leaves_no_lean_in_what_came(seed: int) -> None:
    """At the likeliest line, weighted errors sum to nothing, and so do they times the log-odds."""
    chance, came, weight, start, end = weighed(seed, 120, 50)
    found = reliability(chance, came, weight, start, end)
    sure = np.clip(chance, 1e-9, 1.0 - 1e-9)
    odds = np.log(sure / (1.0 - sure))
    intercept, slope = line_of(found)
    left = weight * (came - 1.0 / (1.0 + np.exp(-(intercept + slope * odds))))
    assert (left.sum(), (left * odds).sum()) == pytest.approx((0.0, 0.0), abs=1e-6)


@given(seed=st.integers(0, 10_000), label=st.sampled_from([3, 30]))
@settings(max_examples=6)
def test_bounds_and_error_are_those_of_the_jackknife_over_blocks_of_time(seed: int, label: int) -> None:
    """Each block of time weighs a little more in turn: how far a figure moves is the block's influence on it."""
    chance, came, weight, start, _ = weighed(seed, 160, 200)
    end = start + label  # of the longer ones fifteen blocks have room, of two each
    block = time_blocks(start, end)
    blocks, more = int(block.max()) + 1, 1e-5
    found = reliability(chance, came, weight, start, end)
    moved = []
    for b in range(blocks):
        other = reliability(chance, came, weight * (1.0 + more * (block == b)), start, end)
        gaps = np.subtract(other.observed, other.predicted) - np.subtract(found.observed, found.predicted)
        moved.append(np.concatenate((line_of(other) - line_of(found), gaps)) / more)
    variance = (np.array(moved) ** 2).sum(axis=0) * blocks / (blocks - 1)
    half = margin(blocks) * np.sqrt(variance)
    for one, width in zip((found.intercept, found.slope), half[:2], strict=True):
        assert (one.value - one.low, one.high - one.value) == pytest.approx((width, width), rel=1e-3)
    observed, gap = np.array(found.observed), np.subtract(found.observed, found.predicted)
    assert found.low == pytest.approx(np.maximum(observed - half[2:], 0.0), abs=5e-5)
    assert found.high == pytest.approx(np.minimum(observed + half[2:], 1.0), abs=5e-5)
    mass = [weight[(chance >= low - 1e-12) & (chance <= high + 1e-12)].sum() for low, high in zip(*edges_of(chance, found.rows), strict=True)]
    assert found.error == pytest.approx(math.sqrt(max(np.average(gap**2 - variance[2:], weights=mass), 0.0)), abs=1e-4)


def edges_of(chance: np.ndarray, counts: tuple[int, ...]) -> tuple[list[float], list[float]]:
    """The least and the largest probability of each bin of so many rows."""
    rising, ends = np.sort(chance), np.cumsum(counts)
    return [float(rising[end - count]) for end, count in zip(ends, counts, strict=True)], [float(rising[end - 1]) for end in ends]


def test_calibrated_probabilities_have_slope_one_and_no_error_beyond_chance() -> None:
    errors, plain, held = [], [], 0
    for seed in range(60):
        p, happened = flips(seed, 3_000, 1.0)
        start = np.arange(3_000)
        found = reliability(p, happened, np.ones(3_000), start, start + 1)
        errors.append(found.error)
        gaps = np.array(found.observed) - np.array(found.predicted)
        plain.append(math.sqrt(np.average(gaps * gaps, weights=found.rows)))
        held += found.slope.low <= 1 <= found.slope.high
        held += found.intercept.low <= 0 <= found.intercept.high
    # Chance alone leaves sqrt(0.2 / 300) = 0.026 in each bin; taken off, half the samples show nothing.
    assert np.mean(plain) == pytest.approx(0.026, rel=0.2)
    assert np.mean(errors) < 0.4 * np.mean(plain) and np.mean(np.array(errors) == 0) > 0.3
    assert 0.88 * 120 <= held <= 0.99 * 120


def test_overconfidence_is_a_slope_below_one_and_its_error_is_found() -> None:
    p, happened = flips(3, 60_000, 2.0)
    start = np.arange(60_000)
    found = reliability(p, happened, np.ones(60_000), start, start + 1)
    assert found.slope.value == pytest.approx(0.5, abs=0.03) and found.slope.high < 1
    odds = np.log(p / (1 - p))
    chances = 1 / (1 + np.exp(-0.5 * odds))
    information = [np.sum(chances * (1 - chances) * odds**power) for power in (2, 0)]  # independent rows: Fisher's, whose cross term is 0 here
    for interval, known in zip((found.slope, found.intercept), information, strict=True):
        assert interval.high - interval.low == pytest.approx(2 * 1.984 / math.sqrt(known), rel=0.25)  # a spread of 100 blocks errs by 7 %
    assert found.intercept.value == pytest.approx(0, abs=0.04)
    truth = 1 / (1 + np.exp(-0.5 * np.log(p / (1 - p))))
    bins = np.array_split(np.argsort(p), 10)
    exact = math.sqrt(np.mean([(p[rows].mean() - truth[rows].mean()) ** 2 for rows in bins]))
    assert found.error == pytest.approx(exact, rel=0.05)
    assert sum(found.rows) == 60_000 and max(found.rows) - min(found.rows) <= 1 and list(found.predicted) == sorted(found.predicted)
    shifted, happened = flips(4, 60_000, 1.0, 0.5)
    found = reliability(shifted, happened, np.ones(60_000), start, start + 1)
    assert (found.slope.value, found.intercept.value) == pytest.approx((1.0, -0.5), abs=0.04)


def test_probabilities_that_never_change_have_no_slope() -> None:
    start = np.arange(500)
    happened = np.random.default_rng(1).random(500) < 0.4
    found = reliability(np.full(500, 0.4), happened, np.ones(500), start, start + 1)
    assert math.isnan(found.slope.value) and len(found.rows) == 1 and found.error < 0.06
    sure = reliability(happened.astype(float), happened, np.ones(500), start, start + 1)
    assert math.isnan(sure.slope.value) or sure.slope.value > 1
    assert math.isnan(reliability(np.linspace(0, 1, 500), np.ones(500, bool), np.ones(500), start, start + 1).slope.value)


def test_bounds_hold_the_truth_about_as_often_as_they_say() -> None:
    held, asked = 0, 0
    for seed in range(40):
        chance, came, at = said_and_came(seed, 2_000)
        found = reliability(chance, came, np.ones(len(at)), at, at + 3_600 * 10**9)
        for said, seen, low, high in zip(found.predicted, found.observed, found.low, found.high, strict=True):
            assert 0.0 <= low <= seen <= high <= 1.0
            held, asked = held + (low <= said <= high), asked + 1
    assert 0.92 < held / asked < 0.98


def test_too_little_time_has_no_bounds() -> None:
    chance, came, at = said_and_came(1, 8)
    found = reliability(chance, came, np.ones(8), at, at + 3_600 * 10**9)
    assert all(np.isnan(found.low)) and all(np.isnan(found.high))
    assert len(reliability(chance[:0], came[:0], np.ones(0), at[:0], at[:0]).low) == 0
    assert math.isnan(found.error)
    empty = reliability(chance[:0], came[:0], np.ones(0), at[:0], at[:0])
    assert empty.predicted == empty.observed == empty.rows == () and math.isnan(empty.error) and empty.slope == empty.intercept == UNKNOWN


def test_outcomes_told_apart_by_a_hair_overflow_nothing() -> None:
    odds, start = np.array([-20.0] * 20 + [-0.01, 0.01] + [20.0] * 20), np.arange(42)
    chance = np.array([1.0 / (1.0 + math.exp(-one)) for one in odds])
    with np.errstate(over="raise"):
        found = reliability(chance, odds > 0.0, np.ones(42), start, start + 1)
    assert found.slope == found.intercept == UNKNOWN


@pytest.mark.parametrize("came", [np.zeros(40, bool), np.ones(40, bool), np.arange(40) >= 20])
def test_outcomes_that_are_certain_have_no_line(came: np.ndarray) -> None:
    start = np.arange(40)
    found = reliability(np.linspace(0.01, 0.99, 40), came, np.ones(40), start, start + 1)
    assert found.slope == found.intercept == UNKNOWN and not math.isnan(found.error)


@pytest.mark.parametrize("apart", [1e-9, 1e-7])
def test_probabilities_that_hardly_change_have_no_line(apart: float) -> None:
    """Where they are apart by rounding the curvature is none; where by little more, rounding never lets a step be small."""
    chance, start = np.full(40, 0.4), np.arange(40)
    chance[1::2] += apart
    found = reliability(chance, start % 3 == 0, np.ones(40), start, start + 1)
    assert found.slope == found.intercept == UNKNOWN and len(found.rows) == 2


def test_certain_probabilities_that_err_have_a_line() -> None:
    """0 and 1 count as a billionth away from them: a tenth wrong on either side is a slope of ln 9 / ln 10^9."""
    chance, came = np.repeat((0.0, 1.0), 200), np.tile([False] * 9 + [True], 40)
    came[200:] = ~came[200:]
    start = np.tile(np.arange(200), 2)
    found = reliability(chance, came, np.ones(400), start, start + 1)
    assert found.slope.value == pytest.approx(math.log(9.0) / math.log(1e9 - 1.0), rel=1e-6)
    assert found.intercept.value == pytest.approx(0.0, abs=1e-6) and found.rows == (200, 200)


def test_probabilities_far_too_sure_of_themselves_have_the_slope_that_mends_them() -> None:
    """Log-odds of deviation 8 that mean a tenth of what they say; the slope's own error is below 0.02."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        odds = rng.normal(0.0, 8.0, 1_000)
        came, start = rng.random(1_000) < 1.0 / (1.0 + np.exp(-0.1 * odds)), np.arange(1_000)
        found = reliability(1.0 / (1.0 + np.exp(-odds)), came, np.ones(1_000), start, start + 1)
        assert found.slope.value == pytest.approx(0.1, abs=0.05)
