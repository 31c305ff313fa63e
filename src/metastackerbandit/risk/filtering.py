"""Returns seen through their volatility: an exponentially forgetting variance, and each return in units of what was forecast for it."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel

Floats = NDArray[np.float64]


class Filtered(Struct, frozen=True, eq=False):
    """`variance` (T + 1, Y) is the forecast for each return from those before it, the last row that for the return that comes next;
    `standard` (T, Y) are the returns in units of its root. Both are NaN while it is not known."""

    variance: Floats
    standard: Floats


@kernel
def filter_over(returns: Floats, keep: float, warm_up: int, variance: Floats, standard: Floats) -> None:
    """Fill variance (T + 1, Y) and standard (T, Y) from returns (T, Y); an unknown return changes nothing.

    A variance is known after `warm_up` returns, and once something has moved.
    """
    for y in range(returns.shape[1]):
        seen = 0
        total = 0.0
        weight = 0.0
        for t in range(len(returns)):
            change = returns[t, y]
            variance[t, y] = total / weight if seen >= warm_up and total > 0.0 else math.nan
            standard[t, y] = change / math.sqrt(variance[t, y])
            if not math.isnan(change):
                total = keep * total + (1.0 - keep) * (change * change)
                weight = keep * weight + (1.0 - keep)
                seen += 1
        variance[len(returns), y] = total / weight if seen >= warm_up and total > 0.0 else math.nan


def filtered(returns: Floats, keep: float, warm_up: int) -> Filtered:
    """Returns (T, Y) filtered with a variance that keeps `keep` of the past a step (RiskMetrics 1996, section 5.2: zero mean, one decay)."""
    count, symbols = returns.shape
    found = Filtered(np.empty((count + 1, symbols)), np.empty((count, symbols)))
    filter_over(np.ascontiguousarray(returns), keep, warm_up, found.variance, found.standard)
    return found
