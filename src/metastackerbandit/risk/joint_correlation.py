"""Shrunk correlations of recorded returns: the steps of correlation.py, repeated over history."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel, layout, row, rows
from metastackerbandit.risk.correlation import CorrelationTerms, Matrix, Pair, observe_pair, refresh

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel
def correlate_over(returns: Floats, pairs: Any, terms: Any, matrix: Any, at: Ints, found: Floats) -> None:
    """Fill found (M, Y, Y) with the matrix as it is before returns (T, Y) number at[m], rising and up to T; NaN where a pair is not known."""
    count = returns.shape[1]
    asked = 0
    for t in range(len(returns) + 1):
        while asked < len(at) and at[asked] == t:
            refresh(pairs, count, terms[0], matrix[0])
            for i in range(count):
                found[asked, i, i] = 1.0
                for j in range(i + 1, count):
                    found[asked, i, j] = pairs[i, j].rho
                    found[asked, j, i] = pairs[i, j].rho
            asked += 1
        if t == len(returns) or asked == len(at):
            return
        for i in range(count):
            for j in range(i + 1, count):
                if not (math.isnan(returns[t, i]) or math.isnan(returns[t, j])):
                    observe_pair(pairs[i, j], returns[t, i], returns[t, j], terms[0].keep)


def correlations(returns: Floats, terms: CorrelationTerms, at: Ints) -> Floats:
    """The matrices (M, Y, Y) before the returns (T, Y) numbered `at` (M,), each from the returns before it; NaN for pairs not yet known."""
    symbols = returns.shape[1]
    pairs = np.zeros((symbols, symbols), layout(Pair))
    found = np.full((len(at), symbols, symbols), math.nan)
    correlate_over(np.ascontiguousarray(returns), pairs, row(terms), rows(Matrix, 1), np.ascontiguousarray(at, np.int64), found)
    return found


def linked_under(correlation: Floats, exposures: Floats, stress: float) -> Floats:
    """A matrix (Y, Y) without gaps, as these signed exposures are to see it: of a pair that is not known, `stress` where they add up and 0 where
    they offset, so that nobody is credited with a hedge that nothing has shown."""
    adds = np.outer(exposures, exposures) > 0.0
    return np.where(np.isnan(correlation), np.where(adds, stress, 0.0), correlation)


def stressed(correlation: Floats, exposures: Floats, stress: float) -> Floats:
    """The matrix (Y, Y) of a crash for these exposures: pairs that add up are at `stress` at least (method 11.3), and no hedge counts.

    At least as bad as the matrix itself, and as one with `stress` everywhere.
    """
    adds = np.outer(exposures, exposures) > 0.0
    known = linked_under(correlation, exposures, stress)
    worse: Floats = np.where(adds, np.maximum(known, stress), np.minimum(known, 0.0))
    np.fill_diagonal(worse, 1.0)
    return worse
