"""Whether two samples of yes and no share one rate: Fisher's exact test for reports, an e-value for watching, e-BH over many such tables."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.shares import log_beta, times_log

Floats = NDArray[np.float64]

_TIES = 1e-7  # relative: tables as probable as the one seen, but for rounding


def fisher_p(yes: int, total: int, other_yes: int, other_total: int) -> float:
    """Two-sided p of Fisher's exact test: the probability of all tables with these margins that are no likelier than this one."""
    if total == 0 or other_total == 0:
        return 1.0
    positives = yes + other_yes
    least, most = max(0, positives - other_total), min(positives, total)
    logs = [_log_ways(total, k) + _log_ways(other_total, positives - k) - _log_ways(total + other_total, positives) for k in range(least, most + 1)]
    own = logs[yes - least]
    return min(math.fsum(math.exp(log) for log in logs if log <= own + _TIES), 1.0)


def _log_ways(of: int, taken: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(taken + 1) - math.lgamma(of - taken + 1)


@kernel
def two_samples_log_e(yes: float, no: float, other_yes: float, other_no: float, prior: float) -> float:
    """ln of an e-value against one common rate; may be looked at after every answer.

    Each sample is bet on by its own beta mixture, against the common rate that explains both best: universal inference
    (Wasserman, Ramdas and Balakrishnan 2020).
    """
    alone = log_beta(prior + yes, prior + no) - log_beta(prior, prior)
    other = log_beta(prior + other_yes, prior + other_no) - log_beta(prior, prior)
    both_yes, both_no = yes + other_yes, no + other_no
    total = both_yes + both_no
    if total == 0.0:
        return 0.0
    return alone + other - (times_log(both_yes, both_yes / total) + times_log(both_no, both_no / total))


@kernel
def many_log_e(logs: Floats, count: int) -> float:
    """ln of the e-value of the best of many looks: the largest k e_(k) / K over the logs (K,) of `count` = K e-values, which are sorted in place.

    At 1/alpha, e-BH names k of them with a false discovery rate of alpha at most, whatever their dependence (Wang and Ramdas 2022).
    """
    for n in range(1, count):
        value = logs[n]
        at = n
        while at > 0 and logs[at - 1] < value:
            logs[at] = logs[at - 1]
            at -= 1
        logs[at] = value
    best = -math.inf
    for n in range(count):
        best = max(best, logs[n] + math.log((n + 1.0) / count))
    return best


def named_by_many(logs: Floats, level: float) -> tuple[int, ...]:
    """Places of the e-values, given by their logs (K,), that e-BH names at a false discovery rate of `level`, the strongest first."""
    order = np.argsort(-logs, kind="stable")
    count = len(logs)
    passing = [k for k in range(1, count + 1) if logs[order[k - 1]] + math.log(k * level / count) >= 0.0]
    return tuple(int(place) for place in order[: max(passing)]) if passing else ()
