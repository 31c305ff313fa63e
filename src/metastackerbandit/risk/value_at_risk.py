"""Value at risk and expected shortfall of a portfolio: every method at every level and horizon, each with its sample and its error.

A figure's interval is a bootstrap's: the sample is drawn anew in blocks (Kunsch 1989, circular: Politis and Romano 1992), and where a law rests
on today's volatility its square is drawn with it, as the mean of the portfolio's squared returns under random weights (Rubin 1981). What the
choice of the method itself may be wrong by, the backtest tells (forecasts.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS
from metastackerbandit.risk.cornish_fisher import cornish_fisher_tail
from metastackerbandit.risk.cornish_fisher import refusal as outside
from metastackerbandit.risk.loss_laws import METHODS, Law, moments, refusal, tails
from metastackerbandit.risk.past import Past, Terms
from metastackerbandit.risk.settings import TailSettings
from metastackerbandit.risk.tail import Floats, Tail, tails_of

LEVELS = (0.95, 0.99)
HORIZONS_NS = (HOUR_NS, DAY_NS)
CONFIDENCE = 0.95  # of the intervals
_KNOWN = 0.95  # share of the resamples in which a figure must exist before its bounds are said
_FORGOTTEN = 1e-12  # weight of a return, below which it no longer matters to today's volatility


class Figure(Struct, frozen=True):
    """One number of each kind, with its 95 % interval, in the unit of the exposures; NaN and a reason where a method refuses."""

    method: str
    horizon_ns: int
    level: float
    value_at_risk: float
    value_at_risk_low: float
    value_at_risk_high: float
    shortfall: float
    shortfall_low: float
    shortfall_high: float
    observations: int
    independent: float
    refused: str


def figures(past: Past, terms: Terms, step_ns: int, settings: TailSettings, horizons_ns: Sequence[int] = HORIZONS_NS) -> tuple[Figure, ...]:
    """Every method's figures, by horizon, level and method; returns over `step_ns` say nothing of a shorter horizon."""
    found: list[Figure] = []
    for horizon_ns in horizons_ns:
        steps, left = divmod(horizon_ns, step_ns)
        if steps == 0 or left:
            why = "the candles are longer than this horizon" if steps == 0 else "the horizon is no multiple of the candles' length"
            found += [_refused(method, horizon_ns, level, 0, 0.0, why) for level in LEVELS for method in METHODS]
            continue
        told = {method: _figures_of(law(past, steps, terms, settings), past, terms, settings, horizon_ns) for method, law in METHODS.items()}
        found += [told[method][place] for place in range(len(LEVELS)) for method in METHODS]
    return tuple(found)


def _figures_of(law: Law, past: Past, terms: Terms, settings: TailSettings, horizon_ns: int) -> tuple[Figure, ...]:
    """One law's figures at every level."""
    reasons = [refusal(law, level, settings) for level in LEVELS]
    said = [level for level, reason in zip(LEVELS, reasons, strict=True) if not reason]
    told = dict(zip(said, tails(law, said), strict=True)) if said else {}
    drawn = dict(zip(said, _resampled(law, past, terms, settings, said), strict=True)) if said else {}
    found = []
    for level, reason in zip(LEVELS, reasons, strict=True):
        if reason:
            found.append(_refused(law.method, horizon_ns, level, law.observations, law.independent, reason))
            continue
        own, draws = told[level], drawn[level]
        found.append(
            Figure(
                law.method,
                horizon_ns,
                level,
                own.value_at_risk,
                *_bounds(draws[:, 0]),
                own.shortfall,
                *_bounds(draws[:, 1]),
                law.observations,
                law.independent,
                "",
            )
        )
    return tuple(found)


def _refused(method: str, horizon_ns: int, level: float, observations: int, independent: float, why: str) -> Figure:
    nothing = (math.nan,) * 6
    return Figure(method, horizon_ns, level, *nothing, observations, independent, why)


def _resampled(law: Law, past: Past, terms: Terms, settings: TailSettings, levels: Sequence[float]) -> list[Floats]:
    """For each level, value at risk and shortfall (B, 2) of a law drawn anew; NaN where a resample has none."""
    rng = np.random.default_rng((settings.seed, len(law.method), law.steps))
    count = settings.resamples
    scales = np.sqrt(variance_ratios(-(past.returns @ past.exposures), terms.keep, count, rng)) if law.scales else np.ones(count)
    drawn = [np.empty((count, 2)) for _ in levels]
    sample = law.losses if len(law.losses) else law.shape
    block = max(terms.block, law.steps)
    for b in range(count):
        for place, one in enumerate(_again(law, _blocks(sample, block, rng), levels)):
            drawn[place][b] = scales[b] * one.value_at_risk, scales[b] * one.shortfall
    return drawn


def _again(law: Law, sample: Floats, levels: Sequence[float]) -> list[Tail]:
    """The tails of a law whose sample is this one."""
    if len(law.losses):
        return tails_of(sample, levels)
    if not len(law.shape):
        return tails(law, levels)
    skewness, kurtosis = moments(sample)
    if outside(skewness, kurtosis):
        return [Tail(math.nan, math.nan)] * len(levels)
    return [cornish_fisher_tail(law.deviation, skewness, kurtosis, level) for level in levels]


def _blocks(sample: Floats, block: int, rng: np.random.Generator) -> Floats:
    """As many values in blocks of consecutive ones, the end joining the start."""
    count = len(sample)
    if count == 0:
        return sample
    length = min(block, count)
    starts = rng.integers(0, count, -(-count // length))
    return sample[((starts[:, None] + np.arange(length)) % count).ravel()[:count]]


def variance_ratios(losses: Floats, keep: float, count: int, rng: np.random.Generator) -> Floats:
    """Today's variance of losses (T,) under random weights over the variance itself (B,); 1 where it is not known."""
    known = losses[~np.isnan(losses)][::-1]
    weights = keep ** np.arange(len(known), dtype=np.float64)
    weights = weights[weights > _FORGOTTEN]
    squares = known[: len(weights)] * known[: len(weights)]
    plain = float(weights @ squares) / float(weights.sum()) if len(weights) else 0.0
    if not plain > 0.0:
        return np.ones(count)
    drawn = rng.exponential(size=(count, len(weights))) * weights
    ratios: Floats = (drawn @ squares) / drawn.sum(axis=1) / plain
    return ratios


def _bounds(draws: Floats) -> tuple[float, float]:
    """The middle 95 % of the draws (B,); NaN where too many have no value."""
    known = draws[np.isfinite(draws)]
    if len(known) < _KNOWN * len(draws):
        return math.nan, math.nan
    low, high = np.quantile(known, (0.5 * (1.0 - CONFIDENCE), 0.5 * (1.0 + CONFIDENCE)))
    return float(low), float(high)
