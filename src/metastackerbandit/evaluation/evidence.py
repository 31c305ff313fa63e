"""The evidence beside a run's own numbers: what the word SUPPORTED needs, and what of it is missing."""

from __future__ import annotations

import math

from msgspec import Struct

from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval
from metastackerbandit.evaluation.random_entries import NOT_SHIFTED, EqualTurnover

LEAST_DEFLATED = 0.95  # deflated Sharpe ratio
MOST_SUPERIORITY_P = 0.05  # exclusive
MOST_RANDOM_ENTRY_P = 0.01  # exclusive
MOST_OVERFITTING = 0.2  # exclusive; the estimate is noisy, and 0.3 is not good


class CostCurve(Struct, frozen=True):
    """Net return of the whole period without costs, at the stated ones and at twice them; NaN where not run."""

    free: float
    own: float
    double: float

    @property
    def turns(self) -> bool:
        """Whether a gain is gone at twice the costs."""
        return self.own > 0.0 and self.double <= 0.0


NOT_RUN = CostCurve(math.nan, math.nan, math.nan)


class Evidence(Struct, frozen=True, kw_only=True):
    """What tests beside the run found; NaN (and None for the canaries) means that a test was not run or could not be, which is never a pass.

    `n_trials` counts every different run on this market, this one included; `effective_trials` how many of them are independent;
    `n_eff` trades that do not overlap. `deflated_sharpe` is a probability; `superiority_p` the SPA test's against the hardest baseline, which is
    `hardest`. `bars` against `least_bars`: the record, and the least that such a Sharpe ratio asks for, both in bars.
    """

    n_trials: int = 1
    effective_trials: float = math.nan
    n_eff: float = math.nan
    deflated_sharpe: float = math.nan
    superiority_p: float = math.nan
    hardest: str = ""
    equal_turnover: EqualTurnover = NOT_SHIFTED
    overfitting: Interval = UNKNOWN
    costs: CostCurve = NOT_RUN
    bars: int = 0
    least_bars: float = math.nan
    canaries_green: bool | None = None

    @property
    def random_entry_p(self) -> float:
        """p of doing as well by random entries at the same turnover."""
        return self.equal_turnover.p


def shortfalls(evidence: Evidence) -> tuple[str, ...]:
    """What SUPPORTED still needs, a sentence part each; none when everything was tested and passed."""
    overfitting, double = evidence.overfitting.value, evidence.costs.double
    against = f" against {evidence.hardest}" if evidence.hardest else ""
    return (
        *_asked("deflated Sharpe ratio", evidence.deflated_sharpe, evidence.deflated_sharpe >= LEAST_DEFLATED, f">= {LEAST_DEFLATED:g}"),
        *_asked(f"SPA p{against}", evidence.superiority_p, evidence.superiority_p < MOST_SUPERIORITY_P, f"< {MOST_SUPERIORITY_P:g}"),
        *_asked("random-entry p", evidence.random_entry_p, evidence.random_entry_p < MOST_RANDOM_ENTRY_P, f"< {MOST_RANDOM_ENTRY_P:g}"),
        *_asked("overfitting probability", overfitting, overfitting < MOST_OVERFITTING, f"< {MOST_OVERFITTING:g}"),
        *_asked("net return at 2x cost", double, double > 0.0, "> 0"),
        *_track(evidence.bars, evidence.least_bars),
        *_canaries(evidence.canaries_green),
    )


def _asked(name: str, found: float, is_met: bool, limit: str) -> tuple[str, ...]:
    if is_met:
        return ()
    return (f"{name} is not known, {limit} needed",) if math.isnan(found) else (f"{name} {found:.4g}, {limit} needed",)


def _track(bars: int, least: float) -> tuple[str, ...]:
    if bars >= least:
        return ()
    if math.isnan(least):
        return ("the least track record is not known",)
    return (f"{bars} bars of track record, {'no number of them is enough' if math.isinf(least) else f'{math.ceil(least)} needed'}",)


def _canaries(green: bool | None) -> tuple[str, ...]:
    if green:
        return ()
    return ("leak canaries were not run",) if green is None else ("a leak canary failed",)
