"""Fit a forest of extremely random trees with scikit-learn, and export it to ONNX.

Where labels overlap, every tree is grown on as many drawn rows as there are independent outcomes (Lopez de Prado 2018, 4.5).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.models.exported import EXTRA_TREES, INPUT, Exported, unpack_forest
from metastackerbandit.models.settling import settled
from metastackerbandit.training.fitting.fitted import Fitted, parity_of, refuse_unequal
from metastackerbandit.training.fitting.inputs import inputs_of
from metastackerbandit.training.fitting.settings import FittingSettings
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]

_NOTE = "Degrees of freedom are 2 x (mean leaves - 1), about the trace of the averaged trees for two free classes; choosing splits costs more."
_OPSETS = {"": 17, "ai.onnx.ml": 3}  # fixed, so that a newer exporter writes what today's runtime reads


def fit(sample: Sample, settings: FittingSettings, n_eff: float, seed: int) -> Fitted:
    """Grow the forest, with leaves that hold a number of independent outcomes."""
    from sklearn.ensemble import ExtraTreesClassifier

    own = settings.extra_trees
    inputs = inputs_of(sample, settings, n_eff, EXTRA_TREES)
    drawn = {"bootstrap": True, "max_samples": math.ceil(n_eff)} if inputs.rows_an_outcome > 1.0 else {}
    leaf = math.ceil(own.leaf)  # rows, which by then are outcomes
    forest = ExtraTreesClassifier(own.trees, min_samples_leaf=leaf, max_features=own.feature_share, random_state=seed, n_jobs=1, **drawn)
    forest.fit(inputs.rows.astype(np.float32), inputs.side, sample_weight=inputs.weight)
    dof = 2.0 * float(np.mean([tree.get_n_leaves() - 1 for tree in forest.estimators_]))
    graph = graph_of(forest, len(inputs.kept))
    learner = unpack_forest(Exported(EXTRA_TREES, inputs.scaler, inputs.seen, inputs.unseen, graph, dof, _NOTE).pack())

    def trained(rows: Floats) -> Floats:
        raw = np.zeros((len(rows), 3))
        raw[:, list(inputs.seen)] = forest.predict_proba(inputs.scaler.applied(rows).astype(np.float32))
        return settled(raw, inputs.unseen)

    parity = parity_of(trained, learner.predict, sample.rows)
    refuse_unequal(parity, settings.most_parity, EXTRA_TREES)
    return Fitted(learner, parity, dof, inputs.dropped, (_NOTE, *inputs.notes()))


def graph_of(forest: Any, n_features: int) -> bytes:
    """The forest as an ONNX graph; its last output holds the probabilities of the forest's classes."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    kinds = [(INPUT, FloatTensorType([None, n_features]))]
    graph = convert_sklearn(forest, EXTRA_TREES, kinds, target_opset=_OPSETS, options={id(forest): {"zipmap": False}})
    return bytes(graph.SerializeToString(deterministic=True))
