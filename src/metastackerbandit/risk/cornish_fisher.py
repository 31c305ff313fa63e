"""Cornish and Fisher's expansion: a normal quantile bent by skewness and kurtosis, where the bent curve still rises; elsewhere it is refused.

    z_cf = z + (z^2 - 1) S/6 + (z^3 - 3z) K/24 - (2z^3 - 5z) S^2/36                         (S skewness, K excess kurtosis)

Its slope is (K/8 - S^2/6) z^2 + (S/3) z + (1 - K/8 + 5 S^2/36). Where that is below zero for some z, a worse quantile would be a smaller
loss: Maillard 2012 ("A user's guide to the Cornish Fisher expansion") gives the domain. With little skewness it ends at an excess kurtosis of 8.
"""

from __future__ import annotations

from metastackerbandit.risk.tail import NORMAL, Tail, density


def refusal(skewness: float, kurtosis: float) -> str:
    """Why the expansion cannot be used at this skewness and excess kurtosis; empty where it rises for every z."""
    bend = kurtosis / 8.0 - skewness * skewness / 6.0
    slope = 1.0 - kurtosis / 8.0 + 5.0 * (skewness * skewness) / 36.0
    tilt = skewness * skewness / 9.0
    if (bend > 0.0 and tilt <= 4.0 * bend * slope) or (bend == 0.0 and skewness == 0.0):
        return ""
    return f"outside its domain at skewness {skewness:.2f} and excess kurtosis {kurtosis:.2f}: quantiles would cross"


def bent(z: float, skewness: float, kurtosis: float) -> float:
    """The quantile of the expansion where the normal one is z."""
    square = z * z
    cube = z * square
    third = (square - 1.0) * skewness / 6.0
    fourth = (cube - 3.0 * z) * kurtosis / 24.0
    return z + third + fourth - (2.0 * cube - 5.0 * z) * (skewness * skewness) / 36.0


def cornish_fisher_tail(deviation: float, skewness: float, kurtosis: float, level: float) -> Tail:
    """The tail of a loss about zero with this deviation, skewness and excess kurtosis (of the loss, so a gain's skewness with its sign turned).

    The shortfall is the integral of the expansion over the tail, in closed form from the moments of a cut normal (Maillard 2012, section 5):
    with z the level's quantile, phi(z)/(1 - level) (1 + z S/6 + (z^2 - 1) K/24 - (2 z^2 - 1) S^2/36).
    """
    z = NORMAL.inv_cdf(level)
    square = z * z
    lift = 1.0 + z * skewness / 6.0 + (square - 1.0) * kurtosis / 24.0 - (2.0 * square - 1.0) * (skewness * skewness) / 36.0
    return Tail(deviation * bent(z, skewness, kurtosis), deviation * density(z) / (1.0 - level) * lift)
