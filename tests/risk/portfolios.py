"""Made markets for the tail's tests: joint returns with a given law, and the past that they are to a portfolio."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.risk.joint_returns import JointReturns
from metastackerbandit.risk.past import Past, Terms, correlations_before, past_at, seen_of, terms_of
from metastackerbandit.risk.settings import RiskSettings, TailSettings

SETTINGS = TailSettings()
QUICK = msgspec.structs.replace(SETTINGS, resamples=100)
STRESS = RiskSettings().correlation_stress
BEGIN_NS = 1_735_689_600 * 10**9  # 2025-01-01 00:00 UTC


def joint(returns: np.ndarray) -> JointReturns:
    """Returns (T, Y) as hours on the clock."""
    return JointReturns(BEGIN_NS + np.arange(1, len(returns) + 1, dtype=np.int64) * HOUR_NS, np.asarray(returns, np.float64), HOUR_NS)


def past_of(returns: np.ndarray, exposures: np.ndarray, settings: TailSettings = SETTINGS) -> tuple[Past, Terms]:
    """The past after all of the returns (T, Y)."""
    given = joint(returns)
    seen = seen_of(given, settings)
    matrix = correlations_before(given, RiskSettings(), np.array([len(returns)]))[0]
    return past_at(seen, np.asarray(exposures, np.float64), len(returns), matrix, STRESS), seen.terms


def terms() -> Terms:
    """Hours under the shipped settings."""
    return terms_of(SETTINGS, HOUR_NS)


def garch(seed: int, count: int, symbols: int = 1, tails: float = 5.0) -> np.ndarray:
    """Returns (T, Y) whose variance follows GARCH(1, 1) with Student surprises of unit variance, correlated by half."""
    rng = np.random.default_rng(seed)
    common, own = rng.standard_t(tails, (count, 1)), rng.standard_t(tails, (count, symbols))
    surprise = (math.sqrt(0.5) * common + math.sqrt(0.5) * own) / math.sqrt(tails / (tails - 2.0))
    out = np.empty((count, symbols))
    variance = np.full(symbols, 2.5e-5)
    for t in range(count):
        out[t] = np.sqrt(variance) * surprise[t]
        variance = 2.5e-7 + 0.05 * out[t] * out[t] + 0.94 * variance
    return out
