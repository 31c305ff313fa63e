"""Calibration curves, one a class: beta (Kull, Silva Filho and Flach 2017) and isotonic (Zadrozny and Elkan 2002), then normalised.

Both can only rise, so neither can turn a model's opinion around.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.stacking.classes import Floats, Sides, turned

BetaCurve = tuple[float, float, float]  # a, b, c of logit(q) = a log(p) - b log(1 - p) + c
IsotonicCurve = tuple[tuple[float, ...], tuple[float, ...]]  # knots: probabilities, rising; calibrated values, rising

_IDENTITY = np.array([1.0, 1.0, 0.0])
_LOWEST = np.array([0.0, 0.0, -np.inf])
_LEVEL = 1e-4  # slope of the loss, nats a unit, below which its minimum is reached
_MOST_STARTS = 5


@inlined
def _normal_into(out: Floats, row: int, down: float, flat: float, up: float) -> None:
    """Three positive values over their sum into out[row]; mirrors exactly."""
    total = (down + up) + flat
    out[row, 0] = down / total
    out[row, 1] = flat / total
    out[row, 2] = up / total


@kernel
def _beta(p: float, a: float, b: float, c: float, least: float) -> float:
    """One class's beta curve; NaN stays NaN."""
    if p < least:
        p = least
    elif p > 1.0 - least:
        p = 1.0 - least
    return 1.0 / (1.0 + math.exp(-(a * math.log(p) - b * math.log1p(-p) + c)))


@kernel
def beta_into(out: Floats, probabilities: Floats, curves: Floats, least: float) -> None:
    """Beta-calibrated probabilities (N, 3) into out (N, 3); curves (3, 3) hold a, b, c a class."""
    for place in range(probabilities.shape[0]):
        _normal_into(
            out,
            place,
            _beta(probabilities[place, 0], curves[0, 0], curves[0, 1], curves[0, 2], least),
            _beta(probabilities[place, 1], curves[1, 0], curves[1, 1], curves[1, 2], least),
            _beta(probabilities[place, 2], curves[2, 0], curves[2, 1], curves[2, 2], least),
        )


@kernel
def between(xs: Floats, ys: Floats, x: float) -> float:
    """Linear between knots xs (M,), rising, and level beyond them; NaN stays NaN."""
    if math.isnan(x):
        return x
    last = len(xs) - 1
    if x <= xs[0]:
        return ys[0]
    if x >= xs[last]:
        return ys[last]
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if xs[middle] <= x:
            low = middle
        else:
            high = middle
    return ys[low] + (ys[high] - ys[low]) * ((x - xs[low]) / (xs[high] - xs[low]))


@kernel
def isotonic_into(
    out: Floats, probabilities: Floats, xs_down: Floats, ys_down: Floats, xs_flat: Floats, ys_flat: Floats, xs_up: Floats, ys_up: Floats
) -> None:
    """Isotonic probabilities (N, 3) into out (N, 3)."""
    for place in range(probabilities.shape[0]):
        _normal_into(
            out,
            place,
            between(xs_down, ys_down, probabilities[place, 0]),
            between(xs_flat, ys_flat, probabilities[place, 1]),
            between(xs_up, ys_up, probabilities[place, 2]),
        )


def fit_beta(
    probabilities: Floats, side: Sides, weight: Floats, n_eff: float, *, pull: float, least: float, symmetric: bool
) -> tuple[BetaCurve, BetaCurve, BetaCurve]:
    """A beta curve a class, drawn to (1, 1, 0) by `pull`; `symmetric` fits down and up as one."""
    found = [_beta_curve(*pair, n_eff, pull, least) for pair in _pairs(probabilities, side, weight, symmetric=symmetric)]
    return found[0], found[1], found[0] if symmetric else found[2]


def fit_isotonic(
    probabilities: Floats, side: Sides, weight: Floats, n_eff: float, *, symmetric: bool
) -> tuple[IsotonicCurve, IsotonicCurve, IsotonicCurve]:
    """An isotonic curve a class; no value is nearer to 0 or 1 than half an effective row; `symmetric` fits down and up as one."""
    found = [_isotonic_curve(*pair, n_eff) for pair in _pairs(probabilities, side, weight, symmetric=symmetric)]
    return found[0], found[1], found[0] if symmetric else found[2]


def _pairs(probabilities: Floats, side: Sides, weight: Floats, *, symmetric: bool) -> list[tuple[Floats, Floats, Floats]]:
    """For each class to fit: its probabilities, whether it came, weights."""
    if symmetric:
        probabilities = np.concatenate((probabilities, turned(probabilities)))
        side, weight = np.concatenate((side, 2 - side)), np.concatenate((weight, weight)) / 2.0
    return [(np.ascontiguousarray(probabilities[:, k]), (side == k).astype(np.float64), weight) for k in range(2 if symmetric else 3)]


def _beta_curve(p: Floats, came: Floats, weight: Floats, n_eff: float, pull: float, least: float) -> BetaCurve:
    """One class's curve, by L-BFGS-B with a, b >= 0."""
    from scipy.optimize import minimize

    p = np.clip(p, least, 1.0 - least)
    columns = np.stack((np.log(p), -np.log1p(-p), np.ones_like(p)))
    share = weight / weight.sum()

    def objective(theta: Floats) -> tuple[float, Floats]:
        logits = theta[0] * columns[0] + theta[1] * columns[1] + theta[2]
        chance = 1.0 / (1.0 + np.exp(-logits))
        loss = float(np.sum(share * (np.logaddexp(0.0, logits) - came * logits)))
        away = theta - _IDENTITY
        slopes = np.array([float(np.sum(share * (chance - came) * column)) for column in columns])
        return loss + pull / n_eff * float(np.sum(away * away)) / 2.0, slopes + pull / n_eff * away

    at = _IDENTITY
    for _ in range(_MOST_STARTS):  # where a or b is 0 at the minimum it may stop on the way there
        found: Any = minimize(objective, at, jac=True, method="L-BFGS-B", bounds=[(0.0, None), (0.0, None), (None, None)])
        at = found.x
        if np.max(np.abs(at - np.maximum(at - found.jac, _LOWEST))) < _LEVEL:
            break
    return float(at[0]), float(at[1]), float(at[2])


def _isotonic_curve(p: Floats, came: Floats, weight: Floats, n_eff: float) -> IsotonicCurve:
    """Pools of adjacent violators as knots: each pool's mean probability and its share of the class."""
    from scipy.optimize import isotonic_regression

    held = weight > 0.0
    xs, place = np.unique(p[held], return_inverse=True)
    masses = np.bincount(place, weight[held])
    shares = np.bincount(place, weight[held] * came[held]) / masses
    pools: Any = isotonic_regression(shares, weights=masses)
    edge = 0.5 / (n_eff + 1.0)
    starts = np.asarray(pools.blocks, np.int64)[:-1]
    knots = np.add.reduceat(xs * masses, starts) / np.add.reduceat(masses, starts)
    values = np.clip(np.asarray(pools.x, np.float64)[starts], edge, 1.0 - edge)
    return tuple(knots.tolist()), tuple(values.tolist())
