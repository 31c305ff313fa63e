"""Was expected shortfall large enough? An effect in units of what was foretold, and evidence that may be looked at after every day.

The effect is Acerbi and Szekely's Z2 (2014, "Backtesting expected shortfall", test 2): 1 - mean of (loss x hit) / ((1 - level) shortfall). It
is 0 in expectation where value at risk and shortfall are true; below -0.7 fall 5 % of true forecasts at 97.5 % in a year of days. The evidence is
the e-backtest of Wang, Wang and Ziegel (2022, "E-backtesting", sections 3 to 5): each day's e-value (loss - v)+ / ((1 - level)(s - v)) has mean 1
at most while v and s are not too small, and the product of bets on it reaches 20 with a chance of 1/20 at most, however long one looks.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_STAKE = 0.5  # of what is staked on the next e-value; the paper's bound, so that no quiet day loses more than half

MOST_SURPRISE = 1e6  # an e-value cut down is one still; a shortfall that is no more than its value at risk would give infinity


class Shortfalls(Struct, frozen=True):
    """Z2 (NaN without forecasts), the e-value as it stands and the largest that it reached."""

    z2: float
    evidence: float
    most_evidence: float


def shortfalls(losses: Floats, value_at_risk: Floats, shortfall: Floats, share: float) -> Shortfalls:
    """Judge shortfalls (T,) foretold with value at risk (T,) at level 1 - share, against losses (T,), in the order of time and without overlap."""
    if not len(losses):
        return Shortfalls(math.nan, 1.0, 1.0)
    hit = losses > value_at_risk
    with np.errstate(divide="ignore", invalid="ignore"):
        z2 = 1.0 - float(np.where(hit, losses / shortfall, 0.0).mean()) / share
        told = (losses - value_at_risk) / (share * (shortfall - value_at_risk))
        surprise = np.where(hit, np.minimum(told, MOST_SURPRISE), 0.0)
        wealth = np.cumprod(1.0 + stakes(surprise) * (surprise - 1.0))
    return Shortfalls(z2, float(wealth[-1]), max(float(wealth.max()), 1.0))


def stakes(surprise: Floats) -> Floats:
    """What is staked on each e-value (T,), from those before it: the growth-optimal share to second order, in [0, 1/2] (their equation 11)."""
    gain = surprise - 1.0
    first = np.concatenate(([0.0], np.cumsum(gain)[:-1]))
    second = np.concatenate(([0.0], np.cumsum(gain * gain)[:-1]))
    found: Floats = np.clip(np.divide(first, second, out=np.zeros(len(gain)), where=second > 0.0), 0.0, MOST_STAKE)
    return found
