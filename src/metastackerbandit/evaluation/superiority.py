"""The test of superior predictive ability: whether the best candidate beats a benchmark by more than the luck of the best of so many.

Hansen 2005, as the `arch` library computes it, with the consistent p-value over the stationary bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.evaluation.blocks import block_bars

Floats = NDArray[np.float64]

RESAMPLES = 1_000
_LEAST_BARS = 30  # fewer have no blocks to draw


def superiority_p(benchmark: Floats, candidates: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> float:
    """p of "no candidate has a higher mean return than the benchmark", for returns (T,) and (T, M) of the same bars.

    1 where no candidate's mean is above the benchmark's (Hansen's statistic is then 0); never 0: the sample counts as a resample.
    NaN where T is below 30 or every candidate differs from the benchmark by a constant.
    """
    if candidates.ndim != 2 or candidates.shape[0] != len(benchmark):
        raise DataRefused(f"candidates of shape {candidates.shape} for {len(benchmark)} bars", where="superiority", mend="give (T, M) of them")
    gains = candidates - benchmark[:, None]
    gains = gains[:, gains.min(axis=0) < gains.max(axis=0)] if gains.size else gains
    if len(gains) < _LEAST_BARS or gains.shape[1] == 0:
        return math.nan
    if gains.mean(axis=0).max() <= 0.0:
        return 1.0
    from arch.bootstrap import SPA

    scaled = gains / gains.std(axis=0).max()  # the library compares means as they are; a common scale keeps its numbers near 1
    block = math.ceil(max(block_bars(np.ascontiguousarray(scaled[:, m])) for m in range(scaled.shape[1])))
    test = SPA(np.zeros(len(scaled)), -scaled, block_size=block, reps=resamples, bootstrap="stationary", seed=seed)
    test.compute()
    return (float(test.pvalues["consistent"]) * resamples + 1.0) / (resamples + 1.0)


def superiority_over_all(own: Floats, baselines: Mapping[str, Floats], *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, str]:
    """p of "some baseline is at least as good", with that baseline: the largest of the tests against each one; NaN where one has no answer.

    Returns (T,) are compared at the same risk: each baseline's are scaled to the strategy's own volatility.
    """
    risk = float(own.std()) if len(own) else 0.0
    rivals = {name: _at_risk(returns, risk) for name, returns in baselines.items()}
    lead = {name: float((own - rival).mean()) if len(own) else math.nan for name, rival in rivals.items()}
    behind = min(lead, key=lambda name: lead[name], default="")
    if behind and lead[behind] <= 0.0:
        return 1.0, behind
    worst, hardest = math.nan, ""
    for name, rival in rivals.items():
        p = superiority_p(rival, own[:, None], resamples=resamples, seed=seed)
        if math.isnan(p):
            return math.nan, name
        if not hardest or p > worst:
            worst, hardest = p, name
    return worst, hardest


def _at_risk(returns: Floats, risk: float) -> Floats:
    volatility = float(returns.std()) if len(returns) else 0.0
    return returns * (risk / volatility) if volatility > 0.0 else returns
