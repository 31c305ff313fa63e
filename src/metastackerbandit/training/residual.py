"""What is left of pooled outcomes after the market's: learners are taught on it, because what all symbols share drowns what each of them says.

Method 2.6. Of 20 symbols with a common factor of .8 in their returns, 218 rows each, a pooled logistic foresees the whole outcome with an AUC of .519
taught on it, and of .534 taught on residuals (simulated, 12 seeds). Only learners and heads are taught so. Weights, calibrator, expected returns and
scores are of whole outcomes, since those are traded.
"""

from __future__ import annotations

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from metastackerbandit.domain.label import DOWN, FLAT, UP
from metastackerbandit.training.pooling import pooled_effect
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def residuals(outcome: Floats, start_ns: Ints, least: int) -> Floats:
    """Outcomes (N,) of a long, in horizon volatilities, less the mean of all that start at the same moment; NaN where fewer than `least` do."""
    _, moment = np.unique(start_ns, return_inverse=True)
    count = np.bincount(moment)
    mean = np.bincount(moment, weights=outcome) / count
    return np.where(count[moment] >= least, outcome - mean[moment], np.nan)


def moment_ends(end_ns: Ints, start_ns: Ints) -> Ints:
    """When all labels that start with each one are known (N,): before that nobody can know its residual."""
    _, moment = np.unique(start_ns, return_inverse=True)
    last = np.zeros(int(moment.max(initial=-1)) + 1, np.int64)
    np.maximum.at(last, moment, end_ns)
    return last[moment]


def taught(sample: Sample) -> Sample:
    """The sample with residuals in place of outcomes where it has them: a class for each, as many of them FLAT as there are among the outcomes.

    The share of FLAT is that of the rows given, so nothing is known of others; with it, class probabilities keep the base rate of what is traded.
    """
    if sample.residual is None:
        return sample
    known = np.flatnonzero(~np.isnan(sample.residual))
    if not len(known):
        return sample
    own, weight = sample.residual[known], sample.weight[known]
    flat = float(weight[sample.side[known] == FLAT].sum()) / float(weight.sum())
    order = np.argsort(np.abs(own), kind="stable")
    mass = np.cumsum(weight[order]) / float(weight.sum())
    is_flat = np.zeros(len(known), np.bool_)
    is_flat[order[mass <= flat]] = True
    side, long, short = sample.side.copy(), sample.long.copy(), sample.short.copy()
    side[known] = np.where(is_flat, FLAT, np.where(own > 0.0, UP, DOWN))
    long[known], short[known] = own, -own
    return structs.replace(sample, side=side, long=long, short=short)


def outcomes_for_one(sample: Sample) -> float:
    """How many independent residuals there are for one independent outcome: symbols that move together count as few, what is left of them as many."""
    if sample.residual is None:
        return 1.0
    rows = [np.flatnonzero((sample.symbol == symbol) & ~np.isnan(sample.residual)) for symbol in np.unique(sample.symbol)]
    times = [sample.start_ns[own] for own in rows]
    return pooled_effect(times, [sample.long[own] for own in rows]) / pooled_effect(times, [sample.residual[own] for own in rows])
