"""What fitting gives: the learner as it serves, and what its card must state."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.models.learner import Learner

Floats = NDArray[np.float64]

_COMPARED = 512  # rows that parity is measured on, evenly through the sample


class Fitted(Struct, frozen=True, eq=False):
    """A learner unpacked from its own files.

    `parity` is the largest difference between the fitting library's answers and the learner's, in probability; `effective_dof` as the learner's;
    `dropped` names columns that never changed in the sample or were never known; `notes` are sentences for the card.
    """

    learner: Learner
    parity: float
    effective_dof: float
    dropped: tuple[str, ...]
    notes: tuple[str, ...]


def parity_of(trained: Callable[[Floats], Floats], served: Callable[[Floats], Floats], rows: Floats) -> float:
    """Largest difference between two ways to answer rows (N, F), over at most 512 rows spread evenly."""
    places = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _COMPARED)).astype(np.int64))
    asked = rows[places]
    return float(np.abs(trained(asked) - served(asked)).max())


def refuse_unequal(parity: float, most: float, family: str) -> None:
    """Refuse a learner that does not serve what was fitted; NaN is refused too."""
    if not parity <= most:
        what = f"serving differs from training by {parity:.2g}, more than {most:.2g}"
        raise TrainingRefused(what, where=family, mend="report it: the exported model is not the one that was fitted")
