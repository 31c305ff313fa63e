"""A mixture of predictions whose weights follow their log scores and forget: dynamic model averaging.

Raftery, Karny and Ettler 2010: a weight's logarithm is multiplied by a forgetting factor and gains the tempered log score of what came.
Plain Bayesian averaging collapses on one model even where all are wrong; forgetting and a floor are what keep it useful (method 3.5).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.settings import MixingSettings

Floats = NDArray[np.float64]

_DEFAULTS = MixingSettings()
_LEAST = 1e-12  # a chance or weight below it counts as it: a logarithm must be finite


@kernel
def reweigh(weights: Floats, chances: Floats, uniqueness: float, forget: float, temper: float, floor: float) -> None:
    """One matured outcome: weights (K,) follow chances (K,), the probability that each model gave to what came; in place.

    NaN: the model slept, and its weight moves as the mixture's own. `uniqueness` in (0, 1] is the share of an independent outcome. The
    result sums to 1 with no weight below `floor`, which needs floor x K < 1.
    """
    mixed, awake = 0.0, 0.0
    for k in range(len(weights)):
        if not math.isnan(chances[k]):
            mixed += weights[k] * chances[k]
            awake += weights[k]
    if not mixed > 0.0:
        return
    keep = math.exp(uniqueness * math.log(forget))
    share = temper * uniqueness
    top = -math.inf
    for k in range(len(weights)):
        chance = mixed / awake if math.isnan(chances[k]) else chances[k]
        weights[k] = keep * math.log(max(weights[k], _LEAST)) + share * math.log(max(chance, _LEAST))
        top = max(top, weights[k])
    total = 0.0
    for k in range(len(weights)):
        weights[k] = math.exp(weights[k] - top)
        total += weights[k]
    room = 1.0 - floor * len(weights)
    for k in range(len(weights)):
        weights[k] = floor + room * (weights[k] / total)


@kernel
def mix_into(out: Floats, probabilities: Floats, weights: Floats) -> float:
    """Linear pool of the awake among probabilities (K, 3) into out (3,), NaN when all sleep; returns their share of the weights."""
    awake = 0.0
    for c in range(3):
        out[c] = 0.0
    for k in range(len(weights)):
        if not math.isnan(probabilities[k, 0]):
            awake += weights[k]
            for c in range(3):
                out[c] += weights[k] * probabilities[k, c]
    for c in range(3):
        out[c] = out[c] / awake if awake > 0.0 else math.nan
    return awake


def duplicates(streams: Floats, tolerance: float = _DEFAULTS.same) -> tuple[tuple[int, ...], ...]:
    """Which streams (L, N) or (L, N, 3) are one and the same, as groups of places, in order; each place stands in one group.

    Same: NaN at the same places, a number somewhere, and elsewhere nowhere further than `tolerance` from the group's first.
    """
    groups: list[list[int]] = []
    for place in range(len(streams)):
        home = next((group for group in groups if _is_same(streams[group[0]], streams[place], tolerance)), None)
        if home is None:
            groups.append([place])
        else:
            home.append(place)
    return tuple(tuple(group) for group in groups)


def _is_same(one: Floats, other: Floats, tolerance: float) -> bool:
    known = ~np.isnan(one)
    if not np.array_equal(known, ~np.isnan(other)) or not known.any():
        return False
    return bool(np.abs(one[known] - other[known]).max() <= tolerance)


def first_weights(groups: tuple[tuple[int, ...], ...]) -> Floats:
    """Weights (L,) to start from: equal a group, and the copies in a group share one, so that luck is not counted twice."""
    weights = np.empty(sum(len(group) for group in groups))
    for group in groups:
        weights[list(group)] = 1.0 / (len(groups) * len(group))
    return weights
