"""Whether the trade that an opinion proposes is worth taking: what is known of it that has no direction, and the chance that it pays.

Meta-labelling (Lopez de Prado 2018, ch. 3.6; Joubert 2022): one model says which side, a second one whether that call will pay its costs. The
second sees nothing that has a sign, so it cannot make a side of its own, and mirrored markets get the same chance to the bit.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.stacking.classes import Floats
from metastackerbandit.stacking.ladder import PRIOR_ROWS
from metastackerbandit.stacking.opinion import predicted_side

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# What is seen of the opinion itself: how far apart the sides are, chance of neither, doubt, how much the learners differ, the share of them that
# names the other side, and what the proposed side is expected to return, in volatilities over the horizon.
TRAITS = ("strength", "p_flat", "entropy", "disagreement", "dissent", "edge")

_LEAST = 1e-9  # chances nearer to 0 or 1 count as this near
_MOST_STEPS = 100
_DONE = 1e-12  # a step shorter than this changes no chance
_LARGEST = 30.0  # slope and level are kept within it: outcomes that chances tell apart for certain have no finite best line


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """log-odds of a calibrated chance = level + slope (log-odds of the raw one - centre); at a slope of 0 or less the raw one tells nothing."""

    slope: float
    centre: float
    level: float


@kernel
def sides_into(out: Ints, p: Floats, long: Floats, short: Floats) -> None:
    """Sides (+1, -1, 0) that probabilities (N, 3) and expected returns (N,) propose, into out (N,)."""
    for n in range(len(out)):
        out[n] = predicted_side(p[n, 0], p[n, 2], long[n], short[n])


@kernel
def traits_into(out: Floats, sides: Ints, p: Floats, parts: Floats, weights: Floats, long: Floats, short: Floats) -> None:
    """TRAITS into the first columns of out (N, T), from calibrated p (N, 3), learners' parts (L, N, 3) with weights (L,), and expected returns (N,).

    Every one is the same of a mirrored row, to the bit. A row without a proposed side gets the traits of its better side.
    """
    mass = 0.0
    for learner in range(len(weights)):
        mass += weights[learner]
    for n in range(len(sides)):
        lead = p[n, 2] - p[n, 0]
        mean, dissent = 0.0, 0.0
        for learner in range(len(weights)):
            own = parts[learner, n, 2] - parts[learner, n, 0]
            mean += weights[learner] * own
            if (own > 0.0 and sides[n] < 0) or (own < 0.0 and sides[n] > 0):
                dissent += weights[learner]
        mean = mean / mass if mass > 0.0 else 0.0
        spread = 0.0
        for learner in range(len(weights)):
            away = (parts[learner, n, 2] - parts[learner, n, 0]) - mean
            spread += weights[learner] * away * away
        out[n, 0] = abs(lead)
        out[n, 1] = p[n, 1]
        out[n, 2] = -((_weighed_log(p[n, 0]) + _weighed_log(p[n, 2])) + _weighed_log(p[n, 1]))
        out[n, 3] = math.sqrt(spread / mass) if mass > 0.0 else 0.0
        out[n, 4] = dissent / mass if mass > 0.0 else 0.0
        out[n, 5] = max(long[n], short[n])


@inlined
def _weighed_log(p: float) -> float:
    return p * math.log(p) if p > 0.0 else 0.0


@kernel
def odds_of(chance: float) -> float:
    """Log-odds of a chance, finite."""
    sure = min(max(chance, _LEAST), 1.0 - _LEAST)
    return math.log(sure / (1.0 - sure))


@kernel
def worth_into(out: Floats, sides: Ints, raw: Floats, slope: float, centre: float, level: float, base: float, n_eff: float) -> None:
    """Raw chances (N,) -> calibrated ones, shrunk to the base rate by n / (n + PRIOR_ROWS), into out (N,); NaN where no side is proposed."""
    for n in range(len(out)):
        if sides[n] == 0:
            out[n] = math.nan
        else:
            odds = level + slope * (odds_of(raw[n]) - centre)
            small = math.exp(-abs(odds))  # never overflows
            chance = 1.0 / (1.0 + small) if odds > 0.0 else small / (1.0 + small)
            out[n] = (n_eff * chance + PRIOR_ROWS * base) / (n_eff + PRIOR_ROWS)


def proposed_sides(p: Floats, long: Floats, short: Floats) -> Ints:
    """Sides (N,) that probabilities (N, 3) and expected returns (N,) propose."""
    out = np.empty(len(p), np.int64)
    sides_into(out, np.ascontiguousarray(p), np.ascontiguousarray(long), np.ascontiguousarray(short))
    return out


def fit_line(raw: Floats, paid: Bools, weight: Floats, n_eff: float, *, pull: float) -> Line:
    """The line of raw chances (N,) against what paid (N,), n_eff independent outcomes in all; `pull` (effective rows) draws its slope to 1.

    Newton's method on the penalised log loss, which is convex; the level has the same pull to where the base rate puts it.
    """
    if not n_eff > 0.0 or not weight.sum() > 0.0:
        raise TrainingRefused(f"{n_eff} effective trades calibrate nothing", where="worth", mend="give a longer span")
    share = weight / weight.sum()
    sure = np.clip(raw, _LEAST, 1.0 - _LEAST)
    odds = np.log(sure / (1.0 - sure))
    centre = float(np.sum(share * odds))
    rate = float(np.clip(np.sum(share * paid), _LEAST, 1.0 - _LEAST))
    identity = np.array([1.0, math.log(rate / (1.0 - rate))])
    inputs = np.stack((odds - centre, np.ones_like(odds)))
    theta = identity.copy()
    for _ in range(_MOST_STEPS):
        chance = 1.0 / (1.0 + np.exp(-(theta[0] * inputs[0] + theta[1])))
        gradient = np.array([float(np.sum(share * (chance - paid) * column)) for column in inputs]) + pull / n_eff * (theta - identity)
        dense = share * chance * (1.0 - chance)
        curvature = np.array([[float(np.sum(dense * one * other)) for other in inputs] for one in inputs]) + pull / n_eff * np.eye(2)
        moved = np.clip(theta - np.linalg.solve(curvature, gradient), -_LARGEST, _LARGEST)
        step = float(np.abs(moved - theta).max())
        theta = moved
        if step < _DONE:
            break
    return Line(slope=float(theta[0]), centre=centre, level=float(theta[1]))
