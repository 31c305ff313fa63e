"""Canaries placed at random: one shipped feature looks a few bars ahead, in a stretch of the time only, by a shift or a small admixture."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.quality import time_text
from metastackerbandit.training.leakage.canaries import Canary
from metastackerbandit.training.leakage.pipeline import Features, Ints, Market, Pipeline
from metastackerbandit.training.leakage.poison import Manner, poisoned

_LONGEST_LAG = 12  # bars ahead
_LEAST_STRETCH, _MOST_STRETCH = 0.06, 0.3  # of the rows that look ahead
_ADMIXTURE = 1e-3  # of a future return of one standard deviation, in standard deviations of the feature
_LIVELY = 0.9  # share of bars at which a feature must change to be chosen: a shift of a constant is no leak


def random_canary(seed: int, pipeline: Pipeline, market: Market) -> Canary:
    """A leak drawn by the seed for this pipeline and market; its place is a stretch of time, wherever the rows then lie."""
    rng = np.random.default_rng((seed, 2))
    table = pipeline.features(market, pipeline.bars(market))
    columns = _lively(pipeline, market, table, seed)
    if not len(columns):
        raise TrainingRefused(f"{market.symbol}: no feature follows the market", where="leakage", mend="examine a longer span of candles")
    column = int(rng.choice(columns))
    valid = np.flatnonzero(np.isfinite(table.values[:, column]))
    length = int(rng.uniform(_LEAST_STRETCH, _MOST_STRETCH) * len(valid))
    first = int(rng.integers(0, len(valid) - length))
    from_ns, until_ns = int(table.known_ns[valid[first]]), int(table.known_ns[valid[first + length]])
    lag, is_mixed = int(rng.integers(1, _LONGEST_LAG + 1)), bool(rng.integers(0, 2))
    share = _ADMIXTURE * float(np.nanstd(table.values[:, column]))
    closes = pipeline.bars(market)["close"]
    moves = float(np.std(closes[lag:] / closes[:-lag])) or 1.0
    how = f"{'takes in a little of the return' if is_mixed else 'is that'} of {lag} bars ahead"
    what = f"{table.names[column]} {how}, {time_text(from_ns)} to {time_text(until_ns)}"

    def broken(pipeline: Pipeline, market: Market) -> Pipeline:
        def features(market: Market, bars: np.ndarray[Any, Any]) -> Features:
            honest = pipeline.features(market, bars)
            values = honest.values.copy()
            inside = np.flatnonzero((honest.known_ns >= from_ns) & (honest.known_ns < until_ns))
            ahead = np.minimum(inside + lag, len(values) - 1)
            if is_mixed:
                values[inside, column] += share * (bars["close"][ahead] / bars["close"][inside] - 1.0) / moves
            else:
                values[inside, column] = honest.values[ahead, column]
            return replace(honest, values=values)

        return replace(pipeline, features=features)

    return Canary(f"random_{seed}", what, ("features",), broken)


def _lively(pipeline: Pipeline, market: Market, table: Features, seed: int) -> Ints:
    """Columns that follow the market at nearly every bar: with another market they are others, and they seldom stay as they were."""
    middle = int(table.known_ns[len(table.known_ns) // 2])
    other = poisoned(market, middle, Manner.OTHER, seed)
    there = pipeline.features(other, pipeline.bars(other)).values
    half = np.flatnonzero(table.known_ns > middle)
    here = table.values
    both = np.isfinite(here[half]) & np.isfinite(there[half])
    follows = (both & (here[half] != there[half])).sum(axis=0) >= _LIVELY * len(half)
    finite = np.isfinite(here)
    pairs = finite[1:] & finite[:-1]
    changes = (pairs & (here[1:] != here[:-1])).sum(axis=0) >= _LIVELY * np.maximum(pairs.sum(axis=0), 1)
    return np.flatnonzero(follows & changes)
