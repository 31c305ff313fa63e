"""Returns over fewer, longer bars: sums of neighbours, for tests whose cost grows with the number of bars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COARSE_BARS = 960  # sixteen slices of sixty: enough for any block of a test of means, and little to keep for each trial


def coarse(returns: Floats, bars: int = COARSE_BARS) -> Floats:
    """Returns (T,) or (T, M) summed over `bars` runs of neighbours that differ by one bar at most; fewer than that stay as they are."""
    count = len(returns)
    if count <= bars:
        return np.array(returns, np.float64)
    starts = np.arange(bars) * count // bars
    return np.add.reduceat(np.asarray(returns, np.float64), starts, axis=0)
