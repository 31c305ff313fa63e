"""How well a number tells UP from DOWN: the area under its curve, with a standard error that knows that neighbours are alike."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.label import DOWN, UP

Floats = NDArray[np.float64]

_BLOCKS = 20  # runs of neighbours that are left out in turn
_LEAST_OF_A_CLASS = 8  # rows of UP and of DOWN below which nothing is said


def auc(values: Floats, side: NDArray[np.int8]) -> float:
    """Chance that an UP row's value (N,) is above a DOWN row's, ties counting half; NaN values are left out, NaN with too few rows."""
    kept = np.isfinite(values) & (side != DOWN + (UP - DOWN) // 2)
    values, is_up = values[kept], side[kept] == UP
    ups, downs = int(is_up.sum()), int((~is_up).sum())
    if min(ups, downs) < _LEAST_OF_A_CLASS:
        return math.nan
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1))[place]  # ties take the mean of their ranks
    return float((ranks[is_up].sum() - 0.5 * ups * (ups + 1)) / (ups * downs))


def auc_error(values: Floats, side: NDArray[np.int8]) -> float:
    """Standard error of `auc`, by leaving out runs of neighbouring rows in turn (the block jackknife); NaN with too few rows."""
    edges = np.linspace(0, len(values), _BLOCKS + 1).astype(np.int64)
    runs = [np.s_[low:high] for low, high in pairwise(edges.tolist())]
    left = np.array([auc(np.delete(values, run), np.delete(side, run)) for run in runs])
    return float(np.sqrt((_BLOCKS - 1) / _BLOCKS * np.sum((left - left.mean()) ** 2)))
