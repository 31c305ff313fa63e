"""From a run's returns, what it held, its rivals and the other trials, to the evidence of a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.evaluation.coarse import coarse
from metastackerbandit.evaluation.effective import effective_trials
from metastackerbandit.evaluation.evidence import CostCurve, Evidence
from metastackerbandit.evaluation.overfitting import overfitting_probability
from metastackerbandit.evaluation.random_entries import least_shift, random_entries
from metastackerbandit.evaluation.sharpe import deflated_sharpe, minimum_track_length, moments_of, sharpe_to_beat
from metastackerbandit.evaluation.superiority import superiority_over_all

Floats = NDArray[np.float64]


def weigh(
    returns: Floats,
    *,
    frame_ns: int,
    exposure: Floats,
    market: Floats,
    charge: float,
    baselines: Mapping[str, Floats],
    sharpes: Floats,
    trials: Floats,
    n_eff: float,
    costs: CostCurve,
    canaries_green: bool | None = None,
    seed: int = 0,
) -> Evidence:
    """Every test on net returns (T,) of bars of `frame_ns`.

    `exposure` and `market` (S, T) are what was held and what a long of each symbol earned, `charge` all costs paid, fraction of equity;
    `baselines` net returns (T,) of fixed rules. `sharpes` (N,) are the Sharpe ratios a bar of every trial, this one included, NaN where
    unknown; `trials` (B, M) the returns of those over the same bars. `n_eff` counts effective trades.
    """
    moments = moments_of(returns)
    counted = max(len(sharpes), 1)
    long_bars = {name: coarse(values) for name, values in baselines.items()}
    superiority_p, hardest = superiority_over_all(coarse(returns), long_bars, seed=seed)
    return Evidence(
        n_trials=counted,
        effective_trials=effective_trials(trials) if trials.size else math.nan,
        n_eff=n_eff,
        deflated_sharpe=deflated_sharpe(moments, sharpe_to_beat(sharpes, counted, moments.count)),
        superiority_p=superiority_p,
        hardest=hardest,
        equal_turnover=random_entries(exposure, market, charge, least_shift(len(returns), frame_ns), seed=seed),
        overfitting=overfitting_probability(trials, seed=seed),
        costs=costs,
        bars=moments.count,
        least_bars=minimum_track_length(moments),
        canaries_green=canaries_green,
    )
