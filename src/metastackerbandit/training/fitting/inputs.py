"""A sample made ready for fitting: checked, scaled by its own medians and spreads, weighed in independent outcomes."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.label import CLASSES
from metastackerbandit.models.scaling import Scaler
from metastackerbandit.training.fitting.settings import FittingSettings
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_NORMAL_RANGE = 1.3489795003921634  # interquartile range of a standard normal: spreads are in its deviations
_SMALLEST_SPREAD = 1e-150  # below it 1 / spread and squares of it leave the range of a float


class Inputs(Struct, frozen=True, eq=False):
    """The sample's rows with a weight; the same (N, F) scaled and without NaN; classes (N,); weights (N,) that sum to n_eff, so that a penalty
    counts independent outcomes.

    `kept` (F,) are the columns that change; `seen` the classes that occur; `unseen` (3,) the share of each class that does not: one of
    n_eff + 3 outcomes, by the rule of succession.
    """

    sample: Sample
    scaler: Scaler
    rows: Floats
    side: NDArray[np.int64]
    weight: Floats
    kept: Bools
    dropped: tuple[str, ...]
    seen: tuple[int, ...]
    unseen: Floats
    n_eff: float

    @property
    def rows_an_outcome(self) -> float:
        """Rows that one independent outcome takes, at least 1: tree libraries count rows."""
        return max(1.0, len(self.rows) / self.n_eff)

    def notes(self) -> tuple[str, ...]:
        """Sentences about columns and classes that the sample could not teach."""
        said = []
        if self.dropped:
            names = ", ".join(self.dropped)
            said.append(f"{len(self.dropped)} of {len(self.kept)} columns never changed or were never known, and are not used: {names}")
        if len(self.seen) < len(CLASSES):
            absent = ", ".join(name for k, name in enumerate(CLASSES) if k not in self.seen)
            said.append(f"no outcome of the sample was {absent}; each such class gets one part in {self.n_eff + len(CLASSES):,.0f}")
        return tuple(said)


def inputs_of(sample: Sample, settings: FittingSettings, n_eff: float, family: str) -> Inputs:
    """Inputs from a sample; TrainingRefused for what nothing can be learnt from."""
    sample = counted(sample, settings, n_eff, family)
    scaler, kept = scaler_from(sample, settings.most_scaled, family)
    seen = np.isin(range(len(CLASSES)), sample.side)
    return Inputs(
        sample=sample,
        scaler=scaler,
        rows=scaler.applied(np.require(sample.rows, np.float64, ("C", "W"))),
        side=sample.side.astype(np.int64),
        weight=outcomes_of(sample, n_eff),
        kept=kept,
        dropped=tuple(name for name, is_kept in zip(sample.names, kept, strict=True) if not is_kept),
        seen=tuple(int(k) for k in np.flatnonzero(seen)),
        unseen=np.where(seen, 0.0, 1.0 / (n_eff + len(CLASSES))),
        n_eff=n_eff,
    )


def counted(sample: Sample, settings: FittingSettings, n_eff: float, family: str) -> Sample:
    """The rows that have a weight; a sample that is too small, torn, of one class, or holds numbers that mean nothing is refused."""
    count = len(sample.side)
    shapes = (sample.rows.shape, sample.weight.shape, (len(sample.names),))
    if shapes != ((count, len(sample.names)), (count,), (sample.rows.shape[-1],)):
        what = f"{count} classes, rows of shape {sample.rows.shape} and weights of {sample.weight.shape} do not go together"
        raise _refused(family, what, "give every row a class and a weight")
    if not (np.isfinite(n_eff) and n_eff > 0.0):
        raise _refused(family, f"{n_eff} independent outcomes", "give the effective count of the sample's labels")
    if not np.isfinite(sample.weight).all() or (sample.weight < 0.0).any() or not sample.weight.sum() > 0.0:
        raise _refused(family, "weights must be finite, not negative, and not all zero", "weigh the labels by their uniqueness")
    if not np.isin(sample.side, range(len(CLASSES))).all():
        raise _refused(family, f"a class is none of {', '.join(CLASSES)}", "label the rows again")
    if (sample.weight == 0.0).any():
        sample = sample.taken(np.flatnonzero(sample.weight))
    count = len(sample)
    if count < settings.least_rows:
        raise _refused(family, f"{count} rows, fewer than {settings.least_rows}", "give a longer span, or pool symbols")
    found = np.unique(sample.side)
    if len(found) < 2:
        raise _refused(family, f"all {count} rows are {CLASSES[int(found[0])]}", "give a longer span, or another barrier width")
    infinite = np.flatnonzero(np.isinf(sample.rows).any(axis=0))
    if len(infinite):
        names = ", ".join(sample.names[j] for j in infinite)
        raise _refused(family, f"infinite values in {names}", "a feature that cannot be computed is NaN")
    return sample


def outcomes_of(sample: Sample, n_eff: float) -> Floats:
    """What each row is worth in independent outcomes (N,): its share of the weights, of n_eff in all."""
    return sample.weight * (n_eff / float(sample.weight.sum()))


def scaler_from(sample: Sample, most: float, family: str) -> tuple[Scaler, Bools]:
    """Medians and spreads of the sample's columns, and which columns (F,) change; a sample whose columns never change is refused.

    The spread is the interquartile range in deviations of a normal; for a column whose middle half is one value, its standard deviation.
    """
    width = sample.rows.shape[1]
    centre, per_unit = np.zeros(width), np.zeros(width)
    for j in range(width):
        known = sample.rows[~np.isnan(sample.rows[:, j]), j]
        if not len(known) or known.min() == known.max():
            continue
        low, centre[j], high = np.quantile(known, (0.25, 0.5, 0.75))
        spread = (high - low) / _NORMAL_RANGE if high > low else float(known.std())
        if _SMALLEST_SPREAD < spread < 1.0 / _SMALLEST_SPREAD:
            per_unit[j] = 1.0 / spread
    kept = per_unit > 0.0
    if not kept.any():
        raise _refused(family, f"none of {width} columns ever changes", "look at what the features are computed from")
    return Scaler(centre, per_unit, most), kept


def spectrum(rows: Floats, weight: Floats) -> Floats:
    """Eigenvalues (F,) of the weighted scatter of scaled rows (N, F) about their weighted mean: outcomes that speak about each direction."""
    mean = weight @ rows / weight.sum()
    centred = (rows - mean) * np.sqrt(weight)[:, None]
    return np.maximum(np.linalg.eigvalsh(centred.T @ centred), 0.0)


def _refused(family: str, what: str, mend: str) -> TrainingRefused:
    return TrainingRefused(what, where=family, mend=mend)
