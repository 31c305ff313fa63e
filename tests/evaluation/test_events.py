"""CUSUM events: as the book defines them, from the past alone, the same for a market turned over, fewer for higher thresholds."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.events import cusum_events
from tests.covering import covers

SEEDS, THRESHOLDS = st.integers(0, 10_000), st.floats(1e-4, 0.1)


def closes(seed: int, count: int = 300) -> np.ndarray:
    """A random walk."""
    return 1e5 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.004, count)))


@given(seed=SEEDS, threshold=THRESHOLDS, unknown=st.integers(0, 50))
def test_events_are_those_of_the_book(seed, threshold, unknown):
    prices, thresholds = closes(seed), np.full(300, threshold)
    thresholds[:unknown] = np.nan
    up = down = 0.0
    expected = []
    for n in range(max(unknown, 1), 300):  # Lopez de Prado 2018, snippet 2.4
        change = math.log(prices[n] / prices[n - 1])
        up, down = max(0.0, up + change), min(0.0, down + change)
        if down <= -threshold:
            down = 0.0
            expected.append(n)
        elif up >= threshold:
            up = 0.0
            expected.append(n)
    assert np.flatnonzero(cusum_events(prices, thresholds)).tolist() == expected


@covers("A01")
@given(seed=SEEDS, threshold=THRESHOLDS)
def test_a_market_turned_over_has_the_same_events(seed, threshold):
    prices = closes(seed)
    image = 1e10 / prices
    nearly = cusum_events(prices, np.full(300, threshold)) != cusum_events(image, np.full(300, threshold))
    assert not nearly.any()


@covers("K4")
@given(seed=SEEDS, threshold=THRESHOLDS, cut=st.integers(1, 299))
def test_later_closes_change_nothing(seed, threshold, cut):
    prices, other = closes(seed), closes(seed + 1)
    other[:cut] = prices[:cut]
    thresholds = np.full(300, threshold)
    assert (cusum_events(prices, thresholds)[:cut] == cusum_events(other, thresholds)[:cut]).all()


def test_a_threshold_of_nothing_takes_every_bar_and_a_high_one_none() -> None:
    prices = closes(1)
    assert cusum_events(prices, np.zeros(300))[1:].all() and not cusum_events(prices, np.zeros(300))[0]
    counts = [int(cusum_events(prices, np.full(300, threshold)).sum()) for threshold in (0.004, 0.008, 0.016, 0.2)]
    assert counts == sorted(counts, reverse=True) and counts[0] > 60 and counts[-1] == 0
    assert cusum_events(np.zeros(0), np.zeros(0)).tolist() == []
    assert cusum_events((prices).astype(np.int64), np.full(300, 0.008)).sum() > 20


def test_most_of_a_quiet_market_is_left_out() -> None:
    prices = closes(2, 3_000)
    prices[1_000:2_000] = prices[999] * np.exp(np.random.default_rng(3).normal(0, 2e-4, 1_000))
    events = cusum_events(prices, np.full(3_000, 0.75 * 0.004 * math.sqrt(6)))
    assert 100 < events[:1_000].sum() < 500 and events[1_000:2_000].sum() < 5
