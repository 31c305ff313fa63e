"""What stands behind a series' verdict, kept with the version: reliability, gain by version, what costs leave, and what each feature says alone.

All of it is of the walk-forward record: bars answered by versions that were trained before them, as far as it was known at the version's boundary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.domain.label import UP
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval
from metastackerbandit.evaluation.rank_skill import false_discovery_rates, rank_skill
from metastackerbandit.evaluation.reliability import reliability
from metastackerbandit.evaluation.time_blocks import mean_around, time_blocks
from metastackerbandit.features.catalog import FEATURES
from metastackerbandit.training.dataset import DataSet
from metastackerbandit.training.edge_rule import traded
from metastackerbandit.training.record import Record
from metastackerbandit.training.scoring import gain_of

Floats = NDArray[np.float64]

FILE = "evidence.json"
COST_MULTIPLES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)  # of the round trip that the labels were charged
_BPS = 1e4


class Figure(Struct, frozen=True, forbid_unknown_fields=True):
    """A number with its 95 % interval; null for what is not known."""

    value: float | None
    low: float | None
    high: float | None


class Bin(Struct, frozen=True, forbid_unknown_fields=True):
    """Bars of about the same p_up: its mean, the share that went UP, and how many."""

    predicted: float
    observed: float
    rows: int


class VersionGain(Struct, frozen=True, forbid_unknown_fields=True):
    """What one version gained over the class shares it knew, mnats, on the bars after it."""

    version: int
    from_ns: int
    until_ns: int
    rows: int
    gain: Figure


class CostPoint(Struct, frozen=True, forbid_unknown_fields=True):
    """The simplest rule at a multiple of the round trip: it asks for that cost and pays it."""

    multiple: float
    cost_bps: float
    trades: int
    mean_bps: Figure
    total: float


class FeatureSkill(Struct, frozen=True, forbid_unknown_fields=True):
    """A feature's rank correlation with the label's gross return of a long; p two-sided, q after Benjamini and Hochberg over all features."""

    name: str
    parity: str
    rows: int
    ic: Figure
    p: float | None
    q: float | None


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """What a version's record shows; `calibration_error` is of p_up, null where it is not known."""

    rows: int
    bins: tuple[Bin, ...]
    calibration_error: float | None
    slope: Figure
    versions: tuple[VersionGain, ...]
    costs: tuple[CostPoint, ...]
    features: tuple[FeatureSkill, ...]


def evidence_of(data: DataSet, record: Record, grid_ns: int, seed: int) -> Evidence:
    """From a record that is not empty, and the features of the bars in it."""
    weight, _ = record.weights(grid_ns)
    fit = reliability(record.p[:, UP], record.side == UP, weight, record.start_ns, record.end_ns)
    bins = zip(fit.predicted, fit.observed, fit.rows, strict=True)
    return Evidence(
        rows=len(record),
        bins=tuple(Bin(*one) for one in bins),
        calibration_error=known(fit.error),
        slope=figure(fit.slope),
        versions=tuple(_by_version(record, weight)),
        costs=tuple(_at_cost(record, data.cost_bps, multiple) for multiple in COST_MULTIPLES),
        features=_features(data, record, weight, seed),
    )


def packed(evidence: Evidence) -> bytes:
    """As it lies in a version's folder."""
    return msgspec.json.format(msgspec.json.encode(evidence), indent=1)


def evidence_in(files: Mapping[str, bytes], where: str) -> Evidence | None:
    """What is among a version's files; None for versions that had no record, or are from before it was kept."""
    if FILE not in files:
        return None
    try:
        return msgspec.json.decode(files[FILE], type=Evidence)
    except msgspec.DecodeError as error:
        raise ModelRefused(f"{FILE} cannot be read: {error}", where=where, mend="use the version of the program that wrote it") from error


def figure(found: Interval) -> Figure:
    """An interval as it is kept."""
    return Figure(known(found.value), known(found.low), known(found.high))


def known(value: float) -> float | None:
    """A number, or None for one that is not known."""
    return value if math.isfinite(value) else None


def _by_version(record: Record, weight: Floats) -> list[VersionGain]:
    found = []
    for version in np.unique(record.version).tolist():
        places = np.flatnonzero(record.version == version)
        own = record.taken(places)
        span = int(own.closed_ns.min()), int(own.closed_ns.max())
        found.append(VersionGain(version, *span, len(own), figure(gain_of(own, own.p, weight[places]))))
    return found


def _at_cost(record: Record, cost_bps: float, multiple: float) -> CostPoint:
    charged = cost_bps * multiple
    places, returns, _ = traded(record, charged)
    returns = returns - (charged - cost_bps) / _BPS
    chosen = record.taken(places)
    mean = mean_around(returns * _BPS, np.ones(len(returns)), time_blocks(chosen.start_ns, chosen.end_ns)) if len(returns) else UNKNOWN
    return CostPoint(multiple, charged, len(returns), figure(mean), float(returns.sum()))


def _features(data: DataSet, record: Record, weight: Floats, seed: int) -> tuple[FeatureSkill, ...]:
    rows = np.empty((len(record), len(FEATURES)))
    for place, market in enumerate(data.markets):
        own = np.flatnonzero(record.symbol == place)
        at = np.searchsorted(market.closed_ns, record.closed_ns[own])
        rows[own] = np.where(market.table.valid[at], market.table.values[at], np.nan)
    found = [rank_skill(rows[:, j], record.gross, weight, record.start_ns, record.end_ns, seed=seed) for j in range(len(FEATURES))]
    rates = false_discovery_rates(np.array([one.p for one in found]))
    return tuple(
        FeatureSkill(spec.name, spec.parity, one.rows, figure(one.ic), known(one.p), known(rate))
        for spec, one, rate in zip(FEATURES, found, rates.tolist(), strict=True)
    )
