"""Whether two samples come from one distribution: the population stability index, and how much of it is noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel

Floats = NDArray[np.float64]

BINS = 10
NOISE_RARE = 27.877  # chi-square of 9 degrees, 99.9 %
NOISE_RAREST = 44.811  # the same, all but one in a million


@kernel
def of_bin(count: float, total: float, expected: float, other: float) -> float:
    """What one bin adds."""
    share = (count + 0.5) / total
    due = (expected + 0.5) / other
    return (share - due) * math.log(share / due)


@kernel
def stability_index(counts: Floats, expected: Floats) -> float:
    """PSI of counts (B,) against expected counts (B,); half an answer is added to each bin, so that an empty one is no infinity.

    Bins are added in pairs from both ends, so that a mirrored sample has the same index to the bit.
    """
    bins = len(counts)
    total, other = 0.0, 0.0
    for b in range(bins):
        total += counts[b] + 0.5
        other += expected[b] + 0.5
    index = 0.0
    for b in range(bins // 2):
        index += of_bin(counts[b], total, expected[b], other) + of_bin(counts[bins - 1 - b], total, expected[bins - 1 - b], other)
    if bins % 2 == 1:
        index += of_bin(counts[bins // 2], total, expected[bins // 2], other)
    return index


@kernel
def noise_line(count: float, expected: float, quantile: float) -> float:
    """PSI that samples of one distribution of these sizes stay below with the quantile's probability (Yurdakul and Naranjo 2020)."""
    return quantile * (1.0 / count + 1.0 / expected)
