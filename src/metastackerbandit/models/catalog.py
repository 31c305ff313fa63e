"""Every family of base learners that can serve; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.models import exported, lightgbm, logistic, persistence, prior
from metastackerbandit.models.learner import Learner


class FamilySpec(Struct, frozen=True):
    """A family: its name, how its files become a learner, and what it is."""

    name: str
    unpack: Callable[[Mapping[str, bytes]], Learner]
    meaning: str


FAMILIES: tuple[FamilySpec, ...] = (
    FamilySpec(prior.FAMILY, prior.unpack, "the base rate of the classes"),
    FamilySpec(persistence.FAMILY, persistence.unpack, "class frequencies after a rise and after a fall"),
    FamilySpec(logistic.FAMILY, logistic.unpack, "ridge-penalised multinomial logistic regression on robustly scaled features"),
    FamilySpec(lightgbm.FAMILY, lightgbm.unpack, "gradient boosted trees"),
    FamilySpec(exported.EXTRA_TREES, exported.unpack_forest, "a forest of extremely random trees"),
    FamilySpec(exported.MLP, exported.unpack_network, "a small network, several seeds averaged"),
)


def unpack(family: str, files: Mapping[str, bytes]) -> Learner:
    """A learner of a family from its files; an unknown family and damaged files are refused."""
    for spec in FAMILIES:
        if spec.name == family:
            return spec.unpack(files)
    known = ", ".join(spec.name for spec in FAMILIES)
    raise ModelRefused(f"unknown family {family!r}", where="models", mend=f"use one of {known}, or a version of the program that knows it")
