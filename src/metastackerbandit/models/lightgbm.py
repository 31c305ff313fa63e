"""Gradient boosted trees: LightGBM's own text model, served one thread at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.models.learner import checked
from metastackerbandit.models.packing import FACTS, as_bytes, as_floats, damaged, digest, sealed, unsealed, whole
from metastackerbandit.models.scaling import Scaler, ScalerFacts, scaler_of
from metastackerbandit.models.settling import settled

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
        """Read the text model; what LightGBM cannot read, or is for another width or other classes, is refused."""
        self.scaler = scaler
        self.effective_dof = effective_dof
        self.note = note
        self._unseen = unseen
        self._trees = trees
        self._booster = _read(trees, len(scaler.centre))

    @property
    def n_features(self) -> int:
        """Columns that it reads."""
        return len(self.scaler.centre)

    def predict(self, rows: Floats) -> Floats:
        """Probabilities of down, flat and up: (N, F) -> (N, 3)."""
        rows = self.scaler.applied(checked(rows, self.n_features, FAMILY))
        if not len(rows):
            return np.empty((0, 3))
        return settled(np.ascontiguousarray(self._booster.predict(rows, num_threads=1), np.float64), self._unseen)

    def pack(self) -> dict[str, bytes]:
        """Its facts and its trees."""
        facts = BoosterFacts(self.scaler.facts(), as_bytes(self._unseen), digest(self._trees), self.effective_dof, self.note)
        return {FACTS: sealed(facts), TREES: self._trees}


def unpack(files: Mapping[str, bytes]) -> Booster:
    """A learner from its files; ModelRefused where they are damaged."""
    facts = unsealed(files, BoosterFacts, FAMILY)
    trees = whole(files, TREES, facts.trees_sha256, FAMILY)
    return Booster(scaler_of(facts.scaler, FAMILY), as_floats(facts.unseen, (3,), FAMILY), trees, facts.effective_dof, facts.note)


def _read(trees: bytes, n_features: int) -> Any:
    import lightgbm

    try:
        booster = lightgbm.Booster(model_str=trees.decode())
    except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
        raise damaged(TREES, FAMILY, str(error)) from error
    if (booster.num_feature(), booster.num_model_per_iteration()) != (n_features, 3):
        raise damaged(TREES, FAMILY, f"{booster.num_feature()} features and {booster.num_model_per_iteration()} classes, not {n_features} and 3")
    return booster
