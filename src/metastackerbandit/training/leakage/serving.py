"""Training reads what serving computes: the features of the whole span equal those of one bar at a time, to the bit, at every bar."""

from __future__ import annotations

import numpy as np

from metastackerbandit.domain.quality import time_text
from metastackerbandit.training.leakage.finding import Checked, Finding
from metastackerbandit.training.leakage.pipeline import Market, Pipeline
from metastackerbandit.training.leakage.settings import LeakageSettings
from metastackerbandit.training.leakage.watch import of_features

_MEND = "compute features for training with the step that serving repeats; a bar at a time cannot look ahead"


def judge_serving(pipeline: Pipeline, market: Market, settings: LeakageSettings) -> Checked:
    """Compare every feature at every bar; a leak in few rows, or of a feature that seldom changes, shows here too."""
    assert pipeline.serve is not None
    bars = pipeline.bars(market)
    trained, served = of_features(pipeline.features(market, bars)), of_features(pipeline.serve(market, bars))
    what = f"features of {len(served.keys)} bars of {market.symbol} are those of one bar at a time, to the bit"
    evidence = {"bars": float(len(served.keys)), "features": float(len(served.columns))}
    findings = []
    if trained.columns != served.columns or not np.array_equal(trained.known_ns, served.known_ns):
        only = sorted(set(trained.columns) ^ set(served.columns))
        told = f"features in training and in serving are not the same columns and rows; on one side only: {', '.join(only) or 'rows'}"
        findings.append(Finding("serving", told, {"trained": float(trained.bits.size), "served": float(served.bits.size)}, _MEND))
        return Checked("serving", what, evidence, tuple(findings))
    differs = trained.bits != served.bits
    for column in np.flatnonzero(differs.any(axis=0))[: settings.told].tolist():
        rows = np.flatnonzero(differs[:, column])
        at = time_text(int(trained.known_ns[rows[0]]))
        told = f"feature {trained.columns[column]} differs between training and serving at {len(rows)} of {len(differs)} bars, first at {at}"
        findings.append(Finding("serving", told, {"rows": float(len(rows)), "columns": float(differs.any(axis=0).sum())}, _MEND))
    return Checked("serving", what, evidence, tuple(findings))
