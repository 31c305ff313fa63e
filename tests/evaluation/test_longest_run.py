"""A run is too long where chance would bring one as long as seldom as is said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.evaluation.longest_run import longest_run


@given(count=st.floats(1.0, 1e6), chance=st.floats(0.001, 0.999), excess=st.floats(0.0, 20.0))
@settings(max_examples=50)
def test_runs_of_this_length_are_expected_as_often_as_the_excess_says(count: float, chance: float, excess: float) -> None:
    """Of n answers n (1 - q) begin a run, and q^length of those last so long; fewer than one beginning counts as one."""
    begun = max(count * (1.0 - chance), 1.0)
    length = longest_run(count, chance, excess)
    assert math.log(begun) + length * math.log(chance) == pytest.approx(-excess, abs=1e-9)


def test_answers_that_never_or_always_go_on_have_a_limit_too() -> None:
    assert longest_run(10.0, 1.0, 6.0) == math.inf == longest_run(10.0, 1.5, 6.0)
    assert longest_run(100.0, 0.0, 6.0) == pytest.approx((math.log(100.0) + 6.0) / (12 * math.log(10.0)))
    assert longest_run(0.0, 0.5, 6.0) == pytest.approx(6.0 / math.log(2.0))


def test_the_longest_run_of_chance_passes_its_limit_as_rarely_as_it_says() -> None:
    # e^-3 is 5 % at a length; the longest of a sequence passes it in 2.5 to 10 % of 600 sequences (three standard errors of 5 %, doubled for edges).
    rng, beyond = np.random.default_rng(6), 0
    for _ in range(600):
        flips = rng.random(400) < 0.5
        edges = np.flatnonzero(np.diff(flips.astype(int)) != 0)
        longest = int(np.diff(np.concatenate(([-1], edges, [399]))).max())
        beyond += longest > longest_run(400.0, 0.5, 3.0)
    assert 0.01 <= beyond / 600 <= 0.10
    assert longest_run(69.0, 0.5, 6.0) == pytest.approx((math.log(34.5) + 6) / math.log(2))
