"""Filtered historical simulation: the past's surprises, in today's volatility (Barone-Adesi, Giannopoulos and Vosper 1999).

A surprise is one stretch's vector of returns, each in units of the volatility that was forecast for it; drawing whole vectors keeps whatever
joins the symbols, in the tails too. Along a path each symbol's variance is carried on with what the path brings, so that turmoil breeds
turmoil. Surprises are taken about their mean: a rising past must not make a long position look safer than a short one.

Positions keep the money that they are worth now, so that losses add up along a path and in the exposures: a short position in the mirrored
market is a long one, to the bit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def surprises(standard: Floats) -> Floats:
    """Standardised returns (T, Y) -> the vectors (N, Y) in which every symbol is known, each symbol about its mean."""
    known = standard[~np.isnan(standard).any(axis=1)]
    return np.ascontiguousarray(known - known.mean(axis=0)) if len(known) else known


@kernel
def walk(
    vectors: Floats, variance: Floats, exposures: Floats, keep: float, places: Ints, among: Ints, horizons: Ints, moving: Floats, losses: Floats
) -> None:
    """Losses (R, K), money, of R paths at each of K rising horizons (steps).

    Path r takes the vectors (N, Y) at among[places[r]], places (R, H) in [0, N); variance (Y,) is of the next step, exposures (Y,) signed
    money, moving (Y,) scratch.
    """
    for r in range(len(places)):
        for y in range(len(variance)):
            moving[y] = variance[y]
        gained = 0.0
        reached = 0
        for h in range(places.shape[1]):
            vector = among[places[r, h]]
            for y in range(len(variance)):
                change = math.sqrt(moving[y]) * vectors[vector, y]
                gained += exposures[y] * change
                moving[y] = keep * moving[y] + (1.0 - keep) * (change * change)
            if h + 1 == horizons[reached]:
                losses[r, reached] = -gained
                reached += 1


def simulated_losses(
    vectors: Floats, variance: Floats, exposures: Floats, keep: float, places: Ints, horizons: tuple[int, ...], among: Ints | None = None
) -> Floats:
    """Losses (R, K) of paths through the vectors at `places` (R, H); H is the last of the horizons. `among` (N,) is a resample of the vectors."""
    losses = np.empty((len(places), len(horizons)))
    drawn = np.arange(len(vectors), dtype=np.int64) if among is None else among
    walk(vectors, variance, exposures, keep, places, drawn, np.array(horizons, np.int64), np.empty(len(variance)), losses)
    return losses
