"""Choose a penalty inside the sample: fit on its older rows, judge on its newest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.training.sample import Sample

Ints = NDArray[np.int64]

_LEAST = 30  # rows on either side; fewer choose nothing but noise


def chosen(choices: tuple[float, ...], loss: Callable[[float, Ints, Ints], float], sample: Sample, newest: float) -> float:
    """The choice, strongest penalty first, of least loss(choice, older, newer); the strongest where there are too few rows or classes.

    Labels that reach into the newest rows are left out of the older ones. Of equal losses the stronger penalty wins.
    """
    older, newer = _halves(sample, newest)
    taught = set(sample.side[older])
    if len(choices) == 1 or min(len(older), len(newer)) < _LEAST or len(taught) < 2 or not set(sample.side[newer]) <= taught:
        return choices[0]
    return choices[int(np.argmin([loss(choice, older, newer) for choice in choices]))]


def _halves(sample: Sample, newest: float) -> tuple[Ints, Ints]:
    cut_ns = np.quantile(sample.start_ns, 1.0 - newest, method="lower")
    return np.flatnonzero(sample.end_ns <= cut_ns), np.flatnonzero(sample.start_ns >= cut_ns)
