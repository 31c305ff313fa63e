"""What a trade is expected to return, gross, from class probabilities and heads, and how sure that is.

Both are estimates of the same number from the same rows, so they count equally. Their mean is scaled by the slope with which out-of-fold outcomes
followed it, shrunk by its own error: a forecast that nothing followed becomes 0.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PRIOR_SLOPE, _PRIOR_DEVIATION = 0.5, 0.5  # before any outcome: an in-sample forecast keeps about half, give or take as much
_HEAD_SHARE = 0.5  # of the heads beside the classes


class Expectation(Struct, frozen=True):
    """Numbers that turn a lead (p_up - p_down) and a head into expected returns, in horizon volatilities.

    `reach` is the mean gross return of a right call, `level` what both sides lose to candles that hold both barriers (<= 0). `slope` in
    [0, 1] scales the forecast, `slope_error` is its standard error, `noise` the standard error of a mean outcome.
    """

    reach: float
    level: float
    slope: float
    slope_error: float
    noise: float

    def forecast(self, lead: Floats, head: Floats) -> Floats:
        """Expected return of a long above that of a flat market (N,), before scaling."""
        return _HEAD_SHARE * head + (1.0 - _HEAD_SHARE) * self.reach * lead

    def long_short(self, lead: Floats, head: Floats) -> tuple[Floats, Floats]:
        """Expected returns of a long and of a short (N,)."""
        raw = self.slope * self.forecast(lead, head)
        return self.level + raw, self.level - raw

    def error(self, lead: Floats, head: Floats) -> Floats:
        """Their standard error (N,)."""
        own = self.slope_error * self.forecast(lead, head)
        error: Floats = np.sqrt(self.noise * self.noise + own * own)
        return error


def fit_expectation(lead: Floats, head: Floats, long: Floats, short: Floats, right: NDArray[np.bool_], weight: Floats, n_eff: float) -> Expectation:
    """From out-of-fold leads, heads and outcomes (N,) of `n_eff` independent rows; `right` (N,) are rows whose label has a direction."""
    outcome = 0.5 * (long - short)
    reach = float(np.average(np.abs(outcome[right]), weights=weight[right])) if right.any() else 0.0
    level = min(float(np.average(0.5 * (long + short), weights=weight)), 0.0)
    plain = Expectation(reach=reach, level=level, slope=1.0, slope_error=0.0, noise=0.0)
    raw = plain.forecast(lead, head)
    mass = float(np.average(raw * raw, weights=weight))
    deviation = math.sqrt(float(np.average(outcome * outcome, weights=weight)))
    noise = deviation / math.sqrt(max(n_eff, 1.0))
    if mass == 0.0 or deviation == 0.0:
        return Expectation(reach=reach, level=level, slope=0.0, slope_error=_PRIOR_DEVIATION, noise=noise)
    found = float(np.average(raw * outcome, weights=weight)) / mass
    error = noise / math.sqrt(mass)
    told, believed = 1.0 / (error * error), 1.0 / (_PRIOR_DEVIATION * _PRIOR_DEVIATION)
    slope = (told * found + believed * _PRIOR_SLOPE) / (told + believed)
    return Expectation(reach=reach, level=level, slope=min(max(slope, 0.0), 1.0), slope_error=1.0 / math.sqrt(told + believed), noise=noise)
