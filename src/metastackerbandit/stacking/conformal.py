"""Which classes cannot be excluded, with a promised share of misses that is kept up under drift.

Split conformal prediction with the LAC score 1 - p(true class) (Sadinle, Lei and Wasserman 2019): a class is in the set while at least a
share alpha of the calibration rows fitted as badly. The promise is marginal, over all rows, not for each kind of row. Adaptive conformal
inference (Gibbs and Candes 2021) moves alpha after each matured label: alpha_{t+1} = alpha_t + gamma (alpha - missed).
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import ModelRefused, TrainingRefused
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.classes import Floats, as_sides, refuse_unfit
from metastackerbandit.stacking.packing import sealed, unsealed
from metastackerbandit.stacking.settings import ConformalSettings

Bits = NDArray[np.int64]

_DEFAULTS = ConformalSettings()


class _Packed(Struct, frozen=True, forbid_unknown_fields=True):
    """A Conformal as it is written: scores in time order."""

    scores: tuple[float, ...]
    alpha: float
    alpha_now: float
    gamma: float
    window: int


@kernel
def moved_level(level: float, target: float, gamma: float, missed: int) -> float:
    """alpha_{t+1} = alpha_t + gamma (alpha - missed): lower, so that sets grow, after a miss (1); higher after a hit (0)."""
    return level + gamma * (target - missed)


class Conformal(Struct, frozen=True, eq=False):
    """Scores (n,) of the calibration rows in time order, the promise, and alpha as corrected so far."""

    scores: Floats
    ranked: Floats
    alpha: float
    alpha_now: float
    gamma: float
    window: int

    def p_values(self, probabilities: Floats) -> Floats:
        """A p-value a class, (N, 3) -> (N, 3); NaN where a probability is NaN."""
        scores = 1.0 - np.asarray(probabilities, np.float64)
        worse = len(self.ranked) - np.searchsorted(self.ranked, scores, side="left")
        return np.where(np.isnan(scores), np.nan, (1.0 + worse) / (1.0 + len(self.ranked)))

    def sets(self, probabilities: Floats) -> Bits:
        """Bits (IN_DOWN, IN_FLAT, IN_UP) of the classes that cannot be excluded, (N, 3) -> (N,); a NaN excludes nothing."""
        return self.sets_of(self.p_values(probabilities))

    def sets_of(self, p_values: Floats) -> Bits:
        """The same from p-values (N, 3)."""
        return 7 - (p_values <= self.alpha_now).astype(np.int64) @ np.array([1, 2, 4], np.int64)

    def credibility(self, probabilities: Floats) -> Floats:
        """The largest p-value (N,), in (0, 1]."""
        return self.p_values(probabilities).max(axis=1)

    def confidence(self, probabilities: Floats) -> Floats:
        """1 - the second largest p-value (N,): how firmly the other classes are excluded."""
        return 1.0 - np.sort(self.p_values(probabilities), axis=1)[:, -2]

    def pack(self) -> bytes:
        """As bytes that know when they are damaged."""
        return sealed(_Packed(tuple(self.scores.tolist()), self.alpha, self.alpha_now, self.gamma, self.window))

    @staticmethod
    def unpack(data: bytes) -> Conformal:
        """From `pack`'s bytes; ModelRefused when they are damaged."""
        found = unsealed(data, _Packed)
        if not found.scores:
            raise ModelRefused("a conformal predictor without scores excludes nothing", mend="train again")
        return _made(np.array(found.scores), found.alpha, found.alpha_now, found.gamma, found.window)


def _made(scores: Floats, alpha: float, alpha_now: float, gamma: float, window: int) -> Conformal:
    kept = np.array(scores, np.float64)
    return Conformal(kept, np.sort(kept), alpha, alpha_now, gamma, window)


def fit_conformal(probabilities: Floats, side: NDArray[np.integer], *, settings: ConformalSettings = _DEFAULTS) -> Conformal:
    """From calibrated out-of-fold probabilities (N, 3) in time order, on rows that neither weights nor calibrator were fitted on."""
    refuse_unfit("conformal scores", probabilities, side, np.ones(len(side)))
    due = math.ceil(1.0 / settings.alpha)
    if len(side) < due:
        raise TrainingRefused(f"{len(side)} rows cannot promise {settings.alpha:.0%} misses", where="conformal", mend=f"give it at least {due}")
    scores = 1.0 - np.asarray(probabilities, np.float64)[np.arange(len(side)), as_sides(side)]
    return _made(scores, settings.alpha, settings.alpha, settings.gamma, settings.window)
