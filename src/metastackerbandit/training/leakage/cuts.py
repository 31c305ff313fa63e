"""Where to cut: moments at which a look ahead would show, spread over the span and placed where leaks are usual."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from metastackerbandit.training.leakage.pipeline import Features, Ints, Market
from metastackerbandit.training.leakage.settings import LeakageSettings


def cut_times(market: Market, features: Features, settings: LeakageSettings, seed: int) -> Ints:
    """Moments (C,), in order of time, none twice.

    One in every stratum of the span, at a candle's close or amid a candle; inside gaps, when all that is missing would have been known;
    inside bars of the frame; and where a feature that seldom changes has just done so, since elsewhere a shift of it shows nothing.
    """
    rng = np.random.default_rng((seed, len(market.candles)))
    known = market.candles["known_ns"]
    edges = np.linspace(0, len(known), settings.cuts + 1).astype(np.int64)
    drawn = [int(rng.integers(low, high)) for low, high in pairwise(edges.tolist()) if high > low]
    spread = known[drawn] + rng.integers(0, 2, len(drawn)) * (market.base_ns // 2)
    found = [spread, _in_gaps(market, settings.hole_cuts, rng), _in_bars(market, settings.bar_cuts, rng)]
    found += [_at_changes(features, column, settings, rng) for column in range(features.values.shape[1])]
    cuts = np.unique(np.concatenate(found))
    return cuts[(cuts >= known[0]) & (cuts < known[-1])]


def _in_gaps(market: Market, count: int, rng: np.random.Generator) -> Ints:
    """The opens of candles that follow a gap: what is missing is past, what follows is not known."""
    opened, closed = market.candles["opened_ns"], market.candles["closed_ns"]
    after = np.flatnonzero(opened[1:] > closed[:-1]) + 1
    return opened[_some(after, count, rng)].astype(np.int64)


def _in_bars(market: Market, count: int, rng: np.random.Generator) -> Ints:
    """Closes of candles that are neither first nor last of the frame's bar; amid a candle where candles are the frame's bars."""
    candles = market.candles
    if market.frame_ns == market.base_ns:
        return candles["opened_ns"][_some(np.arange(1, len(candles)), count, rng)] + market.base_ns // 2
    inside = np.flatnonzero(candles["closed_ns"] % market.frame_ns != 0)
    return candles["closed_ns"][_some(inside, count, rng)].astype(np.int64)


def _at_changes(features: Features, column: int, settings: LeakageSettings, rng: np.random.Generator) -> Ints:
    values = features.values[:, column]
    valid = np.isfinite(values)
    changes = np.flatnonzero(valid[1:] & valid[:-1] & (values[1:] != values[:-1]))
    if len(changes) >= settings.seldom * max(int(valid.sum()), 1):
        return np.zeros(0, np.int64)
    return features.known_ns[_some(changes + 1, settings.change_cuts, rng)]


def _some(places: Ints, count: int, rng: np.random.Generator) -> Ints:
    return np.sort(rng.choice(places, min(count, len(places)), replace=False)).astype(np.int64)
