"""Multinomial logistic regression on robustly scaled features: the baseline that every larger model must beat."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.models.learner import checked
from metastackerbandit.models.packing import FACTS, as_bytes, as_floats, sealed, unsealed
from metastackerbandit.models.scaling import Scaler, ScalerFacts, scaled, scaler_of
from metastackerbandit.models.settling import settled

Floats = NDArray[np.float64]

FAMILY = "logistic"


class LogisticFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """Scaler, coefficients (3, F), intercepts (3,) and shares of classes never seen (3,), as float64 bytes."""

    scaler: ScalerFacts
    coefficients: bytes
    intercepts: bytes
    unseen: bytes
    effective_dof: float
    note: str


class Logistic(Struct, frozen=True, eq=False):
    """Log-odds that are linear in scaled features, by the softmax."""

    scaler: Scaler
    coefficients: Floats
    intercepts: Floats
    unseen: Floats
    effective_dof: float
    note: str
    family: str = FAMILY

    @property
    def n_features(self) -> int:
        """Columns that it reads."""
        return len(self.scaler.centre)

    def predict(self, rows: Floats) -> Floats:
        """Probabilities of down, flat and up: (N, F) -> (N, 3)."""
        rows = checked(rows, self.n_features, FAMILY)
        raw = np.empty((len(rows), 3))
        softmax_over(rows, self.scaler.centre, self.scaler.per_unit, self.scaler.most, self.coefficients, self.intercepts, raw)
        return settled(raw, self.unseen)

    def pack(self) -> dict[str, bytes]:
        """Its one file."""
        numbers = (as_bytes(self.coefficients), as_bytes(self.intercepts), as_bytes(self.unseen))
        return {FACTS: sealed(LogisticFacts(self.scaler.facts(), *numbers, self.effective_dof, self.note))}


def unpack(files: Mapping[str, bytes]) -> Logistic:
    """A learner from its file; ModelRefused where it is damaged."""
    facts = unsealed(files, LogisticFacts, FAMILY)
    return Logistic(
        scaler=scaler_of(facts.scaler, FAMILY),
        coefficients=as_floats(facts.coefficients, (3, facts.scaler.n_features), FAMILY),
        intercepts=as_floats(facts.intercepts, (3,), FAMILY),
        unseen=as_floats(facts.unseen, (3,), FAMILY),
        effective_dof=facts.effective_dof,
        note=facts.note,
    )


@kernel
def softmax_over(rows: Floats, centre: Floats, per_unit: Floats, most: float, coefficients: Floats, intercepts: Floats, out: Floats) -> None:
    """Softmax scores of rows (N, F) into out (N, 3), the largest of a row 1; summed over the features in order, the same in any batch."""
    for i in range(rows.shape[0]):
        down, flat, up = intercepts[0], intercepts[1], intercepts[2]
        for j in range(rows.shape[1]):
            x = scaled(rows[i, j], centre[j], per_unit[j], most)
            down += coefficients[0, j] * x
            flat += coefficients[1, j] * x
            up += coefficients[2, j] * x
        top = max(down, flat, up)
        out[i, 0] = math.exp(down - top)
        out[i, 1] = math.exp(flat - top)
        out[i, 2] = math.exp(up - top)
