"""Pooled symbols: how much of each other their outcomes are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.evaluation.uniqueness import design_effect

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LEAST_SHARED = 10  # common rows below which a correlation is unknown
UNKNOWN_CORRELATION = 1.0  # a pair whose correlation is unknown counts as one symbol


def pooled_effect(times: list[Ints], returns: list[Floats]) -> float:
    """The design effect of symbols (S) with label returns (N_s,) at times (N_s,): how many of them count as one; 1 for one symbol."""
    return design_effect(len(times), mean_correlation(times, returns)) if len(times) > 1 else 1.0


def mean_correlation(times: list[Ints], returns: list[Floats]) -> float:
    """Mean correlation of the label returns of all pairs of symbols, each (N_s,) at times (N_s,) in rising order, over the moments they share."""
    found = [_correlation(times[a], returns[a], times[b], returns[b]) for a, b in combinations(range(len(times)), 2)]
    return float(np.mean(found)) if found else 0.0


def _correlation(first_times: Ints, first: Floats, second_times: Ints, second: Floats) -> float:
    _, left, right = np.intersect1d(first_times, second_times, assume_unique=True, return_indices=True)
    if len(left) < _LEAST_SHARED:
        return UNKNOWN_CORRELATION
    one, other = first[left] - first[left].mean(), second[right] - second[right].mean()
    scale = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / scale if scale > 0.0 else UNKNOWN_CORRELATION
