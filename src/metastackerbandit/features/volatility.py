"""How much the price moves: levels of volatility, and fast against slow."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.range_variance import garman_klass, parkinson, rogers_satchell
from metastackerbandit.features.averages import gain, share_of
from metastackerbandit.features.seen import close_before
from metastackerbandit.features.spans import FAST, SLOW, USUAL, WILDER
from metastackerbandit.features.spec import Family, FeatureSpec

_FAST_SHARE = share_of(FAST)
_WILDER_SHARE = 1.0 / WILDER
HIGH_VOLATILITY = 1.5  # times the slow one: about 3 standard errors of a 12-bar estimate, 1 + 3 / sqrt(2 * 12) = 1.6


class Memory(Struct, frozen=True):
    """Averages of each estimator's variance of one bar, and of the true range."""

    parkinson: float
    garman_klass: float
    rogers_satchell: float
    true_range: float


@kernel
def _realised(seen: Any, past: Any) -> float:
    """Root of the sum of the last FAST squared returns, added oldest first."""
    total = 0.0
    before = close_before(past, seen, FAST)
    for bars in range(FAST - 1, -1, -1):
        close = close_before(past, seen, bars)
        total += (close - before) * (close - before)
        before = close
    return math.sqrt(total)


@kernel
def step(bar: Any, seen: Any, past: Any, mine: Any, out: Any) -> None:
    """Advance the averages; a range estimator of a bar needs only that bar, so those start with the first."""
    share = gain(_FAST_SHARE, seen.young)
    mine.parkinson += share * (parkinson(bar.high, bar.low) - mine.parkinson)
    mine.garman_klass += share * (garman_klass(bar.open, bar.high, bar.low, bar.close) - mine.garman_klass)
    mine.rogers_satchell += share * (rogers_satchell(bar.open, bar.high, bar.low, bar.close) - mine.rogers_satchell)
    if seen.bars > 1:
        mine.true_range += gain(_WILDER_SHARE, seen.young_return) * (seen.true_range - mine.true_range)
    out[0] = seen.sigma
    if seen.bars > FAST:
        out[1] = _realised(seen, past)
    if seen.bars >= FAST:
        out[2] = math.sqrt(max(mine.garman_klass, 0.0))
    if seen.sigma > 0.0:
        out[3] = math.sqrt(mine.parkinson) / seen.sigma
        out[4] = math.sqrt(max(mine.rogers_satchell, 0.0)) / seen.sigma
        out[5] = mine.true_range / seen.sigma
    if seen.sigma_slow > 0.0 and seen.sigma_fast > 0.0:
        ratio = seen.sigma_fast / seen.sigma_slow
        out[6] = math.log(ratio)
        out[7] = 1.0 if ratio > HIGH_VOLATILITY else 0.0


_HORIZONS = "Corsi 2009 (several horizons)"
FAMILY = Family(
    "volatility",
    1,
    (
        FeatureSpec(
            "ewma_volatility",
            "log a bar",
            "even",
            USUAL + 1,
            "RiskMetrics 1996",
            "sigma: root of the average squared return, span 48; what other columns are scaled by",
        ),
        FeatureSpec("rv_12", "log", "even", FAST + 1, "Andersen et al. 2003", "realised volatility: root of 12 squared returns", formerly="rv_1h"),
        FeatureSpec("gk_volatility", "log a bar", "even", FAST, "Garman and Klass 1980", "root of the average Garman-Klass variance, span 12"),
        FeatureSpec(
            "parkinson_ratio", "ratio", "even", USUAL + 1, "Parkinson 1980, eq. 4", "root of the average Parkinson variance, span 12, over sigma"
        ),
        FeatureSpec(
            "rogers_satchell_ratio",
            "ratio",
            "even",
            USUAL + 1,
            "Rogers and Satchell 1991",
            "root of the average Rogers-Satchell variance, span 12, over sigma",
        ),
        FeatureSpec("atr_14", "sigma", "even", USUAL + 1, "Wilder 1978", "average true log range over 14 bars in sigmas"),
        FeatureSpec("volatility_ratio", "log", "even", SLOW + 1, _HORIZONS, "log of the volatility of span 12 over that of span 96"),
        FeatureSpec("regime_high_vol", "flag", "even", SLOW + 1, _HORIZONS, "1 while the fast volatility is above 1.5 times the slow one"),
    ),
    step,
    Memory,
)
