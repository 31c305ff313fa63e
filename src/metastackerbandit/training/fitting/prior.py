"""Fit the class prior."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.label import CLASSES
from metastackerbandit.models.prior import FAMILY, Prior, unpack
from metastackerbandit.training.fitting.fitted import Fitted, parity_of
from metastackerbandit.training.fitting.inputs import counted, outcomes_of
from metastackerbandit.training.fitting.settings import FittingSettings
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]

_NOTE = "Weighted shares of the classes, with one outcome of each added (Laplace's rule of succession)."


def fit(sample: Sample, settings: FittingSettings, n_eff: float, seed: int) -> Fitted:
    """Weighted class shares; there is no chance in it, so the seed changes nothing."""
    sample = counted(sample, settings, n_eff, FAMILY)
    shares = shares_of(sample.side, outcomes_of(sample, n_eff))
    learner = unpack(Prior(sample.rows.shape[1], shares, _NOTE).pack())
    parity = parity_of(lambda rows: np.tile(shares, (len(rows), 1)), learner.predict, sample.rows)
    return Fitted(learner, parity, 0.0, (), (_NOTE,))


def shares_of(side: NDArray[np.int8], outcomes: Floats) -> Floats:
    """Shares (3,) of the classes by the outcomes (N,) that rows are worth, with one more of each."""
    counts = np.array([float(outcomes[side == k].sum()) for k in range(len(CLASSES))]) + 1.0
    return counts / counts.sum()
