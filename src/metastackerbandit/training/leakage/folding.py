"""Training and test rows may not share time: no training label lives while a test label does, and no moment is on both sides."""

from __future__ import annotations

import numpy as np

from metastackerbandit.domain.quality import time_text
from metastackerbandit.evaluation.splits import Fold
from metastackerbandit.training.leakage.finding import Checked, Finding
from metastackerbandit.training.leakage.pipeline import Ints, Pipeline
from metastackerbandit.training.leakage.settings import LeakageSettings
from metastackerbandit.training.sample import Sample

_MEND = "purge: drop training rows whose label meets the tested span or its embargo, and split whole moments over all symbols"


def judge_folds(pipeline: Pipeline, sample: Sample, settings: LeakageSettings) -> Checked:
    """Look at every fold that is scored, and at every inner fold that the stack is fitted on."""
    outer = pipeline.folds(sample)
    findings, seen = _in_folds(sample, outer, pipeline.embargo_ns, "fold"), len(outer)
    if pipeline.inner is not None:
        for place, fold in enumerate(outer[-settings.folds :]):
            training = sample.taken(fold.train)
            inner = pipeline.inner(training)
            seen += len(inner)
            findings += _in_folds(training, inner, pipeline.embargo_ns, f"training rows {place + 1}, inner fold")
    what = f"no training label meets a tested span or its embargo, and no moment is on both sides, in {seen} folds"
    evidence = {"folds": float(seen), "rows": float(len(sample)), "embargo_ns": float(pipeline.embargo_ns)}
    return Checked("folds", what, evidence, tuple(findings[: settings.told]))


def _in_folds(sample: Sample, folds: tuple[Fold, ...], embargo_ns: int, words: str) -> list[Finding]:
    found = []
    for number, fold in enumerate(folds, 1):
        meeting = overlapping(sample.start_ns, sample.end_ns, fold, embargo_ns)
        both = np.intersect1d(sample.start_ns[fold.train], sample.start_ns[fold.test])
        if not len(meeting) and not len(both):
            continue
        first = int(meeting[0]) if len(meeting) else int(fold.train[np.isin(sample.start_ns[fold.train], both)][0])
        span = f"{time_text(int(sample.start_ns[first]))} to {time_text(int(sample.end_ns[first]))}"
        counts = f"{len(meeting)} of {len(fold.train)} training labels meet the tested span or its embargo, {len(both)} moments are on both sides"
        evidence = {"fold": float(number), "meeting": float(len(meeting)), "trained": float(len(fold.train)), "moments": float(len(both))}
        found.append(Finding("folds", f"{words} {number}: {counts}; the first label lives from {span}", evidence, _MEND))
    return found


def overlapping(start_ns: Ints, end_ns: Ints, fold: Fold, embargo_ns: int) -> Ints:
    """The training rows (k,) whose label lives while a test label does or within the embargo behind it; touching ends do not meet."""
    order = fold.test[np.argsort(start_ns[fold.test], kind="stable")]
    starts, ends = start_ns[order], np.maximum.accumulate(end_ns[order] + embargo_ns)
    place = np.searchsorted(starts, end_ns[fold.train], side="left")  # test labels that begin before the training label ends
    meets = (place > 0) & (ends[np.maximum(place, 1) - 1] > start_ns[fold.train])
    return fold.train[meets]
