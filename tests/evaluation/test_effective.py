"""Effective numbers of trades and trials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.effective import effective_trades, effective_trials


def ints(values: object) -> np.ndarray:
    return np.array(values, np.int64)


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), min_size=1, max_size=25)


@given(SPANS)
def test_effective_trades_are_the_mean_shares_of_each_moment(spans):
    opened, closed = ints([at for at, _ in spans]), ints([at + length for at, length in spans])
    alive = np.array([np.count_nonzero((opened <= t) & (t < closed)) for t in range(100)], np.float64)
    expected = sum(1.0 if a == b else float((1.0 / alive[a:b]).mean()) for a, b in zip(opened, closed, strict=True))
    assert effective_trades(opened, closed) == pytest.approx(expected)


def test_trades_one_after_the_other_count_in_full_and_twins_share():
    assert effective_trades(ints([0, 10, 25]), ints([10, 25, 30])) == pytest.approx(3.0)
    assert effective_trades(ints([5] * 7), ints([9] * 7)) == pytest.approx(1.0)
    assert effective_trades(ints([]), ints([])) == 0.0


def test_twins_are_one_trial_and_strangers_are_themselves():
    rng = np.random.default_rng(1)
    strangers = rng.normal(size=(20_000, 6))
    assert effective_trials(strangers) == pytest.approx(6.0, abs=0.05)
    assert effective_trials(np.repeat(strangers[:, :1], 4, axis=1)) == pytest.approx(1.0, abs=1e-6)
    assert effective_trials(np.repeat(strangers, 2, axis=1)) == pytest.approx(6.0, abs=0.05)
    assert effective_trials(strangers[:, :1]) == 1.0
    assert effective_trials(np.zeros((100, 3))) == 0.0 and effective_trials(np.zeros((0, 0))) == 0.0
