"""The class prior: the base rate of the sample for every row. Whoever does not beat it has learnt nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.models.learner import checked
from metastackerbandit.models.packing import FACTS, as_bytes, as_floats, sealed, unsealed

Floats = NDArray[np.float64]

FAMILY = "prior"


class PriorFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of down, flat and up (3,) as float64 bytes."""

    n_features: int
    shares: bytes
    note: str


class Prior(Struct, frozen=True, eq=False):
    """The same shares (3,) of down, flat and up for every row."""

    n_features: int
    shares: Floats
    note: str
    family: str = FAMILY
    effective_dof: float = 0.0  # it is the base rate

    def predict(self, rows: Floats) -> Floats:
        """The shares, once a row: (N, F) -> (N, 3)."""
        return np.tile(self.shares, (len(checked(rows, self.n_features, FAMILY)), 1))

    def pack(self) -> dict[str, bytes]:
        """Its one file."""
        return {FACTS: sealed(PriorFacts(self.n_features, as_bytes(self.shares), self.note))}


def unpack(files: Mapping[str, bytes]) -> Prior:
    """A prior from its file; ModelRefused where it is damaged."""
    facts = unsealed(files, PriorFacts, FAMILY)
    return Prior(facts.n_features, as_floats(facts.shares, (3,), FAMILY), facts.note)
