"""Chance in rows: draws have the laws that they name, the quantile is the published one, and a name's draws are its own."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import kernel, row
from metastackerbandit.simulation.chance import ChanceRow, chance_of, count_of, exponential, normal, normal_quantile, uniform

NORMAL = statistics.NormalDist()
DRAWS = 200_000


@kernel
def fill(chance: Any, out: Any, law: int, expected: float) -> None:
    """Draws of a law: 0 uniform, 1 exponential, 2 normal, 3 counts."""
    for n in range(len(out)):
        if law == 0:
            out[n] = uniform(chance[0])
        elif law == 1:
            out[n] = exponential(chance[0])
        elif law == 2:
            out[n] = normal(chance[0])
        else:
            out[n] = count_of(chance[0], expected)


def drawn(law: int, expected: float = 0.0, *, seed: int = 5, name: str = "test", count: int = DRAWS) -> np.ndarray:
    """So many draws of a law."""
    out = np.zeros(count)
    fill(row(chance_of(seed, name)), out, law, expected)
    return out


@given(st.floats(1e-300, 1.0, exclude_max=True))
def test_the_quantile_is_the_one_of_python_s_own_library(share):
    assert normal_quantile(share) == pytest.approx(NORMAL.inv_cdf(share), rel=1e-14, abs=1e-15)


@given(st.integers(1, 2**52 - 1))
def test_the_quantile_is_odd_about_a_half(part):
    share = part * 2.0**-53
    assert normal_quantile(share) == -normal_quantile(1.0 - share)


def test_a_uniform_has_52_bits_of_two_published_draws():
    words = row(ChanceRow(1, 2, 3, 4))  # xoshiro128** gives 11520, 0, 5927040, 70819200 from there
    assert uniform(words[0]) == (11520 * 2**20 + 0.5) / 2**52
    assert uniform(words[0]) == (5927040 * 2**20 + (70819200 >> 12) + 0.5) / 2**52


def test_uniforms_fill_the_unit_interval_evenly():
    draws = drawn(0)
    counts, _ = np.histogram(draws, 50, (0.0, 1.0))
    assert ((counts - DRAWS / 50) ** 2 / (DRAWS / 50)).sum() < 85.4  # chi-square, 49 degrees, 0.1 %
    assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 3.3 / math.sqrt(DRAWS)


@pytest.mark.parametrize(("law", "distribution"), [(1, lambda x: 1.0 - math.exp(-x)), (2, NORMAL.cdf)])
def test_draws_follow_their_law(law, distribution):
    ordered = np.sort(drawn(law))
    reached = np.array([distribution(x) for x in ordered])
    places = np.arange(DRAWS + 1) / DRAWS
    farthest = max((reached - places[:-1]).max(), (places[1:] - reached).max())
    assert farthest < 1.95 / math.sqrt(DRAWS)  # Kolmogorov-Smirnov, 0.1 %


@pytest.mark.parametrize("expected", [0.0, 0.02, 1.0, 12.5, 29.9, 30.1, 400.0])
def test_counts_have_the_mean_and_variance_of_a_poisson_law(expected):
    counts = drawn(3, expected)
    assert (counts >= 0).all() and (counts == np.floor(counts)).all()
    assert counts.mean() == pytest.approx(expected, abs=4.0 * math.sqrt(expected / DRAWS))
    rounding = 1.0 / 12.0 if expected > 30.0 else 0.0  # of the normal law that stands for large counts
    assert counts.var() == pytest.approx(expected + rounding, abs=4.0 * math.sqrt((expected + 2.0 * expected * expected) / DRAWS))
    if expected < 2.0:
        assert (counts == 0).mean() == pytest.approx(math.exp(-expected), abs=4.0 * math.sqrt(0.25 / DRAWS))


@given(st.integers(0, 2**63 - 1), st.text(max_size=12), st.text(max_size=12))
def test_names_and_seeds_have_draws_of_their_own(seed, one, other):
    assert chance_of(seed, one) == chance_of(seed, one) != chance_of(seed + 1, one)
    assert (chance_of(seed, one) == chance_of(seed, other)) == (one == other)
