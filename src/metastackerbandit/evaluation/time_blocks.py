"""Intervals for statistics of rows that overlap: what happens within a block of time counts as one observation.

A statistic near its truth is a sum of one influence a row. Influences are summed over blocks of the clock that are long against the labels,
all symbols together, and the spread of those sums is the statistic's (the linearised cluster variance: Huber 1967; for the AUC Obuchowski
1997), with Student's t for their number.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.evaluation.bootstrap import CONFIDENCE, UNKNOWN, Interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_BLOCKS = 100  # the error of a spread is 1 / sqrt(2 x blocks), 7 % here; longer blocks also hold slower rhythms than the overlap
WANTED_BLOCKS, FEWEST_BLOCKS = 20, 10  # with fewer than ten nothing is said
LONG, SHORT = 8.0, 2.0  # block lengths in mean labels: overlap across their ends hides 2 % of an error, or 8 % where the history is short


def time_blocks(start_ns: Ints, end_ns: Ints) -> Ints:
    """The block of time (0, 1, ...) that each label (N,) starts in; blocks are equally long, empty ones are not counted."""
    if not len(start_ns):
        return np.zeros(0, np.int64)
    first = int(start_ns.min())
    span = int(start_ns.max()) - first
    label = max(float(np.mean(end_ns - start_ns)), 1.0)
    count = min(int(span / (LONG * label)), MOST_BLOCKS)
    if count < WANTED_BLOCKS:
        count = min(int(span / (SHORT * label)), WANTED_BLOCKS)
    length = span // max(count, 1) + 1
    return np.unique((start_ns - first) // length, return_inverse=True)[1].astype(np.int64)


def margin(blocks: int) -> float:
    """Half the width of a 95 % interval in standard errors, for a spread of so many blocks."""
    from scipy.special import stdtrit

    return float(stdtrit(blocks - 1, 0.5 + 0.5 * CONFIDENCE))


def spread(influence: Floats, block: Ints) -> float:
    """Variance of a statistic with these influences (N,), which sum to zero; NaN with fewer than ten blocks."""
    sums = np.bincount(block, weights=influence)
    count = len(sums)
    if count < FEWEST_BLOCKS:
        return math.nan
    return float(np.sum(sums * sums)) * count / (count - 1)


def around(value: float, influence: Floats, block: Ints) -> Interval:
    """A statistic with its 95 % interval; bounds are NaN with fewer than ten blocks."""
    if not math.isfinite(value):
        return UNKNOWN
    variance = spread(influence, block)
    if math.isnan(variance):
        return Interval(value, math.nan, math.nan)
    half = margin(int(block.max()) + 1) * math.sqrt(variance)
    return Interval(value, value - half, value + half)


def mean_around(values: Floats, weight: Floats, block: Ints) -> Interval:
    """Weighted mean of values (N,) with its interval; NaN of no rows."""
    total = float(np.sum(weight))
    if not total > 0.0:
        return UNKNOWN
    mean = float(np.sum(weight * values)) / total
    return around(mean, weight * (values - mean) / total, block)
