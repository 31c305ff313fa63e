"""The bounds of a reliability diagram's bins: around what came, and wide enough to hold the truth about as often as they say."""

from __future__ import annotations

import numpy as np

from metastackerbandit.evaluation.reliability import reliability


def said_and_came(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances, whether they came, and hourly times; the chances are the truth."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.2, 0.8, count)
    return chance, rng.random(count) < chance, np.arange(count, dtype=np.int64) * 3_600 * 10**9


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
