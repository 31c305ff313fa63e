"""Fit the multinomial logistic regression with scikit-learn, and keep its coefficients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.models.logistic import FAMILY, Logistic, unpack
from metastackerbandit.models.settling import settled
from metastackerbandit.training.fitting.choice import chosen
from metastackerbandit.training.fitting.fitted import Fitted, parity_of, refuse_unequal
from metastackerbandit.training.fitting.inputs import Inputs, inputs_of, spectrum
from metastackerbandit.training.fitting.settings import FittingSettings, LogisticSettings
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TOLERANCE = 1e-8  # of the solver's gradient; its default leaves the fourth digit of a probability to chance


def fit(sample: Sample, settings: FittingSettings, n_eff: float, seed: int) -> Fitted:
    """Ridge-penalised maximum likelihood of n_eff outcomes; the optimum is unique, so the seed changes nothing."""
    inputs = inputs_of(sample, settings, n_eff, FAMILY)
    own = settings.logistic
    choices = tuple(sorted(own.inverse_penalties))
    penalty = chosen(choices, lambda choice, older, newer: _log_loss(inputs, choice, older, newer, own), inputs.sample, settings.newest)
    model = _solved(inputs, np.arange(len(inputs.rows)), penalty, own)
    coefficients, intercepts = _full(model, inputs)
    dof = effective_dof(inputs, penalty)
    note = f"Ridge-penalised, C {penalty:g}; degrees of freedom are the trace of the hat matrix at the base rate, without intercepts."
    learner = unpack(Logistic(inputs.scaler, coefficients, intercepts, inputs.unseen, dof, note).pack())

    def trained(rows: Floats) -> Floats:
        raw = np.zeros((len(rows), 3))
        raw[:, list(inputs.seen)] = model.predict_proba(inputs.scaler.applied(rows)[:, inputs.kept])
        return settled(raw, inputs.unseen)

    parity = parity_of(trained, learner.predict, sample.rows)
    refuse_unequal(parity, settings.most_parity, FAMILY)
    return Fitted(learner, parity, dof, inputs.dropped, (note, *inputs.notes()))


def effective_dof(inputs: Inputs, penalty: float) -> float:
    """Trace of the hat matrix of the penalised fit, intercepts apart (Hastie, Tibshirani and Friedman 2009, 3.4.1 and 4.4).

    The Fisher information is taken at the base rate, where it is a Kronecker product of the classes' covariance and the rows' scatter; exact
    where signals are weak.
    """
    shares = np.array([float(inputs.weight[inputs.side == k].sum()) for k in inputs.seen]) / float(inputs.weight.sum())
    classes = np.linalg.eigvalsh(np.diag(shares) - np.outer(shares, shares))[1:]  # the first is 0: shares sum to 1
    information = np.outer(classes, spectrum(inputs.rows[:, inputs.kept], inputs.weight))
    return float((information / (information + 1.0 / penalty)).sum())


def _log_loss(inputs: Inputs, penalty: float, older: Ints, newer: Ints, settings: LogisticSettings) -> float:
    """Weighted log loss on newer rows of a fit on older ones."""
    model = _solved(inputs, older, penalty, settings)
    logs = model.predict_log_proba(inputs.rows[newer][:, inputs.kept])
    places = np.searchsorted(model.classes_, inputs.side[newer])
    return -float(inputs.weight[newer] @ logs[np.arange(len(newer)), places])


def _solved(inputs: Inputs, places: Ints, penalty: float, settings: LogisticSettings) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=penalty, solver="lbfgs", tol=_TOLERANCE, max_iter=settings.most_steps)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(inputs.rows[places][:, inputs.kept], inputs.side[places], sample_weight=inputs.weight[places])
        except ConvergenceWarning as warning:
            what = f"the fit has not converged after {settings.most_steps} steps"
            mend = "raise most_steps, or leave out the largest of inverse_penalties"
            raise TrainingRefused(what, where=FAMILY, mend=mend) from warning
    return model


def _full(model: Any, inputs: Inputs) -> tuple[Floats, Floats]:
    """Coefficients (3, F) and intercepts (3,) over all classes and columns; of two classes each gets half of the difference."""
    coefficients, intercepts = np.zeros((3, len(inputs.kept))), np.zeros(3)
    found, levels = model.coef_, model.intercept_
    if len(inputs.seen) == 2:
        found, levels = np.vstack((-0.5 * found, 0.5 * found)), np.concatenate((-0.5 * levels, 0.5 * levels))
    coefficients[np.ix_(np.array(inputs.seen), np.flatnonzero(inputs.kept))] = found
    intercepts[list(inputs.seen)] = levels
    return coefficients, intercepts
