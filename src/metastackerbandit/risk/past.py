"""What is known at one moment for the risk of a portfolio: its exposures, the returns before it, and their forecasts."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS
from metastackerbandit.risk.correlation import correlation_terms
from metastackerbandit.risk.filtering import Filtered, filtered
from metastackerbandit.risk.joint_correlation import correlations
from metastackerbandit.risk.joint_returns import JointReturns
from metastackerbandit.risk.settings import RiskSettings, TailSettings

Floats = NDArray[np.float64]


class Terms(Struct, frozen=True):
    """The settings in steps of the returns: share of the variance kept, steps of the history, of a run and of a block."""

    keep: float
    history: int
    run: int
    block: int
    warm_up: int


class Past(Struct, frozen=True, eq=False):
    """A portfolio at one moment.

    `exposures` (Y,) are signed money, none of them 0; `returns` (N, Y) those of the history's length, the newest last; `standard` (N, Y) the same
    in units of their forecasts, at least `known` of them in each symbol; `variance` (Y,) the forecast for the next; `correlation` (Y, Y), NaN for
    pairs that are not known; `stress` is what bets that add up are taken for then, and in a crash.
    """

    exposures: Floats
    returns: Floats
    standard: Floats
    known: int
    variance: Floats
    correlation: Floats
    stress: float


class Seen(Struct, frozen=True, eq=False):
    """All of a history for one set of symbols, filtered once, from which the past of any moment is cut; `counted` (T + 1, Y) forecasts so far."""

    joint: JointReturns
    filtered: Filtered
    counted: NDArray[np.int64]
    terms: Terms


def terms_of(settings: TailSettings, step_ns: int) -> Terms:
    """The settings for returns over `step_ns`."""
    half_life = settings.half_life_days * DAY_NS / step_ns
    return Terms(
        keep=0.5 ** (1.0 / half_life),
        history=max(round(settings.history_days * DAY_NS / step_ns), 1),
        run=max(round(settings.run_hours * HOUR_NS / step_ns), 1),
        block=max(round(settings.block_days * DAY_NS / step_ns), 1),
        warm_up=max(math.ceil(half_life), 2),
    )


def seen_of(joint: JointReturns, settings: TailSettings) -> Seen:
    """Filter a whole history; the variance is known after one half-life."""
    terms = terms_of(settings, joint.step_ns)
    found = filtered(joint.returns, terms.keep, terms.warm_up)
    counted = np.zeros(found.variance.shape, np.int64)
    np.cumsum(~np.isnan(found.standard), axis=0, out=counted[1:])
    return Seen(joint, found, counted, terms)


def past_at(seen: Seen, exposures: Floats, at: int, correlation: Floats, stress: float) -> Past:
    """The past before return number `at`, of the symbols in which anything is held."""
    held = np.flatnonzero(exposures)
    first = max(at - seen.terms.history, 0)
    return Past(
        exposures=np.ascontiguousarray(exposures[held], np.float64),
        returns=np.ascontiguousarray(seen.joint.returns[first:at, held]),
        standard=np.ascontiguousarray(seen.filtered.standard[first:at, held]),
        known=int((seen.counted[at, held] - seen.counted[first, held]).min()),
        variance=seen.filtered.variance[at, held],
        correlation=correlation[np.ix_(held, held)],
        stress=stress,
    )


def correlations_before(joint: JointReturns, risk: RiskSettings, at: NDArray[np.int64]) -> Floats:
    """The engine's shrunk correlations (M, Y, Y) before the returns numbered `at`, on the returns' own step."""
    return correlations(joint.returns, correlation_terms(risk, joint.step_ns), at)
