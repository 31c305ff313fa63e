"""The probability of backtest overfitting: how often the best of many trials on half of the sample is below the middle on the other half.

Combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de Prado and Zhu 2015): the sample is cut into slices, every choice of
half of them picks its best trial by Sharpe ratio, and the trial is ranked on the rest.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.chance import Words, advance, words_of
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import allocating, kernel
from metastackerbandit.evaluation.blocks import block_bars
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval, interval

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

SLICES = 16  # 12,870 halves
_LEAST_ROWS = 2  # of a slice: a Sharpe ratio needs them
_RESAMPLES = 200
_SPLITS_DRAWN = 640  # of a resample: its splits share so much that a tenth of them says the same
_STREAM = 3  # of the seed


@kernel
def sum_slices(moved: Floats, edges: Places, sums: Floats, squares: Floats) -> None:
    """Fill sums and squares (S, M) of moved (T, M) between edges (S + 1,)."""
    for s in range(len(sums)):
        for m in range(sums.shape[1]):
            sums[s, m] = 0.0
            squares[s, m] = 0.0
        for t in range(edges[s], edges[s + 1]):
            for m in range(sums.shape[1]):
                sums[s, m] += moved[t, m]
                squares[s, m] += moved[t, m] * moved[t, m]


@kernel
def draw_slices(moved: Floats, edges: Places, jump: int, words: Words, sums: Floats, squares: Floats) -> None:
    """As `sum_slices`, from rows redrawn in blocks within each slice, so that no row is on both sides; `words` (4,) advance."""
    a, b, c, d = words[0], words[1], words[2], words[3]
    for s in range(len(sums)):
        for m in range(sums.shape[1]):
            sums[s, m] = 0.0
            squares[s, m] = 0.0
        first = edges[s]
        count = edges[s + 1] - first
        draw, a, b, c, d = advance(a, b, c, d)
        at = (draw * count) >> 32
        for _ in range(count):
            for m in range(sums.shape[1]):
                sums[s, m] += moved[first + at, m]
                squares[s, m] += moved[first + at, m] * moved[first + at, m]
            draw, a, b, c, d = advance(a, b, c, d)
            at += 1
            if draw < jump:
                draw, a, b, c, d = advance(a, b, c, d)
                at = (draw * count) >> 32
            elif at == count:
                at = 0
    words[0], words[1], words[2], words[3] = a, b, c, d


@kernel
def squared_ratio(total: float, squares: float, count: int, mean: float) -> float:
    """Square of a Sharpe ratio with the mean's sign, which orders as the ratio does; 0 where returns do not vary. Sums are about `mean`."""
    off = total / count
    spread = squares / count - off * off
    if spread <= 1e-12 * squares / count:
        return 0.0
    return (mean + off) * abs(mean + off) / spread


@kernel
def is_lost(chosen: Floats, judged: Floats) -> bool:
    """Whether the best of chosen (M,) is no better than the middle of judged (M,); ties take the mean of their ranks."""
    best = 0
    for m in range(1, len(chosen)):
        if chosen[m] > chosen[best]:
            best = m
    rank = 1.0
    for m in range(len(judged)):
        if judged[m] < judged[best]:
            rank += 1.0
        elif judged[m] == judged[best] and m != best:
            rank += 0.5
    return rank <= 0.5 * (len(judged) + 1)


@allocating
def share_lost(sums: Floats, squares: Floats, counts: Places, means: Floats, halves: Places, step: int) -> float:
    """Share of the splits that are lost, both ways round: of halves (C, S / 2), every `step`-th."""
    trials = sums.shape[1]
    rows = 0
    for s in range(len(counts)):
        rows += counts[s]
    total, all_squares = np.zeros(trials), np.zeros(trials)
    for s in range(len(counts)):
        for m in range(trials):
            total[m] += sums[s, m]
            all_squares[m] += squares[s, m]
    part, part_squares = np.zeros(trials), np.zeros(trials)
    one, other = np.zeros(trials), np.zeros(trials)
    lost = 0
    seen = 0
    for h in range(0, len(halves), step):
        count = 0
        part[:] = 0.0
        part_squares[:] = 0.0
        for k in range(halves.shape[1]):
            s = halves[h, k]
            count += counts[s]
            for m in range(trials):
                part[m] += sums[s, m]
                part_squares[m] += squares[s, m]
        for m in range(trials):
            one[m] = squared_ratio(part[m], part_squares[m], count, means[m])
            other[m] = squared_ratio(total[m] - part[m], all_squares[m] - part_squares[m], rows - count, means[m])
        seen += 2
        if is_lost(one, other):
            lost += 1
        if is_lost(other, one):
            lost += 1
    return lost / seen


def overfitting_probability(returns: Floats, slices: int = SLICES, *, resamples: int = _RESAMPLES, seed: int = 0) -> Interval:
    """PBO of trials with returns (T, M) over the same bars, with its 95 % interval from returns redrawn in blocks within each slice.

    Trials with the same returns are one. Unknown for fewer than two trials or two bars a slice. `slices` is even.
    """
    if returns.ndim != 2 or slices < 2 or slices % 2:
        raise DataRefused(f"returns of shape {returns.shape} in {slices} slices", where="overfitting", mend="give (T, M) and an even number")
    different = _different(returns)
    count, trials = different.shape
    if trials < 2 or count < _LEAST_ROWS * slices:
        return UNKNOWN
    means = different.mean(axis=0)
    moved = np.ascontiguousarray(different - means)
    edges = np.arange(slices + 1, dtype=np.int64) * count // slices
    counts = np.diff(edges)
    first = [(0, *rest) for rest in combinations(range(1, slices), slices // 2 - 1)]  # the other halves are their complements
    halves = np.array(first, np.int64)
    sums, squares = np.zeros((slices, trials)), np.zeros((slices, trials))
    sum_slices(moved, edges, sums, squares)
    own = float(share_lost(sums, squares, counts, means, halves, 1))
    step = max(1, len(halves) // _SPLITS_DRAWN)
    jump = int(4294967296.0 / max(block_bars(np.ascontiguousarray(moved[:, m])) for m in range(trials)))
    words, drawn = words_of(seed, _STREAM), np.zeros(resamples)
    for r in range(resamples):
        draw_slices(moved, edges, jump, words, sums, squares)
        drawn[r] = share_lost(sums, squares, counts, means, halves, step)
    return interval(own, drawn)


def _different(returns: Floats) -> Floats:
    """The columns that differ, in their order."""
    columns = {np.ascontiguousarray(returns[:, m]).tobytes(): m for m in reversed(range(returns.shape[1]))}
    return np.ascontiguousarray(returns[:, sorted(columns.values())], np.float64)
