"""Features in comparable units: distance from the sample's median, over its interquartile range, bounded; a missing value is the median."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.models.packing import as_bytes, as_floats

Floats = NDArray[np.float64]


class ScalerFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """A scaler as it is stored: float64 bytes."""

    n_features: int
    centre: bytes
    per_unit: bytes
    most: float


class Scaler(Struct, frozen=True, eq=False):
    """What was seen of each column in the sample: `centre` (F,) and `per_unit` (F,), 1 over its spread, 0 for a column that is not used.

    No scaled value is further from 0 than `most`: one wild feature (a division by almost nothing) cannot decide alone.
    """

    centre: Floats
    per_unit: Floats
    most: float

    def applied(self, rows: Floats) -> Floats:
        """Scaled rows (N, F), without NaN: missing values and unused columns are 0."""
        out = np.empty_like(rows)
        scale_over(rows, self.centre, self.per_unit, self.most, out)
        return out

    def facts(self) -> ScalerFacts:
        """Its stored form."""
        return ScalerFacts(len(self.centre), as_bytes(self.centre), as_bytes(self.per_unit), self.most)


def scaler_of(facts: ScalerFacts, where: str) -> Scaler:
    """A scaler from its stored form."""
    shape = (facts.n_features,)
    return Scaler(as_floats(facts.centre, shape, where), as_floats(facts.per_unit, shape, where), facts.most)


@inlined
def scaled(value: float, centre: float, per_unit: float, most: float) -> float:
    """One value in units of its column's spread, within +-most; 0 for NaN (the median) and for a column that is not used."""
    if math.isnan(value) or per_unit == 0.0:
        return 0.0
    return max(-most, min(most, (value - centre) * per_unit))


@kernel
def scale_over(rows: Floats, centre: Floats, per_unit: Floats, most: float, out: Floats) -> None:
    """Repeat `scaled` over rows (N, F) into out (N, F)."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            out[i, j] = scaled(rows[i, j], centre[j], per_unit[j], most)
