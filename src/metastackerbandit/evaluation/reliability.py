"""Whether probabilities mean what they say: observed against predicted shares, the error left after chance, slope and intercept."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval
from metastackerbandit.evaluation.time_blocks import around, margin, spread, time_blocks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BINS = 10  # of equal mass
_LEAST = 1e-9  # probabilities nearer to 0 or 1 count as this near
_STEPS = 50  # of Newton's method, which needs about six
_STILL = 1e-10  # a step this small is none
_MOST_ODDS = 700.0  # beyond it exp overflows
_SINGULAR = 1e14  # condition beyond which the curvature says nothing


class Reliability(Struct, frozen=True):
    """Bins of rising probability (at most 10; equal probabilities share one): weighted mean predicted, share observed, rows.

    `error` is the root of the mean squared gap between them after what chance alone would leave is taken off (0 where chance
    explains all; Kumar, Liang and Ma 2019, with the variance over blocks of time). `slope`, `intercept` are of a
    logistic regression on the log-odds (Cox 1958): 1 and 0 when calibrated, slope below 1 when overconfident. `low`, `high` are the 95 % bounds of
    each bin's observed share, by the same variance; NaN where there are too few blocks of time.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    rows: tuple[int, ...]
    error: float
    slope: Interval
    intercept: Interval
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def reliability(probability: Floats, happened: Bools, weight: Floats, start_ns: Ints, end_ns: Ints) -> Reliability:
    """Probabilities (N,) of one event, such as UP, against whether it happened (N,), for labels from `start_ns` to `end_ns` (N,)."""
    if not len(probability):
        return Reliability((), (), (), math.nan, UNKNOWN, UNKNOWN)
    block = time_blocks(start_ns, end_ns)
    inner = np.unique(np.quantile(probability, np.arange(1, BINS) / BINS))
    place = np.unique(np.searchsorted(inner, probability, side="right"), return_inverse=True)[1]
    mass = np.bincount(place, weights=weight)
    predicted = np.bincount(place, weights=weight * probability) / mass
    observed = np.bincount(place, weights=weight * happened) / mass
    gap = observed - predicted
    by_row = weight * (happened - probability - gap[place]) / mass[place]
    by_chance = np.array([spread(np.where(place == b, by_row, 0.0), block) for b in range(len(mass))])
    square = float(np.sum(mass * (gap * gap - by_chance)) / mass.sum())
    slope, intercept = _line(probability, happened, weight, block)
    half = margin(int(block.max()) + 1) * np.sqrt(by_chance)
    return Reliability(
        predicted=tuple(predicted.tolist()),
        observed=tuple(observed.tolist()),
        rows=tuple(np.bincount(place).tolist()),
        error=math.nan if math.isnan(square) else math.sqrt(max(square, 0.0)),
        slope=slope,
        intercept=intercept,
        low=tuple(np.maximum(observed - half, 0.0).tolist()),
        high=tuple(np.minimum(observed + half, 1.0).tolist()),
    )


def _line(probability: Floats, happened: Bools, weight: Floats, block: Ints) -> tuple[Interval, Interval]:
    """Slope and intercept with intervals; NaN where probabilities never change or tell the outcomes apart for certain."""
    sure = np.clip(probability, _LEAST, 1.0 - _LEAST)
    odds = np.log(sure / (1.0 - sure))
    if odds.min() == odds.max() or happened.all() or not happened.any():
        return UNKNOWN, UNKNOWN
    inputs = np.column_stack((np.ones(len(odds)), odds))
    line = np.zeros(2)  # from slope 1 a step overshoots where probabilities are overconfident, and never comes back
    for _ in range(_STEPS):
        fitted = 1.0 / (1.0 + np.exp(-np.clip(inputs @ line, -_MOST_ODDS, _MOST_ODDS)))
        scores = (weight * (happened - fitted))[:, None] * inputs
        curvature = (inputs * (weight * fitted * (1.0 - fitted))[:, None]).T @ inputs
        if not np.linalg.cond(curvature) < _SINGULAR:
            return UNKNOWN, UNKNOWN
        step = np.linalg.solve(curvature, scores.sum(axis=0))
        line = line + step
        if float(np.abs(step).max()) < _STILL:
            influence = scores @ np.linalg.inv(curvature)
            return around(float(line[1]), influence[:, 1], block), around(float(line[0]), influence[:, 0], block)
    return UNKNOWN, UNKNOWN
