"""Fit the value heads by ridge regression with scikit-learn, and keep their coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.models.heads import Heads
from metastackerbandit.training.fitting.choice import chosen
from metastackerbandit.training.fitting.fitted import parity_of, refuse_unequal
from metastackerbandit.training.fitting.inputs import Inputs, inputs_of, spectrum
from metastackerbandit.training.fitting.settings import FittingSettings
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WHERE = "heads"


def fit_heads(sample: Sample, settings: FittingSettings, n_eff: float) -> Heads:
    """Expected gross returns of a long and a short by weighted ridge regression of n_eff outcomes, large returns clipped."""
    inputs = inputs_of(sample, settings, n_eff, _WHERE)
    targets = np.column_stack((inputs.sample.long, inputs.sample.short))
    if not np.isfinite(targets).all():
        raise TrainingRefused("returns must be finite", where=_WHERE, mend="leave out rows whose volatility is not known")
    targets = np.clip(targets, -settings.heads.most_return, settings.heads.most_return)
    choices = tuple(sorted(settings.heads.ridges, reverse=True))
    ridge = chosen(choices, lambda choice, older, newer: _squared_loss(inputs, targets, choice, older, newer), inputs.sample, settings.newest)
    model = _solved(inputs, targets, ridge, np.arange(len(targets)))
    coefficients = np.zeros((2, len(inputs.kept)))
    coefficients[:, inputs.kept] = model.coef_
    scatter = spectrum(inputs.rows[:, inputs.kept], inputs.weight)
    dof = float((scatter / (scatter + ridge)).sum())
    note = f"Ridge of {ridge:g} outcomes; degrees of freedom are the trace of the hat matrix of one head, without its intercept."
    heads = Heads.unpack(Heads(inputs.scaler, coefficients, model.intercept_.astype(np.float64), dof, note).pack())
    parity = parity_of(lambda rows: model.predict(inputs.scaler.applied(rows)[:, inputs.kept]), heads.predict, sample.rows)
    refuse_unequal(parity, settings.most_parity, _WHERE)
    return heads


def _squared_loss(inputs: Inputs, targets: Floats, ridge: float, older: Ints, newer: Ints) -> float:
    """Weighted squared error on newer rows of a fit on older ones."""
    errors = _solved(inputs, targets, ridge, older).predict(inputs.rows[newer][:, inputs.kept]) - targets[newer]
    return float(inputs.weight[newer] @ (errors * errors).sum(axis=1))


def _solved(inputs: Inputs, targets: Floats, ridge: float, places: Ints) -> Any:
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=ridge, solver="cholesky")
    return model.fit(inputs.rows[places][:, inputs.kept], targets[places], sample_weight=inputs.weight[places])
