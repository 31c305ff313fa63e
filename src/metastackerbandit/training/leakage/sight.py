"""Skill must be neither there without cause nor missing with it: no feature is the label, an oracle is learned, shuffled labels are not."""

from __future__ import annotations

import math

import numpy as np
from msgspec.structs import replace

from metastackerbandit.domain.label import DOWN, FLAT, UP
from metastackerbandit.evaluation.splits import Fold
from metastackerbandit.training.leakage.finding import Checked, Finding
from metastackerbandit.training.leakage.pipeline import Floats, Pipeline
from metastackerbandit.training.leakage.ranking import auc, auc_error
from metastackerbandit.training.leakage.settings import LeakageSettings
from metastackerbandit.training.sample import Sample

_KEEP_OUT = "leave the label, and whatever is computed from it, out of the features"
_LEARN = "let the learners read every feature, and the fold hold rows of each class: a pipeline that cannot learn an oracle proves nothing"
_SCORE_ELSEWHERE = "score rows that nothing was fitted on, with labels that end before training ones begin"
_NOISE = 0.1  # of the oracle, in classes: it is sure, yet its values vary
_ENOUGH = 15  # tested rows of UP and of DOWN with which an AUC says something
_LEAST_SHIFT = 0.25  # of the sample: shuffled labels are the label series turned by at least this share, and at most the rest


def judge_target(sample: Sample, settings: LeakageSettings) -> Checked:
    """Rank every single feature against the label."""
    areas = np.array([auc(sample.rows[:, f], sample.side) for f in range(sample.rows.shape[1])])
    away = np.where(np.isnan(areas), 0.0, np.abs(areas - 0.5))
    findings = []
    for f in np.flatnonzero(away > settings.most_auc - 0.5).tolist():
        told = f"feature {sample.names[f]} alone tells UP from DOWN with an AUC of {areas[f]:.3f}: it is the label, or made from it"
        findings.append(Finding("target", told, {"auc": float(areas[f])}, _KEEP_OUT))
    best = int(np.argmax(away))
    what = f"no single feature tells UP from DOWN with an AUC beyond {settings.most_auc:g}; the best, {sample.names[best]}, has {areas[best]:.3f}"
    evidence = {"features": float(len(areas)), "rows": float(len(sample)), "best_auc": float(areas[best])}
    return Checked("target", what, evidence, tuple(findings[: settings.told]))


def judge_sight(pipeline: Pipeline, sample: Sample, settings: LeakageSettings, seed: int) -> Checked:
    """Put the label among the features: the pipeline must find it, or its silence elsewhere proves nothing."""
    column = sample.names.index(pipeline.signed)
    rng = np.random.default_rng(seed)
    values = sample.rows[:, column]
    scale = float(np.nanstd(values)) or 1.0
    rows = sample.rows.copy()
    rows[:, column] = scale * (sample.side.astype(np.float64) - FLAT + _NOISE * rng.normal(0.0, 1.0, len(sample)))
    fold = max(pipeline.folds(sample), key=lambda fold: _worth(sample, fold))
    area = _area(sample, fold.test, pipeline.learn(replace(sample, rows=rows), fold, seed).probabilities)
    findings: tuple[Finding, ...] = ()
    if not area > settings.most_auc:
        findings = (Finding("sight", f"an oracle among the features is learned with an AUC of {area:.3f} only", {"auc": area}, _LEARN),)
    what = f"an oracle put in the place of {pipeline.signed} is learned, with an AUC beyond {settings.most_auc:g}: {area:.3f}"
    return Checked("sight", what, {"auc": area, "trained": float(len(fold.train)), "tested": float(len(fold.test))}, findings)


def judge_shuffled(pipeline: Pipeline, sample: Sample, settings: LeakageSettings, seed: int) -> Checked:
    """Turn the series of labels in a circle against the features, which keeps how neighbours are alike: no skill may be left."""
    rng = np.random.default_rng(seed)
    shift = int(rng.integers(math.ceil(_LEAST_SHIFT * len(sample)), math.floor((1.0 - _LEAST_SHIFT) * len(sample)) + 1))
    turned = {name: np.roll(getattr(sample, name), shift) for name in ("side", "long", "short", "net_long", "net_short")}
    shuffled = replace(sample, **turned)
    folds = pipeline.folds(shuffled)
    scores: Floats = np.full(len(sample), np.nan)
    for fold in folds:
        probabilities = pipeline.learn(shuffled, fold, seed).probabilities
        scores[fold.test] = probabilities[:, 2] - probabilities[:, 0]
    scored = np.flatnonzero(np.isfinite(scores))
    area, error = auc(scores[scored], shuffled.side[scored]), auc_error(scores[scored], shuffled.side[scored])
    excess = area - 0.5
    findings: tuple[Finding, ...] = ()
    if excess > max(settings.shuffled_excess, settings.shuffled_errors * error):
        told = f"labels turned by {shift} rows are still predicted with an AUC of {area:.3f} (standard error {error:.3f})"
        findings = (Finding("shuffled", told, {"auc": area, "error": error}, _SCORE_ELSEWHERE),)
    what = f"labels turned by {shift} rows against the features are not predicted in {len(folds)} folds: AUC {area:.3f}, standard error {error:.3f}"
    return Checked("shuffled", what, {"auc": area, "error": error, "shift": float(shift), "tested": float(len(scored))}, findings)


def _worth(sample: Sample, fold: Fold) -> tuple[int, int]:
    """How well a fold shows what can be learnt: first by tested rows of the rarer side, as far as they are too few, then by rows to train on."""
    side = sample.side[fold.test]
    return min(int(np.count_nonzero(side == UP)), int(np.count_nonzero(side == DOWN)), _ENOUGH), len(fold.train)


def _area(sample: Sample, test: np.ndarray, probabilities: Floats) -> float:
    return auc(probabilities[:, 2] - probabilities[:, 0], sample.side[test])
