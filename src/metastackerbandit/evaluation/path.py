"""The path of equity: return, risk and drawdown, as the sample had them and as resampled histories spread them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.chance import Words, advance, words_of
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.blocks import mean_of
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval, interval
from metastackerbandit.evaluation.equity import History

Floats = NDArray[np.float64]

# Columns of a history's results.
GROWTH, OFFSET, VARIANCE, DOWNSIDE, DEEPEST, DEPTH, LONGEST = 0, 1, 2, 3, 4, 5, 6
PATH_COLUMNS = 7

LEAST_YEARS = 0.5  # no return is annualised from less: compounding would turn a month's luck into a year's claim
_STREAM = 0  # of the seed


@kernel
def sink(level: float, peak: float, under: int) -> tuple[float, float, int]:
    """One bar of a path: its peak so far, the depth below it as a fraction of it, and for how many bars it has been below."""
    if level >= peak:
        return level, 0.0, 0
    return peak, 1.0 - level / peak, under + 1


@kernel
def variance_of(total: float, squares: float, count: int) -> float:
    """Variance (ddof 1) from sums of count deviations about one point; NaN where it is nothing but rounding."""
    if count < 2 or squares <= 0.0:
        return math.nan
    spread = squares - total * total / count
    if spread <= 1e-12 * squares:
        return math.nan
    return spread / (count - 1)


@kernel
def drawdown_over(levels: Floats, start: float) -> tuple[float, float, int]:
    """Deepest and mean depth below the peak (fractions of it) and the longest stay below one (bars), for levels (T,) after start."""
    peak = start
    under = 0
    deepest = 0.0
    depths = 0.0
    longest = 0
    for t in range(len(levels)):
        peak, depth, under = sink(levels[t], peak, under)
        deepest = max(deepest, depth)
        depths += depth
        longest = max(longest, under)
    return deepest, depths / len(levels), longest


@kernel
def moments_over(returns: Floats, shift: float) -> tuple[float, float, float]:
    """Mean of returns (T,) about shift, their variance (ddof 1), and the mean square of the losses."""
    count = len(returns)
    total = 0.0
    squares = 0.0
    losses = 0.0
    for t in range(count):
        deviation = returns[t] - shift
        total += deviation
        squares += deviation * deviation
        loss = min(returns[t], 0.0)
        losses += loss * loss
    return total / count, variance_of(total, squares, count), losses / count


@kernel
def walk_path(returns: Floats, shift: float, block: float, words: Words, out: Floats) -> None:
    """Fill out (R, PATH_COLUMNS) from R histories of returns (T,): growth, mean about shift, variance, mean square loss, drawdown."""
    count = len(returns)
    jump = int(4294967296.0 / block)
    a, b, c, d = words[0], words[1], words[2], words[3]
    for r in range(len(out)):
        draw, a, b, c, d = advance(a, b, c, d)
        at = (draw * count) >> 32
        growth = 1.0
        peak = 1.0
        under = 0
        total = 0.0
        squares = 0.0
        losses = 0.0
        deepest = 0.0
        depths = 0.0
        longest = 0
        for _ in range(count):
            gain = returns[at]
            deviation = gain - shift
            total += deviation
            squares += deviation * deviation
            loss = min(gain, 0.0)
            losses += loss * loss
            if growth > 0.0:  # a ruined account stays ruined
                growth *= 1.0 + gain
            peak, depth, under = sink(growth, peak, under)
            deepest = max(deepest, depth)
            depths += depth
            longest = max(longest, under)
            draw, a, b, c, d = advance(a, b, c, d)
            at += 1
            if draw < jump:
                draw, a, b, c, d = advance(a, b, c, d)
                at = (draw * count) >> 32
            elif at == count:
                at = 0
        out[r, GROWTH] = growth
        out[r, OFFSET] = total / count
        out[r, VARIANCE] = variance_of(total, squares, count)
        out[r, DOWNSIDE] = losses / count
        out[r, DEEPEST] = deepest
        out[r, DEPTH] = depths / count
        out[r, LONGEST] = longest


def path_scores(history: History, yearly: float, block: float, resamples: int, seed: int) -> dict[str, Interval]:
    """Return, risk and drawdown, each as the sample had it and as the resampled histories spread it."""
    names = ("volatility", "sharpe", "sortino", "max_drawdown", "mean_drawdown", "longest_drawdown_bars")
    if len(history.levels) == 0:
        return dict.fromkeys(("total_return", "annual_return", *names), UNKNOWN)
    shift = _shift(history.returns)
    drawn = np.zeros((resamples, PATH_COLUMNS))
    walk_path(history.returns, shift, block, words_of(seed, _STREAM), drawn)
    own, drawn_values = _by_name(_own_path(history, shift), shift, yearly), _by_name(drawn, shift, yearly)
    given = {name: interval(float(own[name][0]), drawn_values[name]) for name in names}
    total = (float(history.levels[-1]) - history.start) / history.start
    given["total_return"] = interval(total, drawn[:, GROWTH] - 1.0)
    given["annual_return"] = _annual(given["total_return"], len(history.levels) / yearly)
    return given


def _own_path(history: History, shift: float) -> Floats:
    """The sample's own row (1, PATH_COLUMNS); its drawdown is taken from the money itself."""
    row = np.zeros((1, PATH_COLUMNS))
    row[0, OFFSET], row[0, VARIANCE], row[0, DOWNSIDE] = moments_over(history.returns, shift)
    row[0, DEEPEST], row[0, DEPTH], row[0, LONGEST] = drawdown_over(history.levels, history.start)
    return row


def _shift(returns: Floats) -> float:
    """A point near the mean to take deviations from; a constant's own value, so that they are exactly 0."""
    return float(returns[0]) if returns.min() == returns.max() else float(mean_of(returns))


def _by_name(rows: Floats, shift: float, yearly: float) -> dict[str, Floats]:
    """Rows (R, PATH_COLUMNS) as annual statistics (R,) each."""
    root = math.sqrt(yearly)
    mean, deviation = shift + rows[:, OFFSET], np.sqrt(rows[:, VARIANCE])
    downside = np.sqrt(np.where(rows[:, DOWNSIDE] > 0.0, rows[:, DOWNSIDE], np.nan))
    return {
        "volatility": deviation * root,
        "sharpe": mean / deviation * root,
        "sortino": mean / downside * root,
        "max_drawdown": rows[:, DEEPEST],
        "mean_drawdown": rows[:, DEPTH],
        "longest_drawdown_bars": rows[:, LONGEST],
    }


def _annual(total: Interval, years: float) -> Interval:
    """Total return compounded to a year; rising in the total, so its bounds are the bounds' own."""
    if years < LEAST_YEARS:
        return UNKNOWN
    return Interval(*(_compounded(bound, years) for bound in (total.value, total.low, total.high)))


def _compounded(total: float, years: float) -> float:
    if math.isnan(total):
        return math.nan
    return -1.0 if total <= -1.0 else math.expm1(min(math.log1p(total) / years, 700.0))  # 700: the largest power that a float holds
