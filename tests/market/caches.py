"""Caches of bars for tests of their upkeep: a venue's candles, and what a broken day leaves of them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.market.settings import UpkeepSettings
from metastackerbandit.market.upkeep import KlineRequest
from tests.markets import START_NS, walk

SETTLE = UpkeepSettings(bars=60, most_bars=12)
LAST_NS = START_NS + 90 * MINUTE_NS
NOW_NS = LAST_NS + 17 * SECOND_NS


def venue(count: int = 90) -> np.ndarray:
    """The venue's candles (N,) of a minute, up to LAST_NS."""
    return walk(3, count, base_ns=MINUTE_NS)


def harmed(seed: int, *, lost: float = 0.2, partial: float = 0.1, wrong: float = 0.1, head: int = 0) -> np.ndarray:
    """What a bad day leaves: bars lost, bars not heard from their beginning, bars with another close; and the newest `head` missing."""
    rng = np.random.default_rng(seed)
    bars = venue()
    bars["parts"][rng.random(len(bars)) < partial] = 0
    changed = rng.random(len(bars)) < wrong
    bars["close"][changed] += 1
    bars["volume"] *= 1 + 1e-12 * rng.normal(size=len(bars))
    return bars[: len(bars) - head][rng.random(len(bars) - head) >= lost]


def answer(request: KlineRequest, silent: frozenset[int] = frozenset()) -> np.ndarray:
    """The venue's answer to a request, fetched now."""
    bars = venue()
    bars["known_ns"] = NOW_NS
    asked = (bars["opened_ns"] >= request.from_ns) & (bars["closed_ns"] <= request.to_ns)
    return bars[asked & ~np.isin(bars["opened_ns"], list(silent))]


CACHES = st.builds(
    harmed,
    st.integers(0, 10**6),
    lost=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    partial=st.sampled_from([0.0, 0.3]),
    wrong=st.sampled_from([0.0, 0.3]),
    head=st.integers(0, 90),
)
