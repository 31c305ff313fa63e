"""How much better than chance probabilities are: log loss against the base rate, ranking of ups above downs, correlation with what was earned.

Every score weighs rows, and has an interval that overlapping labels and symbols that move together do not narrow (`time_blocks`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.label import CLASSES, DOWN, UP
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval
from metastackerbandit.evaluation.time_blocks import around, mean_around, time_blocks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Classes = NDArray[np.int8] | NDArray[np.int64]

LEAST = 1e-9  # probabilities below it count as it: one certain error costs 20.7 nats, not all there are
MNATS = 1_000.0  # in a nat
_SUM_ERROR = 1e-6  # that rounding may leave in the sum of three probabilities


def log_loss(probabilities: Floats, side: Classes, weight: Floats | None = None) -> float:
    """Weighted mean of -ln p of what happened, nats; probabilities (N, 3) down, flat, up, or (3,) for all rows. NaN of no rows."""
    return _mean(_losses(probabilities, side), weight)


def base_rates(side: Classes, weight: Floats | None = None) -> Floats:
    """Weighted shares of the classes (3,)."""
    counts = np.bincount(side.astype(np.int64), weights=weight, minlength=len(CLASSES)).astype(np.float64)
    return counts / counts.sum()


def row_gains(probabilities: Floats, side: Classes, base: Floats) -> Floats:
    """How much better each row was foreseen than by the base rate (N,), mnats; base (3,), or (N, 3) where it differs by row."""
    return MNATS * (_losses(base, side) - _losses(probabilities, side))


def skill_gain(probabilities: Floats, side: Classes, weight: Floats | None = None, base: Floats | None = None) -> float:
    """Weighted mean of `row_gains`, mnats; `base` is the rate in training, the sample's own where none is given (which is harder to beat)."""
    if not len(side):
        return math.nan
    return _mean(row_gains(probabilities, side, base_rates(side, weight) if base is None else base), weight)


def skill_mnats(probabilities: Floats, side: Classes, weight: Floats, start_ns: Ints, end_ns: Ints, base: Floats | None = None) -> Interval:
    """`skill_gain` with its interval, for labels that live from `start_ns` to `end_ns` (N,)."""
    if not len(side):
        return UNKNOWN
    gains = row_gains(probabilities, side, base_rates(side, weight) if base is None else base)
    return mean_around(gains, weight, time_blocks(start_ns, end_ns))


def auc_up(probabilities: Floats, side: Classes, weight: Floats, start_ns: Ints, end_ns: Ints) -> Interval:
    """Chance that p_up - p_down is larger for a label UP than for one DOWN, ties counting half; flat labels are left out.

    The interval is DeLong's with blocks of time as clusters (DeLong et al. 1988; Obuchowski 1997). NaN where one side is missing.
    """
    _losses(probabilities, side)
    score = probabilities[:, UP] - probabilities[:, DOWN]
    ups, downs = np.where(side == UP, weight, 0.0), np.where(side == DOWN, weight, 0.0)
    all_up, all_down = float(ups.sum()), float(downs.sum())
    if not (all_up > 0.0 and all_down > 0.0):
        return UNKNOWN
    _, place = np.unique(score, return_inverse=True)
    up_at, down_at = np.bincount(place, weights=ups), np.bincount(place, weights=downs)
    down_below = (np.cumsum(down_at) - 0.5 * down_at) / all_down
    up_above = 1.0 - (np.cumsum(up_at) - 0.5 * up_at) / all_up
    area = float(np.sum(ups * down_below[place])) / all_up
    influence = ups / all_up * (down_below[place] - area) + downs / all_down * (up_above[place] - area)
    return around(area, influence, time_blocks(start_ns, end_ns))


def information_coefficient(score: Floats, outcome: Floats, weight: Floats, start_ns: Ints, end_ns: Ints) -> Interval:
    """Correlation of the ranks of score and outcome (N,), both in one direction; NaN where either never changes.

    The interval takes ranks as given, which is exact for weak relations (Spearman's influence function at independence).
    """
    total = float(np.sum(weight))
    if not total > 0.0:
        return UNKNOWN
    share = weight / total
    if score.min() == score.max() or outcome.min() == outcome.max():
        return UNKNOWN
    x, y = standardised(ranks_of(score), share), standardised(ranks_of(outcome), share)
    value = float(np.sum(share * x * y))
    return around(value, share * (x * y - 0.5 * value * (x * x + y * y)), time_blocks(start_ns, end_ns))


def ranks_of(values: Floats) -> Floats:
    """Ranks from 0 (N,), the mean one for equal values."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - 0.5 * (counts + 1.0))[place]


def standardised(values: Floats, share: Floats) -> Floats:
    """Values moved and scaled to a weighted mean of 0 and deviation of 1."""
    centred = values - np.sum(share * values)
    return centred / np.sqrt(np.sum(share * centred * centred))


def _losses(probabilities: Floats, side: Classes) -> Floats:
    """-ln p of what happened (N,); what is no probability or no class is refused."""
    given = np.broadcast_to(np.asarray(probabilities, np.float64), (len(side), len(CLASSES)))
    if not (np.abs(given.sum(axis=-1) - 1.0) <= _SUM_ERROR).all() or (given < 0.0).any():
        raise TrainingRefused("some probabilities are negative, unknown or do not sum to 1", where="skill", mend="leave out rows without an answer")
    if len(side) and not 0 <= int(side.min()) <= int(side.max()) < len(CLASSES):
        raise TrainingRefused("some rows have no class", where="skill", mend="leave out rows whose label is not known")
    return -np.log(np.maximum(given[np.arange(len(side)), side], LEAST))


def _mean(values: Floats, weight: Floats | None) -> float:
    if not len(values):
        return math.nan
    return float(np.mean(values)) if weight is None else float(np.sum(weight * values) / np.sum(weight))
