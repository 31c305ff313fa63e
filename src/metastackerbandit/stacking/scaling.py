"""Temperature and vector scaling of three-class probabilities around an anchor, fitted by Newton's method.

log p' = slope log(p / anchor) + log(anchor) + bias, normalised. The anchor is the mean forecast, so that a slope of 0 means "the mean
forecast, always" (plain temperature would mean "each class one third", which no market is). Temperature has the slope alone; vector scaling
has a bias a class as well (Guo et al. 2017). The loss is convex: its minimum is the only one.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.classes import Floats, Sides, softmax_into, turned

_SLOPE_ONLY, _WITH_BIASES = 1, 4  # parameters: slope, bias of down, flat, up
_MOST_STEPS = 100
_MOST_HALVINGS = 40
_DONE = 1e-12  # a step shorter than this changes no probability
_LARGEST = 30.0  # parameters are kept within it: separable rows have no finite minimum


class Scaling(Struct, frozen=True):
    """Slope (1 leaves as is, above 1 sharpens, 0 or below says that the model's lead means nothing), its standard error, biases and anchor (3)."""

    slope: float
    error: float
    bias: tuple[float, float, float]
    anchor: tuple[float, float, float]


@kernel
def scale_into(out: Floats, probabilities: Floats, slope: float, bias: Floats, anchor: Floats, least: float) -> None:
    """Scaled probabilities (N, 3) into out (N, 3), row by row; NaN stays NaN."""
    for place in range(probabilities.shape[0]):
        down, flat, up = probabilities[place, 0], probabilities[place, 1], probabilities[place, 2]
        base_down, base_flat, base_up = math.log(anchor[0]), math.log(anchor[1]), math.log(anchor[2])
        down = slope * (math.log(least if down < least else down) - base_down) + (base_down + bias[0])
        flat = slope * (math.log(least if flat < least else flat) - base_flat) + (base_flat + bias[1])
        up = slope * (math.log(least if up < least else up) - base_up) + (base_up + bias[2])
        softmax_into(out, place, down, flat, up)


@kernel
def _slopes_into(
    gradient: Floats, curvature: Floats, out: Floats, leads: Floats, anchor: Floats, side: Sides, weight: Floats, theta: Floats
) -> float:
    """Weighted mean log loss at theta (4,) with gradient (4,) and curvature (4, 4); leads (N, 3) are log(p / anchor), out (N, 3) is scratch."""
    for i in range(4):
        gradient[i] = 0.0
        for j in range(4):
            curvature[i, j] = 0.0
    total, mass = 0.0, 0.0
    for place in range(leads.shape[0]):
        down = theta[0] * leads[place, 0] + math.log(anchor[0]) + theta[1]
        flat = theta[0] * leads[place, 1] + math.log(anchor[1]) + theta[2]
        up = theta[0] * leads[place, 2] + math.log(anchor[2]) + theta[3]
        softmax_into(out, place, down, flat, up)
        top = max(max(down, up), flat)
        over = top + math.log((math.exp(down - top) + math.exp(up - top)) + math.exp(flat - top))
        chosen = down if side[place] == 0 else (flat if side[place] == 1 else up)
        total += weight[place] * (over - chosen)
        mass += weight[place]
        expected = 0.0
        for k in range(3):
            expected += out[place, k] * leads[place, k]
        gradient[0] += weight[place] * (expected - leads[place, side[place]])
        for k in range(3):
            p = out[place, k]
            away = leads[place, k] - expected
            gradient[1 + k] += weight[place] * (p - (1.0 if side[place] == k else 0.0))
            curvature[0, 0] += weight[place] * p * away * away
            curvature[0, 1 + k] += weight[place] * p * away
            for other in range(3):
                curvature[1 + k, 1 + other] += weight[place] * p * ((1.0 if other == k else 0.0) - out[place, other])
    for i in range(4):
        gradient[i] /= mass
        for j in range(4):
            curvature[i, j] /= mass
    for k in range(3):
        curvature[1 + k, 0] = curvature[0, 1 + k]
    return total / mass


def fit_scaling(
    probabilities: Floats, side: Sides, weight: Floats, n_eff: float, *, has_biases: bool, pull: float, least: float, symmetric: bool
) -> Scaling:
    """Slope and, with `has_biases`, a bias a class; `pull` (effective rows x nats) draws them to (1, 0, 0, 0).

    `symmetric` adds every row's mirror at half weight and ties down and up, so that applying mirrors exactly.
    """
    if symmetric:
        probabilities = np.concatenate((probabilities, turned(probabilities)))
        side, weight = np.concatenate((side, 2 - side)), np.concatenate((weight, weight)) / 2.0
    raised = np.maximum(probabilities, least)
    anchor = np.array([float(np.sum(weight * raised[:, k])) for k in range(3)])
    anchor /= anchor.sum()
    if symmetric:
        anchor[0] = anchor[2] = (anchor[0] + anchor[2]) / 2.0
    theta, curvature = _minimum(np.log(raised / anchor), anchor, side, weight, _WITH_BIASES if has_biases else _SLOPE_ONLY, pull / n_eff)
    if symmetric:
        theta[1] = theta[3] = (theta[1] + theta[3]) / 2.0
    error = math.sqrt(max(float(np.linalg.inv(curvature)[0, 0]), 0.0) / n_eff)
    slope, *bias = theta.tolist()
    return Scaling(slope, error, (bias[0], bias[1], bias[2]), (float(anchor[0]), float(anchor[1]), float(anchor[2])))


def _minimum(leads: Floats, anchor: Floats, side: Sides, weight: Floats, free: int, pull: float) -> tuple[Floats, Floats]:
    """Parameters (4,) at the minimum of mean loss + pull/2 |theta - identity|^2, and the curvature of its free ones."""
    identity = np.array([1.0, 0.0, 0.0, 0.0])
    theta = identity.copy()
    gradient, curvature, out = np.empty(4), np.empty((4, 4)), np.empty_like(leads)

    def measured(at: Floats) -> float:
        away = at - identity
        return float(_slopes_into(gradient, curvature, out, leads, anchor, side, weight, at)) + pull * float(np.sum(away * away)) / 2.0

    loss = measured(theta)
    pulled = np.eye(free) * pull
    for _ in range(_MOST_STEPS):
        towards = -np.linalg.solve(curvature[:free, :free] + pulled, (gradient + pull * (theta - identity))[:free])
        step = 1.0
        for _ in range(_MOST_HALVINGS):
            tried = theta.copy()
            tried[:free] = np.clip(theta[:free] + step * towards, -_LARGEST, _LARGEST)
            there = measured(tried)
            if there <= loss:
                break
            step /= 2.0
        else:
            measured(theta)
            break
        moved = float(np.max(np.abs(tried - theta)))
        theta, loss = tried, there
        if moved < _DONE:
            break
    return theta, curvature[:free, :free] + pulled
