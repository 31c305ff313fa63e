"""The control of a series: the same pipeline on outcomes that were moved away from their bars must find nothing."""

from __future__ import annotations

import numpy as np
from msgspec import structs

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval
from metastackerbandit.training.dataset import DataSet, Market, sample_until
from metastackerbandit.training.fit import fit_stack
from metastackerbandit.training.record import answered
from metastackerbandit.training.scoring import gain_of
from metastackerbandit.training.seeds import seed_of
from metastackerbandit.training.settings import TrainingSettings

# What became of a bar; when, from which prices and how far the barriers were stays.
_OUTCOMES = ("exit", "side", "touched", "gross", "gross_short", "net_long", "net_short", "ambiguous")
_NEAREST, _FARTHEST = 0.2, 0.8  # of the rows, how far outcomes are moved: far beyond any overlap


def control_gain(
    data: DataSet, families: tuple[str, ...], until_ns: int, end_ns: int, embargo_ns: int, settings: TrainingSettings, grid_ns: int
) -> Interval:
    """Gain over the base rate, mnats, on moved outcomes, of a version trained until `until_ns` and judged until `end_ns`; unknown without one."""
    moved = structs.replace(data, markets=tuple(_moved(market, seed_of(settings.seed, "control")) for market in data.markets))
    sample, facts = sample_until(moved, until_ns, settings)
    try:
        fitted = fit_stack(sample, families, facts.n_eff, embargo_ns, settings, seed_of(settings.seed, "control fit"))
    except TrainingRefused:
        return UNKNOWN
    record = answered(moved, fitted.stack, 0, until_ns, end_ns, settings)
    if not len(record):
        return UNKNOWN
    return gain_of(record, record.p, record.weights(grid_ns)[0])


def _moved(market: Market, seed: int) -> Market:
    """The outcomes of the known labels, moved around a circle by a drawn share of it: their order among themselves stays."""
    labels = market.labels.copy()
    known = np.flatnonzero(labels["known"] == 1)
    if len(known):
        offset = int(np.random.default_rng(seed).uniform(_NEAREST, _FARTHEST) * len(known))
        for name in _OUTCOMES:
            labels[name][known] = np.roll(labels[name][known], offset)
    return structs.replace(market, labels=labels)
