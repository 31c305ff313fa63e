"""How much of a label is its own: labels that live at once share what happened (Lopez de Prado 2018, ch. 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.quality import time_text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def average_uniqueness(start_ns: Ints, end_ns: Ints, grid_ns: int) -> Floats:
    """Mean over the bars of each label's life of 1 / labels alive then (N,), in (0, 1]; for the labels of one symbol.

    A label lives on every bar of `grid_ns` (multiples of it since 1970 UTC) that [start, end) touches, one bar at least. 1 for labels
    that share no bar; 1 / h for labels of h bars that start at every bar.
    """
    if not len(start_ns):
        return np.zeros(0)
    if (end_ns < start_ns).any():
        first = int(np.argmax(end_ns < start_ns))
        raise TrainingRefused(f"label {first} ends before it starts", where="uniqueness", mend="leave out rows whose label is not known")
    first_bar = start_ns // grid_ns
    end_bar = np.maximum(-(-end_ns // grid_ns), first_bar + 1)
    moments = np.unique(np.concatenate((first_bar, end_bar)))
    starts, ends = np.searchsorted(moments, first_bar), np.searchsorted(moments, end_bar)
    changes = np.bincount(starts, minlength=len(moments)) - np.bincount(ends, minlength=len(moments))
    alive = np.cumsum(changes)[:-1]
    shares = np.where(alive > 0, np.diff(moments) / np.maximum(alive, 1), 0.0)
    shared = np.concatenate(([0.0], np.cumsum(shares)))
    return (shared[ends] - shared[starts]) / (end_bar - first_bar)


def effective_count(uniqueness: Floats, design_effect: float = 1.0) -> float:
    """Independent labels among those of a sample: the sum of their uniqueness, divided by the design effect of pooled symbols."""
    return float(np.sum(uniqueness)) / design_effect


def design_effect(symbols: int, correlation: float) -> float:
    """1 + (M - 1) rho: how many symbols count as one (Kish 1965); rho is the mean correlation of label returns, below 0 counts as 0."""
    return 1.0 + (symbols - 1) * max(correlation, 0.0)


def sample_weights(uniqueness: Floats, start_ns: Ints, now_ns: int, half_life_ns: int) -> Floats:
    """Uniqueness, halved with every half-life of age, scaled to mean 1 (N,); a row that starts after `now_ns` is refused."""
    if not len(start_ns):
        return np.zeros(0)
    youngest = int(start_ns.max())
    if youngest > now_ns:
        raise TrainingRefused(f"a row of {time_text(youngest)} lies after {time_text(now_ns)}", where="sample weights", mend="train on the past")
    weights = uniqueness * np.exp2((start_ns - youngest) / half_life_ns)  # the age of the youngest would cancel
    return weights / np.mean(weights)
