"""Gradient boosted trees: LightGBM's own text model, walked by a kernel (trees.py), so that serving does not load the library."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.models.learner import checked
from metastackerbandit.models.packing import FACTS, as_bytes, as_floats, damaged, digest, sealed, unsealed, whole
from metastackerbandit.models.scaling import Scaler, ScalerFacts, scaler_of
from metastackerbandit.models.settling import settled
from metastackerbandit.models.trees import Trees, read_trees

Floats = NDArray[np.float64]

FAMILY = "lightgbm"
TREES = "trees.txt"


class BoosterFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """Scaler, shares of classes never seen (3,) as float64 bytes, and the SHA-256 of the trees."""

    scaler: ScalerFacts
    unseen: bytes
    trees_sha256: str
    effective_dof: float
    note: str


class Booster:
    """A multi-class booster over scaled features; a missing value is the median, as in every family."""

    family = FAMILY

    def __init__(self, scaler: Scaler, unseen: Floats, trees: bytes, effective_dof: float, note: str) -> None:
        """Read the text model; what cannot be read, or is for another width or other classes, is refused."""
        self.scaler = scaler
        self.effective_dof = effective_dof
        self.note = note
        self._unseen = unseen
        self._trees = trees
        self._walked = _read(trees, len(scaler.centre))

    @property
    def n_features(self) -> int:
        """Columns that it reads."""
        return len(self.scaler.centre)

    def predict(self, rows: Floats) -> Floats:
        """Probabilities of down, flat and up: (N, F) -> (N, 3)."""
        rows = self.scaler.applied(checked(rows, self.n_features, FAMILY))
        return settled(self._walked.predict(rows), self._unseen)

    def pack(self) -> dict[str, bytes]:
        """Its facts and its trees."""
        facts = BoosterFacts(self.scaler.facts(), as_bytes(self._unseen), digest(self._trees), self.effective_dof, self.note)
        return {FACTS: sealed(facts), TREES: self._trees}


def unpack(files: Mapping[str, bytes]) -> Booster:
    """A learner from its files; ModelRefused where they are damaged."""
    facts = unsealed(files, BoosterFacts, FAMILY)
    trees = whole(files, TREES, facts.trees_sha256, FAMILY)
    return Booster(scaler_of(facts.scaler, FAMILY), as_floats(facts.unseen, (3,), FAMILY), trees, facts.effective_dof, facts.note)


def _read(text: bytes, n_features: int) -> Trees:
    trees = read_trees(text, FAMILY, TREES)
    if trees.n_features != n_features:
        raise damaged(TREES, FAMILY, f"it reads {trees.n_features} features, not {n_features}")
    return trees
