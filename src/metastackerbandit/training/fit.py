"""Fit one stack on one sample: out-of-fold base predictions, weights on the older ones, calibration on the newer, learners on all rows."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.label import CLASSES, DOWN, FLAT, UP
from metastackerbandit.evaluation.splits import purged_folds
from metastackerbandit.features.mirror import mirrored
from metastackerbandit.models.heads import Heads
from metastackerbandit.stacking.calibration import fit_calibrator
from metastackerbandit.stacking.conformal import fit_conformal
from metastackerbandit.stacking.meta import blend, fit_weights
from metastackerbandit.training.expectation import Expectation, fit_expectation
from metastackerbandit.training.fitting.catalog import fitted as fitted_family
from metastackerbandit.training.fitting.fitted import Fitted
from metastackerbandit.training.fitting.heads import fit_heads
from metastackerbandit.training.meta_fit import FittedMetaLabel, fit_meta_label
from metastackerbandit.training.meta_label import Said
from metastackerbandit.training.mirroring import with_mirror
from metastackerbandit.training.residual import outcomes_for_one, taught
from metastackerbandit.training.sample import Sample
from metastackerbandit.training.seeds import seed_of
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.stack import Stack, StackFacts, finished, lean_of, probabilities_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BASELINES = ("prior", "persistence")
_LEAST_ROWS = 30  # of a sample; inner folds and calibration would be left with a handful
_LEAST_PART = 20  # rows to calibrate on; a sample too short to spare them uses all of its rows (and is far below the rungs that trade)
_NOT_YET = Expectation(reach=0.0, level=0.0, slope=0.0, slope_error=0.0, noise=0.0)


class FittedStack(Struct, frozen=True, eq=False):
    """A stack, with the out-of-fold probabilities (N, 3) of its own sample's rows, and what else its card says.

    `share_up` is the share of UP among those that lean to a side; `parity` the largest difference between what the fitting libraries and what
    serving computes; `effective_dof` the learners' free coefficients, weighed as they are. `meta_label` is what the card says of that model.
    """

    stack: Stack
    probabilities: Floats
    share_up: float
    parity: float
    effective_dof: float
    notes: tuple[str, ...]
    meta_label: FittedMetaLabel


def fit_stack(sample: Sample, families: tuple[str, ...], n_eff: float, embargo_ns: int, settings: TrainingSettings, seed: int) -> FittedStack:
    """A stack of these families on rows worth `n_eff` outcomes; a sample that has nothing to learn from is refused."""
    refuse_unfit(sample)
    parts, head = out_of_fold(sample, families, n_eff, embargo_ns, settings, seed)
    older, middle, newest = _in_time(sample, settings)
    weights = _weights(parts[:, older], sample.taken(older), families, n_eff * len(older) / len(sample), settings)
    facts = StackFacts(
        names=sample.names,
        expected=_had(sample),
        families=families,
        weights=tuple(weights.tolist()),
        prior=_prior(sample, settings.mirror),
        n_eff=n_eff,
        is_mirrored=settings.mirror,
        expectation=_NOT_YET,
    )
    calibrator = fit_calibrator(
        blend(parts[:, middle], weights),
        sample.side[middle],
        sample.weight[middle],
        n_eff * len(middle) / len(sample),
        symmetric=settings.mirror,
        settings=settings.calibration,
    )
    p = finished(parts, calibrator, facts)
    expectation = fit_expectation(p[:, UP] - p[:, DOWN], head, sample.long, sample.short, sample.side != FLAT, sample.weight, n_eff)
    long, short = expectation.long_short(p[:, UP] - p[:, DOWN], head)
    worth = fit_meta_label(sample, Said(parts, weights, p, long, short), n_eff, embargo_ns, settings, seed)
    fitted = _learners(sample, families, n_eff, settings, seed)
    stack = Stack(
        facts=structs.replace(facts, expectation=expectation),
        learners=tuple(one.learner for one in fitted),
        calibrator=calibrator,
        conformal=fit_conformal(p[newest], sample.side[newest], settings=settings.conformal),
        heads=_heads(sample, n_eff, settings),
        meta_label=worth.model,
    )
    return FittedStack(
        stack=stack,
        probabilities=p,
        share_up=share_up(p),
        parity=max(worth.parity, *(one.parity for one in fitted)),
        effective_dof=_weighed([one.effective_dof for one in fitted], weights),
        notes=tuple(f"{family}: {note}" for family, one in zip(families, fitted, strict=True) for note in one.notes),
        meta_label=worth,
    )


def refuse_unfit(sample: Sample) -> None:
    """Too few rows, features that never change, or labels of one class teach nothing."""
    if len(sample) < _LEAST_ROWS:
        raise TrainingRefused(f"{len(sample)} labelled rows, {_LEAST_ROWS} needed", where="sample", mend="give a longer span or a shorter frame")
    counts = np.bincount(sample.side, minlength=len(CLASSES))
    if np.count_nonzero(counts) < 2:
        only = CLASSES[int(np.argmax(counts))]
        mend = "give a longer span, or a market that moves more than its costs"
        raise TrainingRefused(f"all {len(sample)} labels are {only}", where="sample", mend=mend)
    known = np.where(np.isnan(sample.rows), np.inf, sample.rows).min(axis=0), np.where(np.isnan(sample.rows), -np.inf, sample.rows).max(axis=0)
    if not (known[1] > known[0]).any():
        raise TrainingRefused("no feature ever changes", where="sample", mend="check the candles: a market that stands still cannot be learnt")


def share_up(probabilities: Floats) -> float:
    """Share of UP among the probabilities (N, 3) that lean to a side; NaN where none does."""
    lead = probabilities[:, UP] - probabilities[:, DOWN]
    leaning = int(np.count_nonzero(lead))
    return float(np.count_nonzero(lead > 0.0)) / leaning if leaning else float("nan")


def out_of_fold(
    sample: Sample, families: tuple[str, ...], n_eff: float, embargo_ns: int, settings: TrainingSettings, seed: int
) -> tuple[Floats, Floats]:
    """What learners (L, N, 3) and heads (N,) say of rows that they were not fitted on."""
    parts, head = np.full((len(families), len(sample), len(CLASSES)), np.nan), np.full(len(sample), np.nan)
    for fold in purged_folds(sample.start_ns, sample.end_ns, settings.folds, embargo_ns):
        train, rows = sample.taken(fold.train), sample.rows[fold.test]
        images = mirrored(rows) if settings.mirror else None
        share = n_eff * len(fold.train) / len(sample)
        for place, fitted in enumerate(_learners(train, families, share, settings, seed)):
            parts[place, fold.test] = probabilities_of(fitted.learner, rows, images)
        head[fold.test] = lean_of(_heads(train, share, settings), rows, images)
    if np.isnan(parts).any() or np.isnan(head).any():
        raise TrainingRefused("some rows were left without an out-of-fold prediction", where="inner folds", mend="give a longer span")
    return parts, head


def _learners(sample: Sample, families: tuple[str, ...], n_eff: float, settings: TrainingSettings, seed: int) -> tuple[Fitted, ...]:
    own, lesson = (with_mirror(rows) if settings.mirror else rows for rows in (sample, taught(sample)))
    rows = {family: (own, n_eff) if family in BASELINES else (lesson, n_eff * outcomes_for_one(sample)) for family in families}
    return tuple(fitted_family(family, rows[family][0], settings.fitting, rows[family][1], seed_of(seed, family)) for family in families)


def _weights(parts: Floats, sample: Sample, families: tuple[str, ...], n_eff: float, settings: TrainingSettings) -> Floats:
    """A weight for each family; baselines are there to be beaten, and have none beside anything else."""
    members = np.array([family not in BASELINES for family in families])
    if not members.any():
        members[:] = True
    weights = np.zeros(len(families))
    weights[members] = fit_weights(parts[members], sample.side, sample.weight, n_eff, settings=settings.meta)
    return weights


def _weighed(numbers: list[float], weights: Floats) -> float:
    total = float(weights.sum())
    return float(np.dot(numbers, weights)) / total if total > 0.0 else max(numbers)


def _heads(sample: Sample, n_eff: float, settings: TrainingSettings) -> Heads:
    lesson = taught(sample)
    return fit_heads(with_mirror(lesson) if settings.mirror else lesson, settings.fitting, n_eff * outcomes_for_one(sample))


def _in_time(sample: Sample, settings: TrainingSettings) -> tuple[Ints, Ints, Ints]:
    """Rows for the weights, for the calibrator and for the conformal sets, in order of time; labels that reach over a cut belong to neither side."""
    count = len(sample)
    first = int(count * settings.meta_share)
    second = first + int((count - first) * settings.calibration_share)
    places = np.arange(count)
    parts = [(0, first), (first, second), (second, count)]
    kept = []
    for begin, end in parts:
        until = sample.start_ns[end] if end < count else np.iinfo(np.int64).max
        part = places[begin:end][sample.end_ns[begin:end] <= until]
        kept.append(part if len(part) >= _LEAST_PART else places)
    return kept[0], kept[1], kept[2]


def _had(sample: Sample) -> tuple[str, ...]:
    """Names of the features that some row has."""
    return tuple(name for place, name in enumerate(sample.names) if not np.isnan(sample.rows[:, place]).all())


def _prior(sample: Sample, is_mirrored: bool) -> tuple[float, float, float]:
    """Weighted shares of the classes; with mirrored rows down and up are the same."""
    shares = np.array([sample.weight[sample.side == place].sum() for place in range(len(CLASSES))]) / sample.weight.sum()
    if is_mirrored:
        shares[DOWN] = shares[UP] = 0.5 * (shares[DOWN] + shares[UP])
    return float(shares[DOWN]), float(shares[FLAT]), float(shares[UP])
