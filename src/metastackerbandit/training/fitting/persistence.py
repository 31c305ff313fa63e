"""Fit persistence: count what followed rises and falls of one past return."""

from __future__ import annotations

import numpy as np

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.models.persistence import AFTER_FALL, AFTER_RISE, FAMILY, Persistence, turns, unpack
from metastackerbandit.training.fitting.fitted import Fitted, parity_of
from metastackerbandit.training.fitting.inputs import counted, outcomes_of
from metastackerbandit.training.fitting.prior import shares_of
from metastackerbandit.training.fitting.settings import FittingSettings
from metastackerbandit.training.sample import Sample

_DOF = 2.0  # two tables of two free shares, where the base rate is one


def fit(sample: Sample, settings: FittingSettings, n_eff: float, seed: int) -> Fitted:
    """Class shares after each sign of the past return, the prior elsewhere; there is no chance in it, so the seed changes nothing."""
    sample = counted(sample, settings, n_eff, FAMILY)
    feature = settings.persistence_feature
    if feature not in sample.names:
        raise TrainingRefused(f"there is no feature {feature!r}", where=FAMILY, mend="name a past return in persistence_feature")
    place = sample.names.index(feature)
    turn = turns(sample.rows[:, place])
    outcomes = outcomes_of(sample, n_eff)
    prior = shares_of(sample.side, outcomes)
    table = np.stack([prior, prior, prior])
    for said in (AFTER_FALL, AFTER_RISE):
        table[said] = shares_of(sample.side[turn == said], outcomes[turn == said])
    note = f"Weighted shares of the classes by the sign of {feature}, with one outcome of each added; the base rate where it is zero or not known."
    learner = unpack(Persistence(sample.rows.shape[1], place, feature, table, _DOF, note).pack())
    parity = parity_of(lambda rows: table[turns(rows[:, place])], learner.predict, sample.rows)
    return Fitted(learner, parity, _DOF, (), (note,))
