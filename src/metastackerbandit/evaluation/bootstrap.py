"""The stationary bootstrap (Politis and Romano 1994): how many histories to draw, and what lies between them.

A history walks the bars in their order and, at each bar with chance 1 / block, goes on from a bar drawn at random; the end joins the start.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
_WORK = 200_000_000  # bars walked in all: about two seconds of one core
_FEWEST, _MOST = 200, 2_000  # resamples: fewer blur the 2.5 % bounds, more do not sharpen them visibly
_KNOWN = 0.95  # share of the histories in which a statistic must exist before its bounds are said


class Interval(Struct, frozen=True):
    """A statistic and its 95 % interval; NaN where it does not exist. `value` is the sample's own and need not lie between the bounds."""

    value: float
    low: float
    high: float


UNKNOWN = Interval(math.nan, math.nan, math.nan)


def resamples_for(bars: int) -> int:
    """How many histories are drawn: as many as the work allows, within [200, 2000]."""
    return max(_FEWEST, min(_MOST, _WORK // max(bars, 1)))


def interval(value: float, draws: Floats) -> Interval:
    """A value with the percentiles of its draws (R,); bounds are NaN where more than 5 % of the draws have no value."""
    if not math.isfinite(value):
        return UNKNOWN
    known = np.sort(draws[np.isfinite(draws)])
    if len(known) < _KNOWN * len(draws) or len(known) < 2:
        return Interval(value, math.nan, math.nan)
    tail = 0.5 * (1.0 - CONFIDENCE)
    return Interval(value, _quantile(known, tail), _quantile(known, 1.0 - tail))


def _quantile(ordered: Floats, share: float) -> float:
    """Linear between the two ordered values around the share."""
    place = share * (len(ordered) - 1)
    below = int(place)
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    return low + (place - below) * (high - low)
