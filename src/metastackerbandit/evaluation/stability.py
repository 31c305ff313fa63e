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
def stability_index(counts: Floats, expected: Floats) -> float:
    """PSI of counts (B,) against expected counts (B,); half an answer is added to each bin, so that an empty one is no infinity."""
    bins = len(counts)
    total, other = 0.0, 0.0
    for b in range(bins):
        total += counts[b] + 0.5
        other += expected[b] + 0.5
    index = 0.0
    for b in range(bins):
        share = (counts[b] + 0.5) / total
        due = (expected[b] + 0.5) / other
        index += (share - due) * math.log(share / due)
    return index


@kernel
def noise_line(count: float, expected: float, quantile: float) -> float:
    """PSI that samples of one distribution of these sizes stay below with the quantile's probability (Yurdakul and Naranjo 2020)."""
    return quantile * (1.0 / count + 1.0 / expected)
