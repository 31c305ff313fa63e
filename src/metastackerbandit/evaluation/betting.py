"""Whether bounded numbers have a mean above or below 0: betting on their sign, a capital that a fair game keeps from growing.

Waudby-Smith and Ramdas 2024: for x in [-1, 1] of conditional mean 0 or less, the product of 1 + stake * x is an e-process; a mixture
over a few stakes needs none to be right.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel

Floats = NDArray[np.float64]

LEAST_STAKE = 0.05  # of the capital, for an edge of a few hundredths; then doubled
STAKES = 4  # up to .4, for an edge of a third
BETS = 2 * STAKES  # on a mean above 0, then on one below it


@kernel
def bet_step(capital: Floats, x: float) -> None:
    """Move the log capitals (BETS,), 0 at first, by one number; beyond 1 it counts as 1."""
    bounded = min(max(x, -1.0), 1.0)
    stake = LEAST_STAKE
    for k in range(STAKES):
        capital[k] += math.log(1.0 + stake * bounded)
        capital[STAKES + k] += math.log(1.0 - stake * bounded)
        stake *= 2.0


@kernel
def bet_log(capital: Floats, first: int) -> float:
    """ln of the mean capital of the stakes on a mean above 0 (`first` 0) or below it (`first` STAKES)."""
    most = capital[first]
    for k in range(1, STAKES):
        most = max(most, capital[first + k])
    total = 0.0
    for k in range(STAKES):
        total += math.exp(capital[first + k] - most)
    return most + math.log(total / STAKES)
