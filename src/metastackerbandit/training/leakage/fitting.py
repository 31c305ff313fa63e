"""Fitting may read training rows only: other rows change nothing that is learnt, and a row's own label nothing that the stack reads of it."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from metastackerbandit.domain.label import DOWN, FLAT, UP
from metastackerbandit.domain.quality import time_text
from metastackerbandit.training.leakage.finding import Checked, Finding
from metastackerbandit.training.leakage.pipeline import Ints, Learnt, Pipeline
from metastackerbandit.training.leakage.settings import LeakageSettings
from metastackerbandit.training.sample import Sample

_FIT_INSIDE = "fit scalers, quantiles, feature selection, calibrators and thresholds inside the fold, on its training rows alone"
_OUT_OF_FOLD = "fit the stack on predictions made out of fold: each row by learners that never saw its label"
_REPEAT = "fit with fixed seeds and one thread: what is not repeatable cannot be judged"
_OUTCOMES = ("long", "short", "net_long", "net_short")


def judge_fitting(pipeline: Pipeline, sample: Sample, settings: LeakageSettings, seed: int) -> Checked:
    """Fit on some folds, and again with other rows changed."""
    folds = pipeline.folds(sample)[-settings.folds :]
    base = [pipeline.learn(sample, fold, seed) for fold in folds]
    again = pipeline.learn(sample, folds[-1], seed)
    findings = []
    if again.files != base[-1].files:
        findings.append(Finding("fitting", "fitting twice on the same rows gave other bytes", {"fold": float(len(folds))}, _REPEAT))
    for number, (fold, first) in enumerate(zip(folds, base, strict=True), 1):
        if findings:
            break
        others = np.setdiff1d(np.arange(len(sample)), fold.train)
        learnt = pipeline.learn(changed_rows(sample, others, seed), fold, seed)
        if learnt.files != first.files:
            counts = f"what was learnt from {len(fold.train)} training rows changed when {len(others)} other rows changed"
            evidence = {"fold": float(number), "trained": float(len(fold.train)), "changed": float(len(others))}
            evidence["byte"] = float(_parts_at(first, learnt))
            findings.append(Finding("fitting", f"fold {number} of {len(folds)}: {counts}", evidence, _FIT_INSIDE))
    if not findings:
        fold, first = folds[-1], base[-1]
        learnt = pipeline.learn(_turned(sample, fold.test), fold, seed)
        differing = np.flatnonzero((learnt.probabilities != first.probabilities).any(axis=1))
        if len(differing):
            at = time_text(int(sample.start_ns[fold.test[differing[0]]]))
            told = f"{len(differing)} of {len(fold.test)} tested probabilities changed when the tested labels were turned, the first at {at}"
            findings.append(Finding("fitting", told, {"fold": float(len(folds)), "changed": float(len(differing))}, _FIT_INSIDE))
    what = f"in {len(folds)} folds, changing all other rows changes no byte of what was learnt, nor turned labels a tested probability"
    return Checked("fitting", what, {"folds": float(len(folds)), "bytes": float(len(base[-1].files))}, tuple(findings))


def judge_stacking(pipeline: Pipeline, sample: Sample, settings: LeakageSettings, seed: int) -> Checked:
    """Predict the training rows of a fold for the stack, and again with single labels turned."""
    assert pipeline.stacked is not None
    fold = pipeline.folds(sample)[-1]
    base = pipeline.stacked(sample, fold, seed)
    counted = np.flatnonzero((sample.weight[fold.train] > 0.0) & (sample.side[fold.train] != FLAT))
    drawn = np.random.default_rng(seed).choice(counted, min(settings.flips, len(counted)), replace=False)
    findings = []
    for place in np.sort(drawn).tolist():
        row = int(fold.train[place])
        turned = pipeline.stacked(_turned(sample, np.array([row])), fold, seed)
        moved = np.flatnonzero((turned[:, place] != base[:, place]).any(axis=1))
        if len(moved):
            change = float(np.abs(turned[:, place] - base[:, place]).max())
            at = time_text(int(sample.start_ns[row]))
            told = f"{len(moved)} of {len(base)} base learners predict the row of {at} otherwise when only its own label is turned"
            evidence = {"row": float(row), "learners": float(len(moved)), "largest_change": change}
            findings.append(Finding("stacking", f"{told}, and the stack is fitted on that", evidence, _OUT_OF_FOLD))
    what = f"what the stack was fitted on for a row does not depend on the row's own label, in {len(drawn)} of {len(fold.train)} rows"
    return Checked("stacking", what, {"turned": float(len(drawn)), "learners": float(len(base))}, tuple(findings))


def changed_rows(sample: Sample, places: Ints, seed: int) -> Sample:
    """The sample with features, labels and weights at `places` (n,) unlike what they were; spans and gaps of features stay."""
    rng = np.random.default_rng((seed, len(places)))
    turned = _turned(sample, places)
    rows, weight, volatility = sample.rows.copy(), sample.weight.copy(), sample.volatility.copy()
    rows[places] = 1.0 + 3.0 * rows[places] + rng.normal(0.0, 1.0, (len(places), rows.shape[1]))
    weight[places] *= rng.uniform(0.2, 3.0, len(places))
    volatility[places] *= rng.uniform(0.2, 3.0, len(places))
    return replace(turned, rows=rows, weight=weight, volatility=volatility)


def _turned(sample: Sample, places: Ints) -> Sample:
    """The sample with other labels at `places` (n,): UP and DOWN exchanged, FLAT made UP, returns with the other sign and larger."""
    side = sample.side.copy()
    side[places] = np.where(sample.side[places] == UP, DOWN, UP).astype(side.dtype)
    columns = {}
    for name in _OUTCOMES:
        column = getattr(sample, name).copy()
        column[places] = -2.0 * column[places] - 0.1
        columns[name] = column
    residual = None
    if sample.residual is not None:
        residual = sample.residual.copy()
        residual[places] = -2.0 * residual[places] - 0.1
    return replace(sample, side=side, residual=residual, **columns)


def _parts_at(one: Learnt, other: Learnt) -> int:
    """The first byte in which two files differ."""
    shorter = min(len(one.files), len(other.files))
    left, right = np.frombuffer(one.files, np.uint8, shorter), np.frombuffer(other.files, np.uint8, shorter)
    differing = np.flatnonzero(left != right)
    return int(differing[0]) if len(differing) else shorter
