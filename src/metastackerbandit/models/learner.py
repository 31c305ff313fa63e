"""A base learner as it serves: feature rows in, class probabilities out, every row for itself."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.domain.kernel import kernel

Floats = NDArray[np.float64]


class Learner(Protocol):
    """One fitted member of a stack.

    `n_features` is F, the number of columns that it reads; `effective_dof` how many free coefficients it spent on its sample beyond the base rate
    (exact or a proxy: `note` says which, and whatever else its card must state).
    """

    @property
    def family(self) -> str:
        """Its name in models/catalog.py."""
        ...

    @property
    def n_features(self) -> int:
        """Columns that it reads."""
        ...

    @property
    def effective_dof(self) -> float:
        """Free coefficients spent."""
        ...

    @property
    def note(self) -> str:
        """What its card must state."""
        ...

    def predict(self, rows: Floats) -> Floats:
        """Probabilities (N, 3) of down, flat, up for rows (N, F), NaN where a feature is invalid.

        They sum to 1 and lie inside (0, 1). No row's answer depends on another, to the bit. Rows of another width and infinite features are
        refused.
        """
        ...

    def pack(self) -> dict[str, bytes]:
        """Its files, the same for the same learner."""
        ...


def checked(rows: Floats, n_features: int, where: str) -> Floats:
    """Rows (N, F) as contiguous, writable float64, which is what kernels are compiled for; another width or an infinite feature is refused."""
    if rows.ndim != 2 or rows.shape[1] != n_features:
        what = f"rows of shape {rows.shape} where (N, {n_features}) is expected"
        raise ModelRefused(what, where=where, mend="serve the features that its card names, one row a bar")
    plain = np.require(rows, np.float64, ("C", "W"))
    place = int(first_infinite(plain))
    if place >= 0:
        row, column = divmod(place, n_features)
        raise ModelRefused(f"feature {column} of row {row} is infinite", where=where, mend="a feature that cannot be computed is NaN")
    return plain


@kernel
def first_infinite(rows: Floats) -> int:
    """Place of the first infinite value of rows (N, F), counted row by row; -1 where there is none."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            if rows[i, j] == np.inf or rows[i, j] == -np.inf:
                return i * rows.shape[1] + j
    return -1
