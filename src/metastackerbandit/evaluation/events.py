"""Which bars are worth a row: those where the price has moved enough since the last (symmetric CUSUM; Lopez de Prado 2018, ch. 2)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@kernel
def _sampled(closes: Floats, thresholds: Floats, out: Bools) -> None:
    """Mark in out (N,) where a one-sided sum of log returns reaches its threshold; that sum then starts anew."""
    up = 0.0
    down = 0.0
    for n in range(1, len(closes)):
        threshold = thresholds[n]
        if math.isnan(threshold):
            continue
        change = math.log(closes[n] / closes[n - 1])
        up = max(0.0, up + change)
        down = min(0.0, down + change)
        if up >= threshold:
            up = 0.0
            out[n] = True
        elif down <= -threshold:
            down = 0.0
            out[n] = True


def cusum_events(closes: Floats | Ints, thresholds: Floats) -> Bools:
    """Closes (N,) and thresholds (N,) in log prices -> which bars are events (N,); none where the threshold is NaN (warming up).

    Uses each bar and those before it only. A threshold of 0 makes every bar an event but the first.
    """
    out = np.zeros(len(closes), np.bool_)
    _sampled(np.ascontiguousarray(closes, np.float64), np.ascontiguousarray(thresholds, np.float64), out)
    return out
