"""How good a feed is, from 0 to 1, and what that is made of.

    score        = completeness x freshness x consistency
    completeness = mean over the blocks that the reader declares of min(1, frames / required); 1 where it declares none
    freshness    = 2^(-age / half-life), age since the newest message that went into the book; 0 while there was none
    consistency  = 0 while a critical issue stands, else 1

The mean over a window is an exact integral: `advance` takes it up to now before anything that the score is made of changes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.market.quality_rows import CRITICAL_BITS, Quality

LN2 = 0.6931471805599453


class Score(Struct, frozen=True):
    """A score with its breakdown; `time_weighted` is its mean over the window of `seconds`, NaN for one without length."""

    score: float
    completeness: float
    freshness: float
    consistency: float
    age_seconds: float  # infinite where nothing ever came
    time_weighted: float
    seconds: float


@kernel
def freshness_of(row: Any, limits: Any, now_ns: int) -> float:
    """2^(-age / half-life); 0 while nothing has gone into the book."""
    if row.fresh_ns == 0:
        return 0.0
    return math.exp(-LN2 * (max(now_ns - row.fresh_ns, 0) * 1e-9 / limits.half_life_seconds))


@kernel
def consistency_of(row: Any) -> float:
    """0 while a critical issue stands, else 1."""
    return 0.0 if row.standing & CRITICAL_BITS != 0 else 1.0


@kernel
def score_at(row: Any, limits: Any, now_ns: int) -> float:
    """The score as it stands, at a time that is not before the newest message."""
    return row.completeness * freshness_of(row, limits, now_ns) * consistency_of(row)


@kernel
def area_at(row: Any, limits: Any, now_ns: int) -> float:
    """The integral of the score from the window's beginning to `now_ns`, in seconds, with nothing happening after `until_ns`."""
    if now_ns <= row.until_ns or row.fresh_ns == 0 or row.completeness == 0.0 or row.standing & CRITICAL_BITS != 0:
        return row.area
    rate = LN2 / limits.half_life_seconds
    start = 1.0 if row.fresh_ns == row.until_ns else freshness_of(row, limits, row.until_ns)
    return row.area - row.completeness * start * math.expm1(-rate * ((now_ns - row.until_ns) * 1e-9)) / rate


@kernel
def advance(row: Any, limits: Any, now_ns: int) -> None:
    """Take the integral up to now, before something that the score is made of changes."""
    if now_ns > row.until_ns:
        row.area = area_at(row, limits, now_ns)
        row.until_ns = now_ns


@kernel
def begin_window(row: Any, limits: Any, now_ns: int) -> None:
    """Weigh the score from here on; what was before is forgotten."""
    advance(row, limits, now_ns)
    row.area = 0.0
    row.since_ns = row.until_ns


def scored(quality: Quality, s: int, limits: np.ndarray[Any, Any], now_ns: int) -> Score:
    """A feed's score at a time that is not before its newest message; nothing is changed."""
    row = quality.row[s]
    now_ns = max(now_ns, int(row.until_ns))
    completeness, freshness, consistency = float(row.completeness), float(freshness_of(row, limits[0], now_ns)), float(consistency_of(row))
    seconds = (now_ns - int(row.since_ns)) * 1e-9
    return Score(
        score=float(score_at(row, limits[0], now_ns)),
        completeness=completeness,
        freshness=freshness,
        consistency=consistency,
        age_seconds=(now_ns - int(row.fresh_ns)) * 1e-9 if row.fresh_ns else math.inf,
        time_weighted=min(float(area_at(row, limits[0], now_ns)) / seconds, 1.0) if seconds > 0.0 else math.nan,
        seconds=seconds,
    )
