"""What every piece of stacking mathematics needs of three-class probabilities: checks, mirrors, and a softmax that mirrors exactly."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.kernel import inlined
from metastackerbandit.domain.label import CLASSES, DOWN, FLAT, UP

Floats = NDArray[np.float64]
Sides = NDArray[np.int64]


@inlined
def softmax_into(out: Floats, row: int, down: float, flat: float, up: float) -> None:
    """Probabilities of logits into out[row] (N, 3); down and up are added first, so that a mirrored row gives the mirrored answer to the bit."""
    top = max(max(down, up), flat)
    one, two, three = math.exp(down - top), math.exp(flat - top), math.exp(up - top)
    total = (one + three) + two
    out[row, 0] = one / total
    out[row, 1] = two / total
    out[row, 2] = three / total


def turned(probabilities: Floats) -> Floats:
    """Down and up exchanged, (..., 3) -> (..., 3)."""
    return np.ascontiguousarray(probabilities[..., ::-1])


def as_sides(side: NDArray[np.integer]) -> Sides:
    """Classes as contiguous int64 (N,)."""
    return np.ascontiguousarray(side, np.int64)


def refuse_unfit(what: str, probabilities: Floats, side: NDArray[np.integer], weight: Floats) -> None:
    """Refuse rows (..., N, 3), classes (N,) and weights (N,) that cannot be fitted on."""
    count = probabilities.shape[-2]
    if probabilities.shape[-1] != len(CLASSES) or side.shape != (count,) or weight.shape != (count,):
        raise TrainingRefused(f"{what}: probabilities {probabilities.shape}, classes {side.shape}, weights {weight.shape} do not go together")
    if count == 0:
        raise TrainingRefused(f"{what}: there are no out-of-fold rows", mend="give it a longer span or fewer folds")
    if not np.isfinite(probabilities).all() or (probabilities < 0.0).any():
        raise TrainingRefused(f"{what}: probabilities must be finite and not negative", mend="leave out rows on which a learner is silent")
    if not np.isfinite(weight).all() or (weight < 0.0).any() or not weight.sum() > 0.0:
        raise TrainingRefused(f"{what}: weights must be finite, not negative, and not all zero")
    if not np.isin(side, (DOWN, FLAT, UP)).all():
        raise TrainingRefused(f"{what}: a class is none of {', '.join(CLASSES)}")
