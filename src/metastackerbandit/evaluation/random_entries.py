"""Random entries with the same turnover: the exposure that was held, shifted in a circle against the market.

A shift keeps how long and how often positions are held, their sides, their sizes and their cost; only their timing is lost. What the
strategy earned beyond most shifts is timing. Exposure held is a fraction of equity, returns are of prices, and sums are not compounded.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.chance import Words, advance, words_of
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.evaluation.bootstrap import interval

Floats = NDArray[np.float64]

SHIFTS = 1_000
LEAST_DAYS, LEAST_SHARE = 5, 0.01  # of a shift: days, and share of the sample; nearer ones are the strategy itself
FEWEST_SHIFTS = 100  # different ones: with fewer no p-value below 1 % exists
_STREAM = 4  # of the seed


class EqualTurnover(Struct, frozen=True):
    """Net return (sum a bar, fraction of equity) of the strategy, of its opposite, and of random entries: mean and 95 % range.

    `p` is the chance of doing as well by random entries; NaN where the sample is too short to shift.
    """

    own: float
    flipped: float
    mean: float
    low: float
    high: float
    p: float
    shifts: int


NOT_SHIFTED = EqualTurnover(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, 0)


@kernel
def shifted_gains(exposure: Floats, returns: Floats, least: int, words: Words, out: Floats) -> None:
    """Fill out (R,) with the gains of exposure (S, T) on returns (S, T), all symbols shifted alike by R draws from [least, T - least]."""
    symbols, count = returns.shape
    choices = count - 2 * least + 1
    a, b, c, d = words[0], words[1], words[2], words[3]
    for r in range(len(out)):
        draw, a, b, c, d = advance(a, b, c, d)
        shift = least + ((draw * choices) >> 32)
        total = 0.0
        for s in range(symbols):
            one, other = 0.0, 0.0
            for t in range(shift, count):
                one += exposure[s, t - shift] * returns[s, t]
            for t in range(shift):
                other += exposure[s, count - shift + t] * returns[s, t]
            total += one + other
        out[r] = total


@kernel
def gain_of(exposure: Floats, returns: Floats) -> float:
    """Gains of exposure (S, T) on returns (S, T) as they were."""
    symbols, count = returns.shape
    total = 0.0
    for s in range(symbols):
        own = 0.0
        for t in range(count):
            own += exposure[s, t] * returns[s, t]
        total += own
    return total


def least_shift(bars: int, frame_ns: int) -> int:
    """The smallest shift in bars: 5 days, and at least 1 % of the sample."""
    return max(math.ceil(LEAST_DAYS * DAY_NS / frame_ns), math.ceil(LEAST_SHARE * bars), 1)


def turnover_of(exposure: Floats) -> float:
    """Sum of the changes of exposure (S, T), the way from its end to its start included, so that no shift changes it."""
    return float(np.abs(exposure - np.roll(exposure, 1, axis=-1)).sum())


def random_entries(exposure: Floats, returns: Floats, charge: float, least: int, *, shifts: int = SHIFTS, seed: int = 0) -> EqualTurnover:
    """Rank exposure (S, T) or (T,) held on returns of the same shape among its shifts by at least `least` bars.

    `charge` is what the turnover cost, fraction of equity (cost per unit times `turnover_of`), the same for every shift.
    """
    held, moved = np.ascontiguousarray(np.atleast_2d(exposure), np.float64), np.ascontiguousarray(np.atleast_2d(returns), np.float64)
    if held.shape != moved.shape:
        raise DataRefused(f"exposure has shape {held.shape}, returns {moved.shape}", where="random entries", mend="give both for each symbol and bar")
    gain = float(gain_of(held, moved)) if held.size else 0.0
    own, flipped = gain - charge, -gain - charge
    if moved.shape[1] - 2 * least + 1 < FEWEST_SHIFTS:
        return EqualTurnover(own, flipped, math.nan, math.nan, math.nan, math.nan, 0)
    drawn = np.zeros(shifts)
    shifted_gains(held, moved, least, words_of(seed, _STREAM), drawn)
    p = (1 + int(np.count_nonzero(drawn >= gain))) / (1 + shifts)
    spread = interval(own, drawn - charge)
    return EqualTurnover(own, flipped, float(drawn.mean()) - charge, spread.low, spread.high, p, shifts)
