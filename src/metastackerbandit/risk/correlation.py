"""Correlations of the symbols' returns: exponentially forgetting, shrunk towards one constant, positive definite always.

Each pair of symbols keeps its own weighted moments of the returns over the same stretch of time, so that a bar missing in one symbol costs
the pair one observation and biases nothing. Between refreshes the matrix stands.

Shrinkage: Ledoit and Wolf 2004 ("Honey, I shrunk the sample covariance matrix") in the form of Schaefer and Strimmer 2005 (Table 2) for a
target that is not estimated: of standardised returns the target's diagonal is the sample's own, and the intensity that minimises the expected
squared error is sum Var(c_ij) / sum (c_ij - t)^2 over i != j, cut to [0, 1]. Var(c_ij) is that of a correlation whose deviations are
estimated too, from the fourth moments and without a normal law (Steiger and Hakstian 1982), over the effective number of observations,
(sum w)^2 / sum w^2, of the weights.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS
from metastackerbandit.risk.settings import RiskSettings


class CorrelationTerms(Struct, frozen=True):
    """`keep` is what a bar of the grid leaves of the past, `warm_up` common returns, `refresh_ns` how often the matrix is made anew."""

    keep: float
    target: float
    stress: float
    warm_up: int
    refresh_ns: int


class Matrix(Struct, frozen=True):
    """When the matrix is made anew, how much of it is the target, how many pairs are known, and how often it had to be mended."""

    next_ns: int
    intensity: float
    known: int
    mended: int


class Trail(Struct, frozen=True):
    """A symbol's newest close (ticks) and return, over the time from `from_ns` to `closed_ns`.

    Scratch: `heat` is money to the stops, signed by the side; `bet` money times volatility a year, whichever the side.
    """

    close: int
    closed_ns: int
    from_ns: int
    change: float
    heat: float
    bet: float


class Pair(Struct, frozen=True):
    """Weighted sums over the common returns x, y of two symbols, x of the lower place: xy, x^2, y^2, x^2 y^2, x^3 y, x y^3, x^4, y^4.

    `weight` and `weights_squared` are the sums of the weights and of their squares. `rho` is the correlation as last made, NaN until it is
    known; `factor` is scratch of the test for definiteness.
    """

    cross: float
    left: float
    right: float
    square: float
    left_cube: float
    right_cube: float
    left_fourth: float
    right_fourth: float
    weight: float
    weights_squared: float
    count: int
    rho: float
    factor: float


def correlation_terms(settings: RiskSettings, grid_ns: int) -> CorrelationTerms:
    """The settings for closes that come every `grid_ns`."""
    return CorrelationTerms(
        keep=0.5 ** (grid_ns / DAY_NS / settings.correlation_days),
        target=settings.correlation_target,
        stress=settings.correlation_stress,
        warm_up=settings.correlation_warm_up,
        refresh_ns=max(HOUR_NS, grid_ns),
    )


@kernel
def follow(trails: Any, pairs: Any, y: int, closed_ns: int, close: int, terms: Any, matrix: Any) -> None:
    """Take symbol y's close into trails (Y,) and pairs (Y, Y): with every symbol whose newest return is over the same stretch, one observation.

    The order in which symbols close at one instant does not matter: a pair is taken when the second of the two has come, and the matrix
    is made anew before the first close of an instant is taken.
    """
    if closed_ns >= matrix.next_ns:
        refresh(pairs, len(trails), terms, matrix)
        matrix.next_ns = (closed_ns // terms.refresh_ns + 1) * terms.refresh_ns
    trail = trails[y]
    trail.from_ns = trail.closed_ns
    trail.change = close / trail.close - 1.0 if trail.close > 0 else math.nan
    trail.close = close
    trail.closed_ns = closed_ns
    if trail.from_ns == 0:
        return
    for z in range(len(trails)):
        other = trails[z]
        if z != y and other.closed_ns == closed_ns and other.from_ns == trail.from_ns:
            if z < y:
                observe_pair(pairs[z, y], other.change, trail.change, terms.keep)
            else:
                observe_pair(pairs[y, z], trail.change, other.change, terms.keep)


@kernel
def observe_pair(pair: Any, left: float, right: float, keep: float) -> None:
    """Take two returns of the same time into the pair's sums."""
    new = 1.0 - keep
    product = left * right
    left_square = left * left
    right_square = right * right
    pair.cross = keep * pair.cross + new * product
    pair.left = keep * pair.left + new * left_square
    pair.right = keep * pair.right + new * right_square
    pair.square = keep * pair.square + new * (product * product)
    pair.left_cube = keep * pair.left_cube + new * (product * left_square)
    pair.right_cube = keep * pair.right_cube + new * (product * right_square)
    pair.left_fourth = keep * pair.left_fourth + new * (left_square * left_square)
    pair.right_fourth = keep * pair.right_fourth + new * (right_square * right_square)
    pair.weight = keep * pair.weight + new
    pair.weights_squared = keep * keep * pair.weights_squared + new * new
    pair.count += 1


@kernel
def sample_correlation(pair: Any, warm_up: int) -> float:
    """Correlation about zero of the pair's returns; NaN before `warm_up` of them, or where one never moved."""
    if pair.count < warm_up or not (pair.left > 0.0 and pair.right > 0.0):
        return math.nan
    return min(max(pair.cross / math.sqrt(pair.left * pair.right), -1.0), 1.0)


@kernel
def error_of(pair: Any) -> float:
    """Variance of the pair's correlation c: (m22 - c (m31 + m13) + c^2 (m40 + m04 + 2 m22) / 4) / n of the standardised returns' moments."""
    left = pair.left / pair.weight
    right = pair.right / pair.weight
    c = pair.cross / math.sqrt(pair.left * pair.right)
    m22 = pair.square / (pair.weight * left * right)
    thirds = (pair.left_cube / left + pair.right_cube / right) / (pair.weight * math.sqrt(left * right))
    fourths = (pair.left_fourth / (left * left) + pair.right_fourth / (right * right)) / pair.weight
    spread = m22 - c * thirds + 0.25 * (c * c) * (fourths + 2.0 * m22)
    return max(spread, 0.0) * pair.weights_squared / (pair.weight * pair.weight)


@kernel
def refresh(pairs: Any, count: int, terms: Any, matrix: Any) -> None:
    """Make the shrunk correlations of `count` symbols anew from what the pairs have seen."""
    error = 0.0
    distance = 0.0
    known = 0
    for i in range(count):
        for j in range(i + 1, count):
            c = sample_correlation(pairs[i, j], terms.warm_up)
            pairs[i, j].rho = c
            if not math.isnan(c):
                known += 1
                error += error_of(pairs[i, j])
                distance += (c - terms.target) * (c - terms.target)
    matrix.known = known
    matrix.intensity = min(error / distance, 1.0) if distance > 0.0 else 1.0
    for i in range(count):
        for j in range(i + 1, count):
            if not math.isnan(pairs[i, j].rho):
                pairs[i, j].rho += matrix.intensity * (terms.target - pairs[i, j].rho)
    while known > 0 and not is_definite(pairs, count, terms.stress):
        matrix.mended += 1
        for i in range(count):
            for j in range(i + 1, count):
                if not math.isnan(pairs[i, j].rho):
                    pairs[i, j].rho += 0.5 * (terms.stress - pairs[i, j].rho)


@kernel
def is_definite(pairs: Any, count: int, stress: float) -> bool:
    """Whether the matrix, with the stress value where nothing is known, has a Cholesky factor with pivots that rounding cannot make up.

    Only pairs that missed different bars can spoil it; the constant matrix of the stress value, towards which it is then mended, is definite.
    """
    for i in range(count):
        for j in range(i + 1):
            total = 1.0 if i == j else known_or(pairs[j, i].rho, stress)
            for k in range(j):
                total -= pairs[i, k].factor * pairs[j, k].factor
            if i == j:
                if not total > 1e-9:
                    return False
                pairs[i, i].factor = math.sqrt(total)
            else:
                pairs[i, j].factor = total / pairs[j, j].factor
    return True


@kernel
def known_or(rho: float, stress: float) -> float:
    """The correlation, or the stress value where it is not known."""
    return stress if math.isnan(rho) else rho


@kernel
def linked(pairs: Any, y: int, z: int, product: float, stress: float) -> float:
    """Correlation of symbols y and z as a bet on both sees it: 1 for one symbol; where it is not known, the stress value if the bets add up
    (`product` of their signs above 0) and 0 if they offset, so that nobody is credited with a hedge that nothing has shown."""
    if y == z:
        return 1.0
    rho = pairs[min(y, z), max(y, z)].rho
    if math.isnan(rho):
        return stress if product > 0.0 else 0.0
    return rho


@kernel
def correlated_square(trails: Any, pairs: Any, stress: float) -> float:
    """h'Ch of the trails' signed heats, money squared; never below 0, whatever the rounding."""
    total = 0.0
    for y in range(len(trails)):
        own = trails[y].heat
        if own == 0.0:
            continue
        total += own * own
        for z in range(y + 1, len(trails)):
            other = trails[z].heat
            if other != 0.0:
                total += 2.0 * own * other * linked(pairs, y, z, own * other, stress)
    return max(total, 0.0)


@kernel
def heat_along(trails: Any, pairs: Any, y: int, side: int, stress: float) -> float:
    """How much of the trails' signed heats points the way of a trade on symbol y's `side`, money."""
    total = 0.0
    for z in range(len(trails)):
        other = trails[z].heat
        if other != 0.0:
            total += side * other * linked(pairs, y, z, side * other, stress)
    return total


@kernel
def in_common(pairs: Any, y: int, z: int, stress: float) -> float:
    """How far bets on symbols y and z are the same bet, 0 to 1: the size of their correlation, whichever side each is on; the stress value where
    it is not known.

    Sides do not matter: two books that disagree about what moves together pay twice to hold little, and correlations break when it counts.
    """
    if y == z:
        return 1.0
    rho = pairs[min(y, z), max(y, z)].rho
    return stress if math.isnan(rho) else abs(rho)


@kernel
def shared_bets(trails: Any, pairs: Any, y: int, stress: float) -> float:
    """What the trails' bets have in common with one on symbol y, money times volatility."""
    total = 0.0
    for z in range(len(trails)):
        if trails[z].bet != 0.0:
            total += trails[z].bet * in_common(pairs, y, z, stress)
    return total


@kernel
def bets_square(trails: Any, pairs: Any, stress: float) -> float:
    """b'|C|b of the trails' bets, (money times volatility) squared: the most that they can risk together."""
    total = 0.0
    for y in range(len(trails)):
        if trails[y].bet != 0.0:
            total += trails[y].bet * shared_bets(trails, pairs, y, stress)
    return total


@kernel
def correlation_scale(own: float, others: float) -> float:
    """Share of its own risk that a bet may keep beside others: own / (own + others).

    `own` is the risk that it would take alone, `others` what the other bets, at the size that each would take alone, share with it
    (both money times volatility; own, others >= 0). For bets of one risk and one correlation rho this is the growth-optimal size of simultaneous
    bets, C^-1 r = r / (1 + (n - 1) rho) (Thorp 2006; MacLean, Thorp and Ziemba 2011): n bets on the same thing carry one bet's risk.
    """
    return own / (own + others) if others > 0.0 else 1.0


@kernel
def account_scale(own: float, others: float, square: float, most: float) -> float:
    """Share of its size that a bet may keep so that all bets together stay within a volatility of `most`, every one cut alike; at most 1.

    `own` is the bet alone, `others` what the others share with it and `square` theirs together, b'|C|b (money times volatility; all >= 0).
    """
    risk = math.sqrt(square + 2.0 * own * others + own * own)
    if risk > most:
        return most / risk
    return 1.0
