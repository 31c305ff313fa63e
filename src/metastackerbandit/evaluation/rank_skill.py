"""Whether one number alone says anything of what follows: its rank correlation with outcomes, by resampled blocks of time, and how many such
findings among many numbers are luck."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval, interval
from metastackerbandit.evaluation.skill import ranks_of, standardised
from metastackerbandit.evaluation.time_blocks import FEWEST_BLOCKS, time_blocks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 2_000  # of the blocks: the 2.5 % bounds are then good to a twentieth of a standard error


class RankSkill(Struct, frozen=True):
    """A rank correlation with its 95 % interval, the chance of one as far from 0 where there is none (two-sided), and the rows it was seen on."""

    ic: Interval
    p: float
    rows: int


def rank_skill(score: Floats, outcome: Floats, weight: Floats, start_ns: Ints, end_ns: Ints, *, seed: int) -> RankSkill:
    """Weighted Spearman correlation of score and outcome (N,) over labels from `start_ns` to `end_ns`; rows whose score is NaN are left out.

    Bounds are percentiles over histories of blocks of time drawn with replacement (Carlstein 1986), which overlapping labels and symbols that
    move together do not narrow; ranks stay those of the whole sample. p takes the draws' deviation and Student's t for the number of blocks.
    Unknown where either never changes, or with fewer than ten blocks.
    """
    known = np.flatnonzero(~np.isnan(score) & (weight > 0.0))
    x, y, w = score[known], outcome[known], weight[known]
    if not len(x) or x.min() == x.max() or y.min() == y.max():
        return RankSkill(UNKNOWN, math.nan, len(known))
    share = w / w.sum()
    x, y = standardised(ranks_of(x), share), standardised(ranks_of(y), share)
    value = float(np.sum(share * x * y))
    block = time_blocks(start_ns[known], end_ns[known])
    count = int(block.max()) + 1
    if count < FEWEST_BLOCKS:
        return RankSkill(Interval(value, math.nan, math.nan), math.nan, len(known))
    sums = np.stack([np.bincount(block, weights=share * part, minlength=count) for part in (np.ones_like(x), x, y, x * x, y * y, x * y)], axis=1)
    draws = _correlations(np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), RESAMPLES).astype(np.float64) @ sums)
    return RankSkill(interval(value, draws), _two_sided(value, draws, count), len(known))


def false_discovery_rates(p: Floats) -> Floats:
    """q (N,) for p (N,): the share of luck among findings if all with a p as small are called findings (Benjamini and Hochberg 1995); NaN for NaN.

    Exact for independent numbers and safe for ones that move together; numbers that move against each other may break it.
    """
    found = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    raised = p[order] * len(order) / np.arange(1, len(order) + 1)
    found[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return found


def _correlations(sums: Floats) -> Floats:
    """Correlations (R,) from weighted sums (R, 6) of 1, x, y, xx, yy, xy; NaN where a history does not vary."""
    mass, x, y, xx, yy, xy = sums.T
    spread = (xx * mass - x * x) * (yy * mass - y * y)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(spread > 0.0, (xy * mass - x * y) / np.sqrt(spread), np.nan)
    return found


def _two_sided(value: float, draws: Floats, blocks: int) -> float:
    from scipy.special import stdtr

    deviation = float(np.nanstd(draws)) * math.sqrt(blocks / (blocks - 1))  # drawing from the sample's own blocks is that much too sure
    return float(2.0 * stdtr(blocks - 1, -abs(value) / deviation)) if deviation > 0.0 else math.nan
