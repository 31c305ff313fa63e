"""How much each learner counts: non-negative weights on its log-ratios, fitted out of fold and shrunk to equal ones.

Stacking (Wolpert 1992; Breiman 1996) of distributions (Yao, Vehtari, Simpson and Gelman 2018), pooled in log space: the ensemble's
log(p_up / p_flat) and log(p_down / p_flat) are the weighted sums of the learners'. Weights need not sum to 1; the calibrator follows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import ModelMismatch, TrainingRefused
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.classes import Floats, Sides, as_sides, refuse_unfit, softmax_into
from metastackerbandit.stacking.settings import MetaSettings

Places = NDArray[np.int64]

_DEFAULTS = MetaSettings()
_TOLERANCE = 1e-12  # of the objective a row, and of its gradient: far below a thousandth of a nat
_MOST_STEPS = 500


@kernel
def _ratios_into(out: Floats, probabilities: Floats, least: float) -> None:
    """log(p_down / p_flat), log(p_up / p_flat) of probabilities (L, N, 3) into out (L, N, 2); NaN stays NaN."""
    for learner in range(probabilities.shape[0]):
        for place in range(probabilities.shape[1]):
            down, flat, up = probabilities[learner, place, 0], probabilities[learner, place, 1], probabilities[learner, place, 2]
            base = math.log(least if flat < least else flat)
            out[learner, place, 0] = math.log(least if down < least else down) - base
            out[learner, place, 1] = math.log(least if up < least else up) - base


@kernel
def _blend_into(out: Floats, ratios: Floats, weights: Floats) -> None:
    """Ensemble of log-ratios (L, N, 2) with weights (L,) into out (N, 3), row by row, learners in order."""
    for place in range(ratios.shape[1]):
        down, up = 0.0, 0.0
        for learner in range(ratios.shape[0]):
            down += weights[learner] * ratios[learner, place, 0]
            up += weights[learner] * ratios[learner, place, 1]
        softmax_into(out, place, down, 0.0, up)


@kernel
def _loss(ratios: Floats, side: Sides, weight: Floats, weights: Floats, slopes: Floats) -> float:
    """Weighted mean log loss of the ensemble, with its derivative by each weight in slopes (L,)."""
    learners = ratios.shape[0]
    total, mass = 0.0, 0.0
    for learner in range(learners):
        slopes[learner] = 0.0
    for place in range(ratios.shape[1]):
        down, up = 0.0, 0.0
        for learner in range(learners):
            down += weights[learner] * ratios[learner, place, 0]
            up += weights[learner] * ratios[learner, place, 1]
        top = max(max(down, up), 0.0)
        one, two, three = math.exp(down - top), math.exp(-top), math.exp(up - top)
        over = (one + three) + two
        chosen = down if side[place] == 0 else (up if side[place] == 2 else 0.0)
        total += weight[place] * (top + math.log(over) - chosen)
        mass += weight[place]
        off_down = weight[place] * (one / over - (1.0 if side[place] == 0 else 0.0))
        off_up = weight[place] * (three / over - (1.0 if side[place] == 2 else 0.0))
        for learner in range(learners):
            slopes[learner] += off_down * ratios[learner, place, 0] + off_up * ratios[learner, place, 1]
    for learner in range(learners):
        slopes[learner] /= mass
    return total / mass


def blend(probabilities: Floats, weights: Floats, least: float = _DEFAULTS.least_probability) -> Floats:
    """The ensemble of probabilities (L, N, 3) with weights (L,) -> (N, 3); a row on which a learner is NaN is NaN.

    Raises ModelMismatch when there is not one weight a learner.
    """
    if probabilities.ndim != 3 or probabilities.shape[0] != len(weights):
        raise ModelMismatch(
            f"{len(weights)} weights were given probabilities of shape {probabilities.shape}", mend="serve the learners that were weighed"
        )
    ratios = np.empty((*probabilities.shape[:2], 2))
    _ratios_into(ratios, np.ascontiguousarray(probabilities, np.float64), least)
    out = np.empty((probabilities.shape[1], 3))
    _blend_into(out, ratios, np.ascontiguousarray(weights, np.float64))
    return out


def fit_weights(
    probabilities: Floats,
    side: NDArray[np.integer],
    weight: Floats,
    n_eff: float,
    *,
    inner: tuple[Places, Places] | None = None,
    settings: MetaSettings = _DEFAULTS,
) -> Floats:
    """Weights (L,) of learners from their out-of-fold probabilities (L, N, 3): min CE + lambda sum (w - 1/L)^2 over w >= 0.

    CE is summed over n_eff effective rows, lambda is at least n_eff / 1000. `inner` = (rows to fit on, later rows to score on), purged by
    the caller, lets lambda be the largest of `penalty_steps` that is not proven worse; without it the least applies. Fewer than 200
    effective rows a learner give equal weights. Raises TrainingRefused on rows that are not finite.
    """
    refuse_unfit("weighing learners", probabilities, side, weight)
    learners = probabilities.shape[0]
    if learners == 0:
        raise TrainingRefused("there are no learners to weigh", mend="train at least one")
    equal = np.full(learners, 1.0 / learners)
    if learners == 1 or not n_eff >= settings.rows_a_learner * learners:
        return equal
    ratios = np.empty((*probabilities.shape[:2], 2))
    _ratios_into(ratios, np.ascontiguousarray(probabilities, np.float64), settings.least_probability)
    sides, weights = as_sides(side), np.ascontiguousarray(weight, np.float64)
    penalty = settings.penalty_a_row
    if inner is not None:
        penalty *= _chosen_step(ratios, sides, weights, n_eff, inner, settings)
    return _solved(ratios, sides, weights, penalty)


def _chosen_step(ratios: Floats, side: Sides, weight: Floats, n_eff: float, inner: tuple[Places, Places], settings: MetaSettings) -> float:
    """The largest multiple of the least penalty that loses on the later rows no more than luck would against the best (after Breiman's rule)."""
    before, after = inner
    parts = [(np.ascontiguousarray(ratios[:, rows]), side[rows], weight[rows]) for rows in (before, after)]
    if not all(part[2].sum() > 0.0 for part in parts):
        raise TrainingRefused("the inner rows that choose the stack's penalty are empty or weigh nothing", mend="give fewer folds or none")
    later, later_side, later_weight = parts[1]
    share = later_weight / later_weight.sum()
    n_later = n_eff * float(later_weight.sum() / weight.sum())
    steps = sorted(settings.penalty_steps, reverse=True)
    losses, out = [], np.empty((len(later_side), 3))
    for step in steps:
        _blend_into(out, later, _solved(*parts[0], settings.penalty_a_row * step))
        losses.append(-np.log(np.maximum(out[np.arange(len(out)), later_side], settings.least_probability)))
    best = min(losses, key=lambda loss: float(np.sum(share * loss)))
    for step, loss in zip(steps, losses, strict=True):
        worse = loss - best
        mean = float(np.sum(share * worse))
        if mean <= settings.least_margin * math.sqrt(float(np.sum(share * (worse - mean) * (worse - mean))) / n_later):
            return step
    return steps[-1]


def _solved(ratios: Floats, side: Sides, weight: Floats, penalty: float) -> Floats:
    """The minimum, by L-BFGS-B with the exact gradient from equal weights; the objective is convex, so it is the only one."""
    from scipy.optimize import minimize

    learners = ratios.shape[0]
    equal = 1.0 / learners
    slopes = np.empty(learners)

    def objective(weights: Floats) -> tuple[float, Floats]:
        away = weights - equal
        loss = float(_loss(ratios, side, weight, weights, slopes))
        return loss + penalty * float(away @ away), slopes + 2.0 * penalty * away

    found: Any = minimize(
        objective,
        np.full(learners, equal),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * learners,
        options={"maxiter": _MOST_STEPS, "ftol": _TOLERANCE, "gtol": _TOLERANCE},
    )
    return np.maximum(np.asarray(found.x, np.float64), 0.0)
