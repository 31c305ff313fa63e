"""Persistence: class frequencies after a rise and after a fall of one past return. The cheapest forecast that looks at the market at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.models.learner import checked
from metastackerbandit.models.packing import FACTS, as_bytes, as_floats, damaged, sealed, unsealed

Floats = NDArray[np.float64]

FAMILY = "persistence"
AFTER_FALL, OTHERWISE, AFTER_RISE = 0, 1, 2  # rows of the table


class PersistenceFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """The column that is looked at, by place and name, and the table (3, 3) as float64 bytes."""

    n_features: int
    place: int
    feature: str
    table: bytes
    effective_dof: float
    note: str


class Persistence(Struct, frozen=True, eq=False):
    """Shares of down, flat and up (3, 3): after a fall, where the return is zero or not known (the prior), and after a rise."""

    n_features: int
    place: int
    feature: str
    table: Floats
    effective_dof: float
    note: str
    family: str = FAMILY

    def predict(self, rows: Floats) -> Floats:
        """The shares that follow the sign of the past return: (N, F) -> (N, 3)."""
        return self.table[turns(checked(rows, self.n_features, FAMILY)[:, self.place])]

    def pack(self) -> dict[str, bytes]:
        """Its one file."""
        table = as_bytes(self.table)
        return {FACTS: sealed(PersistenceFacts(self.n_features, self.place, self.feature, table, self.effective_dof, self.note))}


def turns(past: Floats) -> NDArray[np.int64]:
    """Rows of the table (N,) for past returns (N,); NaN and zero are neither a rise nor a fall."""
    return OTHERWISE + (past > 0.0).astype(np.int64) - (past < 0.0)


def unpack(files: Mapping[str, bytes]) -> Persistence:
    """A learner from its file; ModelRefused where it is damaged."""
    facts = unsealed(files, PersistenceFacts, FAMILY)
    if not 0 <= facts.place < facts.n_features:
        raise damaged(FACTS, FAMILY, f"column {facts.place} of {facts.n_features}")
    table = as_floats(facts.table, (3, 3), FAMILY)
    return Persistence(facts.n_features, facts.place, facts.feature, table, facts.effective_dof, facts.note)
