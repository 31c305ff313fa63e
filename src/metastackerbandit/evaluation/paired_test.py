"""Is the challenger better? A test on paired differences that may be looked at after every outcome, and stopped whenever one likes.

The e-value is a normal mixture over the paired Sharpe ratio (Robbins 1970; as an asymptotic confidence sequence Waudby-Smith, Arbour, Sinha,
Kennedy and Ramdas 2021): E_n = (1 + n v)^-1/2 exp(z_n^2 n v / (2 (1 + n v))), z_n = mean sqrt(n) / deviation. Where the mean is nothing, E
rises to e with chance at most 1 / e at any time; it is asymptotic, so fewer than about a hundred outcomes decide nothing. What decides
is one-sided: E with a positive mean speaks for the challenger, with a negative one against it.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.evaluation.settings import RolloutSettings

Floats = NDArray[np.float64]


class PairedEvidence(Struct, frozen=True):
    """What so many paired differences come to; NaN where there are too few, or they are all alike.

    `mean` and `deviation` in the unit of the differences, `e_value` as above, `chance_better` the normal chance that the mean is positive.
    """

    outcomes: int
    mean: float
    deviation: float
    z: float
    e_value: float
    chance_better: float

    def speaks_for(self, settings: RolloutSettings) -> bool:
        """Whether it shows that the challenger is better."""
        enough = self.outcomes >= settings.outcomes and self.chance_better >= settings.chance_better
        return enough and self.mean > 0.0 and self.e_value >= settings.evidence

    def speaks_against(self, settings: RolloutSettings) -> bool:
        """Whether it shows that the challenger is worse."""
        return self.outcomes >= settings.outcomes and self.mean < 0.0 and self.e_value >= settings.evidence


def paired_evidence(differences: Floats, spread: float) -> PairedEvidence:
    """The evidence in differences challenger - champion (N,), one an outcome and not overlapping; `spread` is the mixture's variance."""
    count = len(differences)
    if count < 2 or differences.min() == differences.max():
        mean = float(differences.mean()) if count else math.nan
        return PairedEvidence(count, mean, math.nan, math.nan, math.nan, math.nan)
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    z = mean * math.sqrt(count) / deviation
    return PairedEvidence(count, mean, deviation, z, math.exp(log_e(z, count, spread)), 0.5 * math.erfc(-z / math.sqrt(2.0)))


def log_e(z: float, count: int, spread: float) -> float:
    """Logarithm of the e-value of a z-score of so many outcomes; below a ratio of 700 it fits a float."""
    known = count * spread
    return min(-0.5 * math.log1p(known) + 0.5 * z * z * known / (1.0 + known), 700.0)
