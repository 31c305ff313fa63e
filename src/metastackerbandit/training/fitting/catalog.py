"""How each family is fitted; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.models import exported
from metastackerbandit.models import lightgbm as served_lightgbm
from metastackerbandit.models import logistic as served_logistic
from metastackerbandit.models import persistence as served_persistence
from metastackerbandit.models import prior as served_prior
from metastackerbandit.training.fitting import extra_trees, lightgbm, logistic, mlp, persistence, prior
from metastackerbandit.training.fitting.fitted import Fitted
from metastackerbandit.training.fitting.settings import FittingSettings
from metastackerbandit.training.sample import Sample

FITTERS: Mapping[str, Callable[[Sample, FittingSettings, float, int], Fitted]] = {
    served_prior.FAMILY: prior.fit,
    served_persistence.FAMILY: persistence.fit,
    served_logistic.FAMILY: logistic.fit,
    served_lightgbm.FAMILY: lightgbm.fit,
    exported.EXTRA_TREES: extra_trees.fit,
    exported.MLP: mlp.fit,
}


def fitted(family: str, sample: Sample, settings: FittingSettings, n_eff: float, seed: int) -> Fitted:
    """Fit a family to a sample of n_eff independent outcomes; TrainingRefused where it cannot be."""
    if family not in FITTERS:
        raise TrainingRefused(f"unknown family {family!r}", where="fitting", mend=f"use one of {', '.join(FITTERS)}")
    return FITTERS[family](sample, settings, n_eff, seed)


def unavailable(family: str) -> str:
    """Why a family cannot be fitted in this installation; "" where it can."""
    return mlp.ABSENT if family == exported.MLP and not mlp.is_available() else ""
