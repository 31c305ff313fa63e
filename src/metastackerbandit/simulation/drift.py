"""What the made market's hidden drift foresees, in closed form.

A symbol's log value moves, in units of its volatility over one second, by

    dU = m dt + dW,    dm = -k m dt + s sqrt(2 k) dB

where W has variance 1 a second (diffusion and jumps, whose regimes come and go around that mean), and the drift m is an Ornstein-Uhlenbeck process of
variance s^2 that knows nothing of W. Over h seconds, with

    A(h) = (1 - exp(-k h)) / k            what a drift of 1 is still worth
    V(h) = 2 (k h - 1 + exp(-k h)) / k^2   variance of the integral of a drift of variance 1

the return has variance h + s^2 V(h), and s^2 A(h)^2 of it is known to who knows m. So

    R2(h) = s^2 A(h)^2 / (h + s^2 V(h)).

Neighbouring returns over p and h seconds have covariance s^2 A(p) A(h), so the correlation of a return with the next of the same length is that same
R2(h); who regresses the next on the last explains R2(h)^2. s follows from the R2 over one hour, which is the setting. A drift that is the market's
and the symbol's own, with squared weights that add up to 1, has the same law, so all this holds for each symbol.
"""

from __future__ import annotations

import math

from metastackerbandit.domain.timeframe import YEAR_NS
from metastackerbandit.simulation.settings import GeneratorSettings

HOUR_S = 3_600.0  # horizon at which predictability is stated
YEAR_S = YEAR_NS / 1e9


def pull_of(half_life_s: float) -> float:
    """k, a second: an Ornstein-Uhlenbeck process has lost half after its half-life."""
    return math.log(2.0) / half_life_s


def drift_pull(settings: GeneratorSettings) -> float:
    """k of the drift, a second."""
    return pull_of(settings.drift_half_life_hours * HOUR_S)


def drift_deviation(settings: GeneratorSettings) -> float:
    """s: the drift's standard deviation, in volatilities over one second, a second; 0 where nothing can be foreseen."""
    pull = drift_pull(settings)
    reached = reach(pull, HOUR_S)
    left = reached * reached - settings.predictability * wandering(pull, HOUR_S)
    return math.sqrt(settings.predictability * HOUR_S / left)


def reach(pull: float, horizon_s: float) -> float:
    """A(h), in seconds."""
    return -math.expm1(-pull * horizon_s) / pull


def wandering(pull: float, horizon_s: float) -> float:
    """V(h), in seconds squared."""
    return 2.0 * (pull * horizon_s + math.expm1(-pull * horizon_s)) / (pull * pull)


def variance(settings: GeneratorSettings, horizon_s: float) -> float:
    """Of a return over so many seconds, where that of one second without drift is 1."""
    deviation = drift_deviation(settings)
    return horizon_s + deviation * deviation * wandering(drift_pull(settings), horizon_s)


def foreseen(settings: GeneratorSettings, horizon_s: float) -> float:
    """R2(h): the share of a return's variance that the drift foresees."""
    return neighbours(settings, horizon_s, horizon_s)


def neighbours(settings: GeneratorSettings, past_s: float, horizon_s: float) -> float:
    """Correlation of the last return over `past_s` with the next over `horizon_s`."""
    deviation, pull = drift_deviation(settings), drift_pull(settings)
    shared = deviation * deviation * reach(pull, past_s) * reach(pull, horizon_s)
    return shared / math.sqrt(variance(settings, past_s) * variance(settings, horizon_s))


def edge_bps(settings: GeneratorSettings, horizon_s: float) -> float:
    """What one standard deviation of the drift moves a symbol's value by over so many seconds, in bps, its volatility being the market's."""
    return 1e4 * settings.annual_volatility / math.sqrt(YEAR_S) * drift_deviation(settings) * reach(drift_pull(settings), horizon_s)
