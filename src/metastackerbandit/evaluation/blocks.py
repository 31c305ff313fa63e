"""How long the blocks of a stationary bootstrap should be: Politis and White 2004, corrected by Patton, Politis and White 2009.

Autocovariances are counted up to the lag from which a run of them is no longer told from noise, weighed by a flat-top window, and give
the block that minimises the error of the variance of a mean.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel

Floats = NDArray[np.float64]

_LEAST_BARS = 10  # fewer show no rhythm
_LEAST_RUN = 5  # lags in a row that must be insignificant; the paper's advice, with sqrt(log10 T) beyond
_CRITICAL = 2.0  # times sqrt(log10 T / T): the paper's bound for an autocorrelation that is noise


@kernel
def autocovariance(xs: Floats, mean: float, lag: int) -> float:
    """Mean product of deviations `lag` apart, over xs (T,) and divided by T; four sums in a fixed order, so that they overlap."""
    count = len(xs) - lag
    one, two, three, four = 0.0, 0.0, 0.0, 0.0
    whole = count // 4 * 4
    for t in range(0, whole, 4):
        one += (xs[t] - mean) * (xs[t + lag] - mean)
        two += (xs[t + 1] - mean) * (xs[t + 1 + lag] - mean)
        three += (xs[t + 2] - mean) * (xs[t + 2 + lag] - mean)
        four += (xs[t + 3] - mean) * (xs[t + 3 + lag] - mean)
    for t in range(whole, count):
        one += (xs[t] - mean) * (xs[t + lag] - mean)
    return ((one + two) + (three + four)) / len(xs)


@kernel
def mean_of(xs: Floats) -> float:
    """Mean of xs (T,), summed oldest first."""
    total = 0.0
    for t in range(len(xs)):
        total += xs[t]
    return total / len(xs)


def longest_block(bars: int) -> float:
    """The longest block worth drawing from so many bars: the smaller of three square roots and a third, at least 1."""
    return max(1.0, math.ceil(min(3.0 * math.sqrt(bars), bars / 3.0)))


def block_bars(xs: Floats) -> float:
    """Expected block length in bars for xs (T,), within [1, longest_block(T)]; 1 for a constant or fewer than 10 bars."""
    count = len(xs)
    if count < _LEAST_BARS or xs.min() == xs.max():
        return 1.0
    mean = float(mean_of(xs))
    covariances = [float(autocovariance(xs, mean, 0))]
    lags = _bandwidth(xs, mean, covariances)
    slope, spectrum = 0.0, covariances[0]
    for lag in range(1, lags + 1):
        weight = min(1.0, 2.0 * (1.0 - lag / lags))
        slope += 2.0 * weight * lag * covariances[lag]
        spectrum += 2.0 * weight * covariances[lag]
    limit = longest_block(count)
    if spectrum == 0.0:
        return limit
    return min(limit, max(1.0, math.cbrt(count * (slope / spectrum) ** 2)))


def _bandwidth(xs: Floats, mean: float, covariances: list[float]) -> int:
    """Lags that the flat-top window spans: twice the first lag of a run of insignificant ones; fills covariances that far."""
    count = len(xs)
    run_due = max(_LEAST_RUN, math.ceil(math.sqrt(math.log10(count))))
    most = min(math.ceil(math.sqrt(count)) + run_due, count - 1)
    bound = _CRITICAL * math.sqrt(math.log10(count) / count) * covariances[0]
    run, lags = 0, most
    for lag in range(1, most + 1):
        covariances.append(float(autocovariance(xs, mean, lag)))
        run = run + 1 if abs(covariances[lag]) < bound else 0
        if run == run_due:
            lags = min(2 * (lag - run_due + 1), most)
            break
    for lag in range(len(covariances), lags + 1):
        covariances.append(float(autocovariance(xs, mean, lag)))
    return lags
