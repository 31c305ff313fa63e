"""How much a run traded and held: turnover and exposure, with intervals from blocks as long as positions last."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.chance import Words, advance, words_of
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.blocks import block_bars, longest_block
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval, interval
from metastackerbandit.evaluation.equity import History

Floats = NDArray[np.float64]

_LEAST_BLOCK = 8.0  # bars; positions last, so shorter blocks tell nothing, and longer ones walk faster
_STREAM = 1  # of the seed


@kernel
def sum_up(columns: Floats, sums: Floats) -> None:
    """Fill sums (T + 1, K) with the running sums of columns (T, K), from 0."""
    count, width = columns.shape
    for k in range(width):
        sums[0, k] = 0.0
        for t in range(count):
            sums[t + 1, k] = sums[t, k] + columns[t, k]


@kernel
def walk_means(sums: Floats, block: float, words: Words, out: Floats) -> None:
    """Fill out (R, K) with the means of R histories of the columns whose running sums (T + 1, K) are given, a block at a time."""
    count = sums.shape[0] - 1
    width = sums.shape[1]
    stay = math.log1p(-1.0 / block) if block > 1.0 else -math.inf
    a, b, c, d = words[0], words[1], words[2], words[3]
    for r in range(len(out)):
        for k in range(width):
            out[r, k] = 0.0
        left = count
        while left > 0:
            draw, a, b, c, d = advance(a, b, c, d)
            start = (draw * count) >> 32
            draw, a, b, c, d = advance(a, b, c, d)
            length = left
            drawn = 1.0 + math.log((draw + 0.5) / 4294967296.0) / stay
            if drawn < left:
                length = int(drawn)
            left -= length
            end = start + length
            for k in range(width):
                if end <= count:
                    out[r, k] += sums[end, k] - sums[start, k]
                else:
                    out[r, k] += sums[count, k] - sums[start, k] + sums[end - count, k]
        for k in range(width):
            out[r, k] /= count


def activity_block(history: History) -> float:
    """Block for turnover and exposure: as long as the more persistent of the two asks."""
    bars = len(history.levels)
    wanted = max(block_bars(np.abs(history.exposure)), block_bars(history.traded), _LEAST_BLOCK)
    return min(wanted, longest_block(bars))


def activity_scores(history: History, yearly: float, block: float, resamples: int, seed: int) -> dict[str, Interval]:
    """Turnover a year, mean exposure and share of bars with a position."""
    if len(history.levels) == 0:
        return dict.fromkeys(("turnover", "exposure", "in_market"), UNKNOWN)
    size = np.abs(history.exposure)
    columns = np.stack((history.traded, size, (size > 0.0).astype(np.float64)), axis=1)
    sums = np.zeros((len(size) + 1, 3))
    sum_up(columns, sums)
    own = sums[-1] / len(size)
    drawn = np.zeros((resamples, 3))
    walk_means(sums, block, words_of(seed, _STREAM), drawn)
    return {
        "turnover": interval(float(own[0]) * yearly, drawn[:, 0] * yearly),
        "exposure": interval(float(own[1]), drawn[:, 1]),
        "in_market": interval(float(own[2]), drawn[:, 2]),
    }
