"""Fit gradient boosted trees with LightGBM (Ke et al. 2017), the same bytes for the same sample and seed."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.models.lightgbm import FAMILY, Booster, unpack
from metastackerbandit.models.settling import settled
from metastackerbandit.training.fitting.fitted import Fitted, parity_of, refuse_unequal
from metastackerbandit.training.fitting.inputs import Inputs, inputs_of
from metastackerbandit.training.fitting.settings import BoosterSettings, FittingSettings
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]

_NOTE = "Degrees of freedom are 2 x leaves / 10, a crude proxy (method 2.6)."
_DOF_A_LEAF = 2.0 / 10.0
_NO_LEAF = 1  # what a tree that found no split says of itself


def fit(sample: Sample, settings: FittingSettings, n_eff: float, seed: int) -> Fitted:
    """Boost for a number of rounds that n_eff fixes, with leaves and penalties that count independent outcomes."""
    import lightgbm

    inputs = inputs_of(sample, settings, n_eff, FAMILY)
    parameters = parameters_of(inputs, settings.lightgbm, seed)
    rows = lightgbm.Dataset(inputs.rows, inputs.side, weight=inputs.weight, params=parameters, free_raw_data=True)
    model = lightgbm.train(parameters, rows, num_boost_round=rounds(n_eff, settings.lightgbm))
    trees = model.model_to_string()
    dof = _DOF_A_LEAF * leaves_of(trees)
    learner = unpack(Booster(inputs.scaler, inputs.unseen, trees.encode(), dof, _NOTE).pack())

    def trained(asked: Floats) -> Floats:
        return settled(np.asarray(model.predict(inputs.scaler.applied(asked), num_threads=1)), inputs.unseen)

    parity = parity_of(trained, learner.predict, sample.rows)
    refuse_unequal(parity, settings.most_parity, FAMILY)
    return Fitted(learner, parity, dof, inputs.dropped, (_NOTE, *inputs.notes()))


def parameters_of(inputs: Inputs, settings: BoosterSettings, seed: int) -> dict[str, Any]:
    """LightGBM's parameters for a sample."""
    leaf = max(settings.least_leaf, inputs.n_eff / settings.leaves_at_most)
    return {
        "objective": "multiclass",
        "num_class": 3,
        "num_leaves": settings.leaves if inputs.n_eff >= settings.small_below else settings.small_leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": math.ceil(leaf * inputs.rows_an_outcome),
        "feature_fraction": settings.feature_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
        "lambda_l2": settings.ridge,
        "max_bin": settings.bins,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def rounds(n_eff: float, settings: BoosterSettings) -> int:
    """Rounds of boosting that so many outcomes pay for."""
    return max(1, min(settings.most_rounds, round(n_eff / settings.outcomes_a_round)))


def leaves_of(trees: str) -> int:
    """Leaves of all trees that split at all."""
    return sum(int(found) for found in re.findall(r"^num_leaves=(\d+)$", trees, re.MULTILINE) if int(found) > _NO_LEAF)
