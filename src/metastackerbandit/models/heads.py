"""Value heads: ridge regressions on the gross returns of a long and of a short, in units of the horizon's volatility (method 1.3)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.models.learner import checked
from metastackerbandit.models.packing import FACTS, as_bytes, as_floats, sealed, unsealed
from metastackerbandit.models.scaling import Scaler, ScalerFacts, scaled, scaler_of

Floats = NDArray[np.float64]

_WHERE = "heads"


class HeadFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """Scaler, coefficients (2, F) and intercepts (2,), as float64 bytes."""

    scaler: ScalerFacts
    coefficients: bytes
    intercepts: bytes
    effective_dof: float
    note: str


class Heads(Struct, frozen=True, eq=False):
    """Expected returns that are linear in scaled features: row 0 of the coefficients is a long's, row 1 a short's."""

    scaler: Scaler
    coefficients: Floats
    intercepts: Floats
    effective_dof: float
    note: str

    @property
    def n_features(self) -> int:
        """Columns that they read."""
        return len(self.scaler.centre)

    def predict(self, rows: Floats) -> Floats:
        """Expected gross returns of a long and of a short in horizon volatilities: (N, F) -> (N, 2); no row's answer depends on another."""
        rows = checked(rows, self.n_features, _WHERE)
        out = np.empty((len(rows), 2))
        lines_over(rows, self.scaler.centre, self.scaler.per_unit, self.scaler.most, self.coefficients, self.intercepts, out)
        return out

    def pack(self) -> dict[str, bytes]:
        """Their one file."""
        numbers = (as_bytes(self.coefficients), as_bytes(self.intercepts))
        return {FACTS: sealed(HeadFacts(self.scaler.facts(), *numbers, self.effective_dof, self.note))}

    @classmethod
    def unpack(cls, files: Mapping[str, bytes]) -> Heads:
        """Heads from their file; ModelRefused where it is damaged."""
        facts = unsealed(files, HeadFacts, _WHERE)
        return cls(
            scaler=scaler_of(facts.scaler, _WHERE),
            coefficients=as_floats(facts.coefficients, (2, facts.scaler.n_features), _WHERE),
            intercepts=as_floats(facts.intercepts, (2,), _WHERE),
            effective_dof=facts.effective_dof,
            note=facts.note,
        )


@kernel
def lines_over(rows: Floats, centre: Floats, per_unit: Floats, most: float, coefficients: Floats, intercepts: Floats, out: Floats) -> None:
    """Two linear functions of rows (N, F) into out (N, 2), summed over the features in order."""
    for i in range(rows.shape[0]):
        long, short = intercepts[0], intercepts[1]
        for j in range(rows.shape[1]):
            x = scaled(rows[i, j], centre[j], per_unit[j], most)
            long += coefficients[0, j] * x
            short += coefficients[1, j] * x
        out[i, 0] = long
        out[i, 1] = short
