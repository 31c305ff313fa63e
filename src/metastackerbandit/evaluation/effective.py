"""How many independent things there are: trades that overlap in time, and trials that come to much the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def effective_trades(opened_ns: Ints, closed_ns: Ints) -> float:
    """Sum over trades (N,) of the mean over each one's life of 1 / number of trades alive (Lopez de Prado 2018, ch. 4).

    Trades that do not overlap count in full; those of several symbols at once share the moment, as if symbols moved together.
    A trade that opens and closes at one instant counts in full.
    """
    lives = closed_ns > opened_ns
    alone = float(len(opened_ns) - np.count_nonzero(lives))
    opened, closed = opened_ns[lives], closed_ns[lives]
    if not len(opened):
        return alone
    moments = np.unique(np.concatenate((opened, closed)))
    starts, ends = np.searchsorted(moments, opened), np.searchsorted(moments, closed)
    changes = np.bincount(starts, minlength=len(moments)) - np.bincount(ends, minlength=len(moments))
    alive = np.cumsum(changes)[:-1]
    shares = np.where(alive > 0, np.diff(moments) / np.maximum(alive, 1), 0.0)
    shared = np.concatenate(([0.0], np.cumsum(shares)))
    return alone + float(np.sum((shared[ends] - shared[starts]) / (closed - opened)))


def effective_trials(returns: Floats) -> float:
    """Independent trials among those with returns (T, M): exp of the entropy of their correlations' eigenvalues; 1 for twins, M for strangers.

    Trials whose returns do not vary are left out; 0 where none is left.
    """
    varied = returns[:, returns.min(axis=0) < returns.max(axis=0)] if returns.size else returns
    if varied.size == 0:
        return 0.0
    if varied.shape[1] == 1:
        return 1.0
    shares = np.clip(np.linalg.eigvalsh(np.corrcoef(varied, rowvar=False)), 0.0, None)
    shares = shares[shares > 0.0] / shares.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))
