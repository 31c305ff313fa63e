"""What a Sharpe ratio is worth: its own uncertainty, the luck of the best of many trials, and the record that it asks for.

Everything is per observation (a bar), never annual: mixing the two in one formula is the usual mistake.
Sources: Bailey and Lopez de Prado 2012, "The Sharpe ratio efficient frontier" (PSR, MinTRL); 2014, "The deflated Sharpe ratio" (SR0, DSR).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.blocks import mean_of

Floats = NDArray[np.float64]

EULER_GAMMA = 0.5772156649015329
NORMAL = NormalDist()
_ROUNDING = 1e-24  # of the mean square: a variance this small is rounding, and the returns were all the same


class Moments(Struct, frozen=True):
    """Returns by their count, Sharpe ratio (ddof 1), skew and kurtosis (3 for normal ones); NaN where they do not vary."""

    count: int
    sharpe: float
    skew: float
    kurtosis: float


UNMOVED = Moments(0, math.nan, math.nan, math.nan)


@kernel
def central_moments(xs: Floats, mean: float) -> tuple[float, float, float]:
    """Second, third and fourth mean power of xs (T,) about their mean."""
    two, three, four = 0.0, 0.0, 0.0
    for t in range(len(xs)):
        away = xs[t] - mean
        square = away * away
        two += square
        three += square * away
        four += square * square
    return two / len(xs), three / len(xs), four / len(xs)


def moments_of(returns: Floats) -> Moments:
    """Moments of returns (T,), finite."""
    count = len(returns)
    if count < 2 or returns.min() == returns.max():
        return Moments(count, math.nan, math.nan, math.nan)
    mean = float(mean_of(returns))
    two, three, four = (float(moment) for moment in central_moments(returns, mean))
    if not two > _ROUNDING * mean * mean:
        return Moments(count, math.nan, math.nan, math.nan)
    return Moments(count, mean / math.sqrt(two * count / (count - 1)), three / two**1.5, four / (two * two))


def probabilistic_sharpe(moments: Moments, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio exceeds the benchmark (PSR); NaN where there is no Sharpe ratio."""
    spread = _spread(moments)
    if not spread > 0.0 or moments.count < 2:
        return math.nan
    return below((moments.sharpe - benchmark) * math.sqrt((moments.count - 1) / spread))


def luck_of_best(trials: float) -> float:
    """What the best of so many standard normal draws is expected to be (their equation 1); 0 for a single one."""
    if not trials > 1.0:
        return 0.0
    return (1.0 - EULER_GAMMA) * NORMAL.inv_cdf(1.0 - 1.0 / trials) + EULER_GAMMA * NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))


def expected_best_sharpe(variance: float, trials: float) -> float:
    """The Sharpe ratio (SR0) that the best of so many skill-less trials is expected to show; `variance` is that of the trials' ratios."""
    return math.sqrt(variance) * luck_of_best(trials)


def sharpe_to_beat(sharpes: Floats, trials: int, bars: int) -> float:
    """SR0 for a trial of so many bars that was chosen among `trials`, of which these Sharpe ratios (N,) are known (NaN: not known).

    The paper's expectation from the trials' own mean and variance, where a mean above 0 counts as 0; and never less than what luck alone
    gives to trials without skill, whose ratios vary by 1 / (T - 1): a few ratios do not tell their variance, and losing ones must not hide luck.
    """
    if bars < 2:
        return math.nan
    luck = expected_best_sharpe(1.0 / (bars - 1), trials)
    known = sharpes[np.isfinite(sharpes)]
    if len(known) < 2:
        return luck
    return max(luck, min(float(known.mean()), 0.0) + expected_best_sharpe(float(known.var(ddof=1)), trials))


def deflated_sharpe(moments: Moments, to_beat: float) -> float:
    """Probability (DSR) that the true Sharpe ratio exceeds what the best of the trials would show by luck, `to_beat`."""
    return probabilistic_sharpe(moments, to_beat)


def minimum_track_length(moments: Moments, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Observations (MinTRL) after which such a Sharpe ratio exceeds the benchmark with this confidence; infinite where it does not exceed it."""
    spread = _spread(moments)
    if math.isnan(spread):
        return math.nan
    if moments.sharpe <= benchmark:
        return math.inf
    z = NORMAL.inv_cdf(confidence) / (moments.sharpe - benchmark)
    return 1.0 + spread * z * z


def below(z: float) -> float:
    """Share of a standard normal below z."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def _spread(moments: Moments) -> float:
    """Variance of the estimated Sharpe ratio, times T - 1."""
    return 1.0 - moments.skew * moments.sharpe + 0.25 * (moments.kurtosis - 1.0) * moments.sharpe * moments.sharpe
