"""Whether a share of yes and no answers is what it should be: e-values that may be looked at after every answer.

An e-value of 20 comes up at any time of a run with a chance of 1/20 at most where the null is true (Ville 1939; Ramdas et al. 2023).
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel

LIMIT_Z = 1.645  # of a one-sided 95 % limit
MOST_LOG = 600.0  # beyond it exp overflows; nobody reads such evidence


@kernel
def least_share(count: float, total: float) -> float:
    """Lower 95 % limit of a share seen `count` times in `total` (Wilson 1927); 0 of nothing."""
    if total <= 0.0 or count <= 0.0:
        return 0.0
    square = LIMIT_Z * LIMIT_Z
    share = count / total
    middle = share + square / (2.0 * total)
    half = LIMIT_Z * math.sqrt(share * (1.0 - share) / total + square / (4.0 * total * total))
    return max((middle - half) / (1.0 + square / total), 0.0)


@kernel
def log_beta(a: float, b: float) -> float:
    """ln of the beta function."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@kernel
def times_log(count: float, share: float) -> float:
    """count x ln share, 0 of nothing."""
    return 0.0 if count == 0.0 else count * math.log(share)


@kernel
def mixture_log_e(hits: float, misses: float, prior: float, least_hit: float, least_miss: float) -> float:
    """ln of the beta-binomial mixture's evidence against a share of hits within [least_hit, 1 - least_miss] (method 5.5).

    The null is taken at its best: the share in that range under which `hits` and `misses` are likeliest. Where the range was
    estimated it is an alarm's statistic rather than a theorem's.
    """
    total = hits + misses
    if total == 0.0:
        return 0.0
    hit = min(max(hits / total, least_hit), 1.0 - least_miss)
    miss = min(max(misses / total, least_miss), 1.0 - least_hit)
    return log_beta(prior + hits, prior + misses) - log_beta(prior, prior) - (times_log(hits, hit) + times_log(misses, miss))


class Share(Struct, frozen=True):
    """A running share: answers remembered, the log of the evidence, and the most it has been."""

    seen: int
    hits: float
    misses: float
    log_e: float
    most: float


@kernel
def share_step(share: Any, is_hit: bool, least_hit: float, least_miss: float, prior: float, memory: float) -> None:
    """Take one answer as evidence against a conditional share of hits that lies within [least_hit, 1 - least_miss] at all times.

    The bet is the beta posterior's mean, the null's best reply the nearest share in the range, so every factor's mean is 1 at most
    (reverse information projection; Grunwald, de Heide and Koolen 2024). The posterior remembers about `memory` answers.
    """
    total = share.hits + share.misses + 2.0 * prior
    if is_hit:
        told = (share.hits + prior) / total
        share.log_e += math.log(told / min(max(told, least_hit), 1.0 - least_miss))
        share.hits += 1.0
    else:
        told = (share.misses + prior) / total
        share.log_e += math.log(told / min(max(told, least_miss), 1.0 - least_hit))
        share.misses += 1.0
    share.seen += 1
    share.most = max(share.most, share.log_e)
    kept = share.hits + share.misses
    if kept > memory:
        share.hits *= memory / kept
        share.misses *= memory / kept


@kernel
def share_over(answers: Any, least_hit: float, least_miss: float, prior: float, memory: float, share: Any, logs: Any) -> None:
    """Repeat `share_step` over answers (N,) of 0 and 1, with the log evidence after each into logs (N,)."""
    for n in range(len(answers)):
        share_step(share[0], answers[n] != 0, least_hit, least_miss, prior, memory)
        logs[n] = share[0].log_e


@kernel
def evidence(log_e: float) -> float:
    """An e-value from its log, as large as a float can be read."""
    return math.exp(min(log_e, MOST_LOG))
