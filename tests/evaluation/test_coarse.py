"""Fewer, longer bars: neighbours summed, nothing lost, nothing moved."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.coarse import COARSE_BARS, coarse


@given(st.integers(0, 400), st.integers(1, 60), st.integers(0, 3))
def test_coarse_returns_keep_their_sum_and_order(count, bars, width):
    returns = np.random.default_rng(count).normal(size=(count, width) if width else count)
    found = coarse(returns, bars)
    assert len(found) == min(count, bars)
    assert found.sum(axis=0) == pytest.approx(returns.sum(axis=0))
    if count > bars:
        edges = [k * count // bars for k in range(bars)] + [count]
        assert found == pytest.approx(np.array([returns[a:b].sum(axis=0) for a, b in pairwise(edges)]))


def test_what_is_short_enough_is_a_copy_and_what_is_longer_has_the_bars_that_tests_ask_for() -> None:
    few = np.arange(5)
    same = coarse(few)  # type: ignore[arg-type]
    assert same.tolist() == few.tolist() and same.dtype == np.float64 and not np.shares_memory(same, few)
    whole = coarse(np.ones((2 * COARSE_BARS, 2), np.int64))
    assert whole.shape == (COARSE_BARS, 2) and whole.dtype == np.float64 and (whole == 2.0).all()
    assert coarse(np.array([1.0, 2.0, 4.0, 8.0, 16.0]), 2).tolist() == [3.0, 28.0]
