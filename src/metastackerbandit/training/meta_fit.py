"""Fit the meta-label model: which of the trades that the stack proposed, out of fold, ended with a positive net return (method 1.6)."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.label import DOWN, UP
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval
from metastackerbandit.evaluation.skill import MNATS, auc_up
from metastackerbandit.evaluation.splits import Fold, purged_folds
from metastackerbandit.evaluation.time_blocks import mean_around, time_blocks
from metastackerbandit.stacking.worth import TRAITS, Line, fit_line
from metastackerbandit.training.fitting.catalog import fitted as fitted_family
from metastackerbandit.training.fitting.fitted import Fitted
from metastackerbandit.training.meta_label import (
    BASE_RATE,
    MetaLabelFacts,
    MetaLabelModel,
    Said,
    chances_of,
    even_features,
    finished,
    inputs_of,
)
from metastackerbandit.training.sample import Sample
from metastackerbandit.training.seeds import seed_of
from metastackerbandit.training.settings import TrainingSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_CHANCE = 0.5  # AUC of a coin


class FittedMetaLabel(Struct, frozen=True, eq=False):
    """The model (None where it has nothing to say), and what its card says.

    `rows` proposed trades were worth `n_eff` independent outcomes, of which a share `base` paid. `gain` (mnats over the base rate) and `auc` are out
    of fold, calibrated by other folds too. `forced` says why every trade gets the base rate, or why there is no model; "" where there is one.
    """

    model: MetaLabelModel | None
    rows: int
    n_eff: float
    base: float
    gain: Interval
    auc: Interval
    forced: str
    parity: float


class Taught(Struct, frozen=True, eq=False):
    """The proposed trades: what the model sees of them as a sample whose UP paid and whose DOWN did not, and how many outcomes they are worth."""

    sample: Sample
    paid: Bools
    n_eff: float

    def share(self, places: Ints) -> float:
        """Outcomes that the rows at `places` are worth."""
        return self.n_eff * len(places) / len(self.sample)

    def base(self, places: Ints) -> float:
        """Weighted share that paid, with one outcome of each kind added (Laplace's rule of succession)."""
        weight, count = self.sample.weight[places], self.share(places)
        return (count * float(np.average(self.paid[places], weights=weight)) + 1.0) / (count + 2.0)


def fit_meta_label(sample: Sample, said: Said, n_eff: float, embargo_ns: int, settings: TrainingSettings, seed: int) -> FittedMetaLabel:
    """From what a stack said of its sample's rows out of fold; rows on which it proposed no side are not looked at.

    Logistic below `booster_from` outcomes, trees from there on. Where the stack's own AUC does not exceed chance there is nothing to tell apart, and
    every trade gets the base rate. Where the stack foresees sides and this model adds nothing to that, it has no say: like any second opinion, it
    may stop trades only while it shows skill (docs/decisions/0020).
    """
    taught = taught_by(sample, said, n_eff)
    if not len(taught.sample):
        return FittedMetaLabel(None, 0, 0.0, math.nan, UNKNOWN, UNKNOWN, "the stack proposes no side", 0.0)
    forced = _why_forced(sample, said, taught, settings)
    if not forced:
        try:
            return _learnt(taught, embargo_ns, settings, seed)
        except TrainingRefused as error:
            forced = str(error.what)
    return _forced(taught, forced)


def taught_by(sample: Sample, said: Said, n_eff: float) -> Taught:
    """The trades that a stack proposes for its sample's rows."""
    sides, features = said.sides(), even_features(sample.names)
    places = np.flatnonzero(sides)
    chosen = sample.taken(places)
    paid = np.where(sides[places] > 0, chosen.net_long, chosen.net_short) > 0.0
    rows = inputs_of(chosen.rows, sample.names, features, sides[places], said.taken(places))
    seen = structs.replace(chosen, rows=rows, side=np.where(paid, UP, DOWN).astype(np.int8), names=(*TRAITS, *features))
    return Taught(seen, paid, n_eff * len(places) / len(sample))


def _why_forced(sample: Sample, said: Said, taught: Taught, settings: TrainingSettings) -> str:
    """Why there is nothing to learn, "" where there may be."""
    auc = auc_up(said.p, sample.side, sample.weight, sample.start_ns, sample.end_ns)
    if not auc.low > _CHANCE:
        return f"the stack's AUC out of fold, {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}], does not exceed chance"
    if taught.n_eff < settings.worth.least:
        return f"{taught.n_eff:,.0f} independent proposed trades, {settings.worth.least:,.0f} needed"
    if taught.paid.all() or not taught.paid.any():
        return f"{'all' if taught.paid.any() else 'none'} of the proposed trades paid"
    return ""


def _learnt(taught: Taught, embargo_ns: int, settings: TrainingSettings, seed: int) -> FittedMetaLabel:
    """The model with its figures; none where it does not tell trades apart out of fold."""
    sample, everything = taught.sample, np.arange(len(taught.sample))
    folds = purged_folds(sample.start_ns, sample.end_ns, settings.folds, embargo_ns)
    raw = raw_out_of_fold(taught, folds, settings, seed)
    chance, base = np.empty(len(sample)), np.empty(len(sample))
    for fold in folds:
        share, line, outcomes = taught.base(fold.train), _line(taught, raw, fold.train, settings), taught.share(fold.train)
        base[fold.test], chance[fold.test] = share, finished(np.ones(len(fold.test), np.int64), raw[fold.test], line, share, outcomes)
    block = time_blocks(sample.start_ns, sample.end_ns)
    gain = mean_around(MNATS * (losses(base, taught.paid) - losses(chance, taught.paid)), sample.weight, block)
    auc = auc_of(chance, taught.paid, sample.weight, sample.start_ns, sample.end_ns)
    if not gain.low > 0.0:
        why = f"it does not tell trades apart out of fold: gain {gain.value:.1f} [{gain.low:.1f}, {gain.high:.1f}] mnats, so it has no say"
        return FittedMetaLabel(None, len(sample), taught.n_eff, taught.base(everything), gain, auc, why, 0.0)
    line = _line(taught, raw, everything, settings)
    whole = _fitted(taught, everything, settings, seed)
    facts = MetaLabelFacts(sample.names[len(TRAITS) :], whole.learner.family, taught.base(everything), taught.n_eff, line)
    return FittedMetaLabel(MetaLabelModel(facts, whole.learner), len(sample), taught.n_eff, facts.base, gain, auc, "", whole.parity)


def raw_out_of_fold(taught: Taught, folds: tuple[Fold, ...], settings: TrainingSettings, seed: int) -> Floats:
    """Uncalibrated chances (N,) of the proposed trades, each by a learner that never saw it nor what it overlaps."""
    raw = np.full(len(taught.sample), np.nan)
    for fold in folds:
        raw[fold.test] = chances_of(_fitted(taught, fold.train, settings, seed).learner, taught.sample.rows[fold.test])
    return raw


def _forced(taught: Taught, why: str) -> FittedMetaLabel:
    """Every proposed trade at the base rate."""
    base = taught.base(np.arange(len(taught.sample)))
    facts = MetaLabelFacts((), BASE_RATE, base, taught.n_eff)
    return FittedMetaLabel(MetaLabelModel(facts, None), len(taught.sample), taught.n_eff, base, UNKNOWN, UNKNOWN, why, 0.0)


def _fitted(taught: Taught, places: Ints, settings: TrainingSettings, seed: int) -> Fitted:
    """The learner that all the proposed trades pay for, fitted on those at `places`."""
    family = "logistic" if taught.n_eff < settings.worth.booster_from else "lightgbm"
    own = structs.replace(settings.fitting, lightgbm=settings.worth.lightgbm)
    return fitted_family(family, taught.sample.taken(places), own, taught.share(places), seed_of(seed, "worth", family))


def _line(taught: Taught, raw: Floats, places: Ints, settings: TrainingSettings) -> Line:
    pull = settings.calibration.temperature_weight
    return fit_line(raw[places], taught.paid[places], taught.sample.weight[places], taught.share(places), pull=pull)


def losses(chance: Floats, paid: Bools) -> Floats:
    """-ln of the chance of what happened (N,)."""
    return -np.log(np.where(paid, chance, 1.0 - chance))


def auc_of(chance: Floats, paid: Bools, weight: Floats, start_ns: Ints, end_ns: Ints) -> Interval:
    """How often a trade that paid had the higher chance."""
    two = np.column_stack((1.0 - chance, np.zeros(len(chance)), chance))
    return auc_up(two, np.where(paid, UP, DOWN).astype(np.int8), weight, start_ns, end_ns)
