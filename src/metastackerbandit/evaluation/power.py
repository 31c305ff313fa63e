"""Power: how long a record must be before an edge of some size would show, and the smallest edge that a record can show."""

from __future__ import annotations

import math

from metastackerbandit.evaluation.sharpe import luck_of_best

_Z_SIZE, _Z_POWER = 1.645, 0.8416  # one-sided 5 % test, 80 % power


def years_needed(sharpe: float, trials: int = 1) -> float:
    """Years after which an annual Sharpe ratio is found with 80 % power, one-sided at 5 %, when it was chosen among so many trials."""
    return (_needed(trials) / sharpe) ** 2


def detectable_sharpe(years: float, trials: int = 1) -> float:
    """Smallest annual Sharpe ratio found with 80 % power, one-sided at 5 %, in so many years; NaN for none."""
    return _needed(trials) / math.sqrt(years) if years > 0.0 else math.nan


def _needed(trials: int) -> float:
    """Standard errors that an edge must be away from 0: the test's, the power's, and the luck of the best trial."""
    return luck_of_best(trials) + _Z_SIZE + _Z_POWER
