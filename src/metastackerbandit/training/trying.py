"""Training runs in the registry of trials: each series is one more try at its market, and says on its cards how many there were."""

from __future__ import annotations

import math

import numpy as np

from metastackerbandit.domain.timeframe import bars_a_year, frame_ns
from metastackerbandit.evaluation.coarse import coarse
from metastackerbandit.evaluation.sharpe import moments_of
from metastackerbandit.storage.trials import Kind, Trial, TrialRegistry, family_of, returns_text
from metastackerbandit.training.dataset import DataSet
from metastackerbandit.training.edge_rule import traded
from metastackerbandit.training.series import Series

_KIND: Kind = "train"


def runs_tried(tried: TrialRegistry, data: DataSet, series: str) -> int:
    """Training runs on this market and frame so far, this one included."""
    return 1 + sum(trial.kind == _KIND and trial.identity != series for trial in tried.of(_family(data)))


def record_trial(tried: TrialRegistry, data: DataSet, series: Series, now_ns: int) -> None:
    """Add a series with the returns of the simplest way to trade its record; one that was added before stands."""
    record, length = series.record, frame_ns(data.frame)
    if not len(record):
        return
    from_ns, to_ns = series.cards[0].trained_until_ns, series.cards[-1].trained_until_ns
    places, returns, _ = traded(record, data.cost_bps)
    bars = max((to_ns - from_ns) // length, 1)
    at = np.clip((record.end_ns[places] - from_ns) // length, 0, bars - 1)
    by_bar = np.bincount(at, weights=returns / len(data.symbols), minlength=bars).astype(np.float64)
    moments = moments_of(by_bar)
    tried.record(
        Trial(
            at_ns=now_ns,
            kind=_KIND,
            family=_family(data),
            identity=series.name,
            name=series.cards[-1].family,
            from_ns=from_ns,
            to_ns=to_ns,
            bars=moments.count,
            sharpe=moments.sharpe,
            skew=moments.skew,
            kurtosis=moments.kurtosis,
            annual_sharpe=moments.sharpe * math.sqrt(bars_a_year(length)),
            returns=returns_text(coarse(by_bar)),
        )
    )


def _family(data: DataSet) -> str:
    return family_of(tuple(market.instrument for market in data.markets), frame_ns(data.frame))
