"""Random entries with the same turnover: shifts as numpy would roll them, a uniform p on noise, and timing found where it is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.chance import advance, words_of
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.timeframe import DAY_NS, MINUTE_NS
from metastackerbandit.evaluation.random_entries import _STREAM, gain_of, least_shift, random_entries, shifted_gains, turnover_of


def sides(rng: np.random.Generator, bars: int, mean_bars: float = 10.0) -> np.ndarray:
    """Long, flat or short, for about `mean_bars` bars at a time."""
    changes = rng.random(bars) < 1.0 / mean_bars
    changes[0] = True
    return rng.integers(-1, 2, bars).astype(np.float64)[np.maximum.accumulate(np.where(changes, np.arange(bars), 0))]


@settings(max_examples=40)
@given(st.integers(0, 1_000), st.integers(1, 3), st.integers(60, 200), st.integers(1, 20))
def test_a_shift_is_a_roll_of_all_symbols_alike(seed, symbols, bars, least):
    rng = np.random.default_rng(seed)
    exposure, returns = rng.normal(size=(symbols, bars)), rng.normal(size=(symbols, bars))
    found = np.zeros(5)
    shifted_gains(exposure, returns, least, words_of(seed, _STREAM), found)
    state = [int(word) for word in words_of(seed, _STREAM)]
    for gain in found:
        draw, *state = (int(word) for word in advance(*state))
        shift = least + ((draw * (bars - 2 * least + 1)) >> 32)
        assert least <= shift <= bars - least
        assert gain == pytest.approx(float((np.roll(exposure, shift, axis=1) * returns).sum()), abs=1e-9)


def test_the_p_value_of_noise_is_uniform():
    """Kolmogorov's 99.9 % bound for 400 draws is .097."""
    found = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        found.append(random_entries(sides(rng, 400), rng.normal(0.0, 0.01, 400), 0.1, 5, shifts=200, seed=seed).p)
    ordered = np.sort(found)
    assert np.abs(ordered - (np.arange(400) + 0.5) / 400).max() < 0.097


def test_a_rising_market_is_not_timing():
    """Being mostly long while prices rise earns, and so does every shift of it: over 100 seeds p < 5 % at most 12 times (chance .003)."""
    low = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        low += random_entries(np.maximum(sides(rng, 400), 0.0), rng.normal(0.003, 0.01, 400), 0.0, 5, shifts=200, seed=seed).p < 0.05
    assert low <= 12


def test_timing_is_found():
    rng = np.random.default_rng(5)
    held = sides(rng, 1_000)
    found = random_entries(held, rng.normal(0.0, 0.01, 1_000) + 0.003 * held, 0.2, 10)
    assert found.p < 0.01 and found.own > found.high > found.mean > found.low and found.shifts == 1_000


@given(st.integers(0, 100), st.floats(0.0, 5.0))
@settings(max_examples=20)
def test_costs_move_the_strategy_its_opposite_and_chance_alike(seed, charge):
    rng = np.random.default_rng(seed)
    held, returns = sides(rng, 300), rng.normal(0.0, 0.01, 300)
    free, paid = (random_entries(held, returns, cost, 5, shifts=150, seed=seed) for cost in (0.0, charge))
    assert free.p == paid.p and free.flipped == -free.own
    for name in ("own", "flipped", "mean", "low", "high"):
        assert getattr(free, name) - getattr(paid, name) == pytest.approx(charge, abs=1e-9)


@given(st.integers(0, 100), st.integers(0, 299))
def test_no_shift_changes_the_turnover(seed, shift):
    held = sides(np.random.default_rng(seed), 300)
    assert turnover_of(np.roll(held, shift)) == turnover_of(held)


def test_constant_exposure_has_no_timing_to_lose():
    returns = np.random.default_rng(1).normal(0.0, 0.01, 500)
    assert random_entries(np.zeros(500), returns, 0.0, 5).p == 1.0


def test_a_short_sample_is_not_shifted():
    returns = np.random.default_rng(1).normal(0.0, 0.01, 108)
    assert math.isnan(random_entries(np.ones(108), returns, 0.0, 5).p)
    assert not math.isnan(random_entries(np.ones(109), np.zeros(109), 0.0, 5).p)
    nothing = random_entries(np.zeros((1, 0)), np.zeros((1, 0)), 0.0, 5)
    assert math.isnan(nothing.p) and nothing.own == 0.0


def test_shapes_must_agree():
    with pytest.raises(DataRefused):
        random_entries(np.ones(300), np.ones(299), 0.0, 5)


def test_shifts_span_five_days_and_a_hundredth():
    assert least_shift(1_000, DAY_NS) == 10
    assert least_shift(300, DAY_NS) == 5
    assert least_shift(100_000, 5 * MINUTE_NS) == 1_440
    assert least_shift(1_000_000, 5 * MINUTE_NS) == 10_000


def test_gains_add_over_symbols():
    rng = np.random.default_rng(2)
    exposure, returns = rng.normal(size=(3, 50)), rng.normal(size=(3, 50))
    assert gain_of(exposure, returns) == pytest.approx(float((exposure * returns).sum()))
