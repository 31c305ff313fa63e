"""The population stability index: nothing where nothing moved, the same from either side, and noise below its line."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import chdtri

from metastackerbandit.evaluation.stability import BINS, NOISE_RARE, NOISE_RAREST, noise_line, of_bin, stability_index

PAIRS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=11)


@given(st.lists(st.integers(0, 500), min_size=10, max_size=10), st.lists(st.integers(0, 500), min_size=10, max_size=10))
def test_psi_is_never_negative_and_nothing_where_nothing_moved(one: list[int], other: list[int]) -> None:
    counts, expected = np.array(one, float), np.array(other, float)
    assert stability_index(counts, expected) >= 0.0
    assert stability_index(counts, counts) == 0.0
    assert stability_index(counts, expected) == pytest.approx(stability_index(expected, counts), abs=1e-12)


@given(PAIRS)
@settings(max_examples=50)
def test_psi_is_the_gain_of_shares_times_the_log_of_their_ratio(pairs: list[tuple[int, int]]) -> None:
    counts, expected = (np.array(column, float) for column in zip(*pairs, strict=True))
    share, due = ((column + 0.5) / (column + 0.5).sum() for column in (counts, expected))
    assert stability_index(counts, expected) == pytest.approx(float(((share - due) * np.log(share / due)).sum()), abs=1e-12)
    assert stability_index(np.ascontiguousarray(counts[::-1]), np.ascontiguousarray(expected[::-1])) == pytest.approx(
        stability_index(counts, expected), abs=1e-12
    )


@given(st.lists(st.integers(0, 500), min_size=BINS, max_size=BINS))
def test_a_mirrored_sample_has_the_same_index_to_the_bit(values: list[int]) -> None:
    counts, expected = np.array(values, float), np.full(BINS, 50.0)
    assert stability_index(np.ascontiguousarray(counts[::-1]), expected) == stability_index(counts, expected)


def test_two_bins_by_hand() -> None:
    assert of_bin(1.0, 3.0, 2.0, 10.0) == pytest.approx((0.5 - 0.25) * math.log(2.0))
    assert stability_index(np.array([0.0, 2.0]), np.array([2.0, 0.0])) == pytest.approx(2 * (5 / 6 - 1 / 6) * math.log(5.0))
    assert noise_line(4.0, 2.0, 8.0) == pytest.approx(6.0)


def test_the_psi_noise_line_is_where_the_method_puts_it() -> None:
    assert pytest.approx(chdtri(9, 0.001), abs=1e-3) == NOISE_RARE
    assert pytest.approx(chdtri(9, 1e-6), abs=1e-2) == NOISE_RAREST
    assert noise_line(200.0, 5_000.0, NOISE_RARE) == pytest.approx(0.145, abs=5e-4)
    # Of 3,000 windows without drift 99.9 % stay below .149 as simulated in the method; half an answer a bin makes ours a little smaller.
    rng = np.random.default_rng(7)
    expected = np.full(10, 500.0)
    found = [stability_index(rng.multinomial(200, np.full(10, 0.1)).astype(float), expected) for _ in range(3_000)]
    assert 0.10 <= np.quantile(found, 0.999) <= 0.165
    assert 0.01 <= np.mean(np.array(found) > 0.1) <= 0.06  # the folklore's .1 is passed by 3.3 % of them
