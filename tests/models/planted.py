"""Worlds with known truth, and one learner of each family fitted on one."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from msgspec.structs import replace
from scipy.stats import norm

from metastackerbandit.training.fitting.catalog import fitted, unavailable
from metastackerbandit.training.fitting.fitted import Fitted
from metastackerbandit.training.fitting.settings import FittingSettings, ForestSettings, NetworkSettings
from metastackerbandit.training.sample import Sample

PAST = "log_return_12"
BAR_NS = 10
SMALL = FittingSettings(extra_trees=ForestSettings(trees=40, leaf=60.0), mlp=NetworkSettings(seeds=2, passes=4))  # for samples of a test's size
SEED = 7


def sample_of(rows: np.ndarray, side: np.ndarray, gross: np.ndarray | None = None, names: tuple[str, ...] = ()) -> Sample:
    """A sample of independent rows (N, F); the last feature is the past return that persistence follows."""
    count, width = rows.shape
    gross = 1.2 * (side - 1.0) if gross is None else gross
    start_ns = np.arange(count, dtype=np.int64) * BAR_NS
    return Sample(
        rows=rows,
        side=side.astype(np.int8),
        weight=np.ones(count),
        long=gross,
        short=-gross,
        net_long=gross,
        net_short=-gross,
        volatility=np.full(count, 0.01),
        start_ns=start_ns,
        end_ns=start_ns + BAR_NS,
        symbol=np.zeros(count, np.int64),
        names=names or (*(f"f{j}" for j in range(width - 1)), PAST),
    )


def planted(count: int, width: int = 20, ic: float = 0.2, flat: float = 0.25, seed: int = 0) -> tuple[Sample, np.ndarray]:
    """A sample whose sides follow a linear signal with the information coefficient ic, and the true probabilities (N, 3)."""
    rng = np.random.default_rng(seed)
    direction = np.random.default_rng(99).normal(size=width)
    rows = rng.normal(size=(count, width))
    signal = rows @ (direction / np.linalg.norm(direction))
    up = norm.cdf(ic * signal / math.sqrt(1.0 - ic * ic))
    truth = np.column_stack(((1.0 - flat) * (1.0 - up), np.full(count, flat), (1.0 - flat) * up))
    side = (rng.random(count)[:, None] > np.cumsum(truth, axis=1)[:, :2]).sum(axis=1)
    return sample_of(rows, side), truth


def expected_gain(p: np.ndarray, truth: np.ndarray) -> float:
    """Expected log-loss gain over the true base rate, in mnats: what scoring on endless outcomes would give."""
    base = np.broadcast_to(truth.mean(axis=0), p.shape)
    gains = np.where(truth > 0.0, np.log(np.where(truth > 0.0, p / np.where(base > 0.0, base, 1.0), 1.0)), 0.0)
    return 1e3 * float((truth * gains).sum(axis=1).mean())


def gappy(count: int = 1_200, seed: int = 5) -> Sample:
    """A planted sample with every kind of column: gaps, a huge scale, mostly one value, one that never changes, one never known."""
    sample, _ = planted(count, width=8, seed=seed)
    rng = np.random.default_rng(seed + 1)
    rows = sample.rows.copy()
    rows[rng.random(rows.shape) < 0.05] = np.nan
    rows[:, 1] = 1e6 + 1e5 * rows[:, 1]
    rows[:, 2] = np.where(rng.random(count) < 0.9, 0.0, rows[:, 2])
    rows[:, 3] = 4.2
    rows[:, 4] = np.nan
    return replace(sample, rows=rows, weight=rng.uniform(0.2, 1.8, count))


@cache
def one_of(family: str) -> Fitted:
    """The family fitted on `gappy()`; skips where it cannot be fitted here."""
    reason = unavailable(family)
    if reason:
        pytest.skip(f"{family}: {reason}")
    return fitted(family, gappy(), SMALL, 1_000.0, SEED)
