"""Was value at risk exceeded as often as it said, and did its exceedances come alone?

Both tests compare two likelihoods of the row of hits (1 where the loss was larger than foretold): Kupiec 1995 ("Techniques for verifying the
accuracy of risk measurement models", section 4) the share of hits with the one that was promised, Christoffersen 1998 ("Evaluating interval
forecasts", sections 3.1 to 3.3) the chance of a hit after a hit with that after none. Twice the log ratio is chi-square with one degree of
freedom each; their sum, conditional coverage, with two.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Exceedances(Struct, frozen=True):
    """Hits of `forecasts` against the `expected` ones; p-values of coverage, independence and both, NaN where there is nothing to test.

    `after_hit` is the share of hits that followed a hit; `expected` the promised share times the forecasts.
    """

    forecasts: int
    expected: float
    hits: int
    rate: float
    coverage: float
    after_hit: float
    independence: float
    both: float


def exceedances(hits: Bools, share: float) -> Exceedances:
    """Judge hits (T,), in the order of time and without overlap, that were promised in `share` of all cases."""
    count, seen = len(hits), int(hits.sum())
    if count == 0:
        return Exceedances(0, 0.0, 0, math.nan, math.nan, math.nan, math.nan, math.nan)
    coverage = kupiec(seen, count, share)
    independence = christoffersen(*transitions(hits))
    before = int(hits[:-1].sum())
    after = int((hits[1:] & hits[:-1]).sum()) / before if before else math.nan
    return Exceedances(
        forecasts=count,
        expected=share * count,
        hits=seen,
        rate=seen / count,
        coverage=chance_of_one(coverage),
        after_hit=after,
        independence=chance_of_one(independence),
        both=chance_of_two(coverage + independence),
    )


def kupiec(hits: int, count: int, share: float) -> float:
    """Twice the log ratio of `hits` in `count` at the seen share to that at the promised one."""
    missed = count - hits
    return max(2.0 * (_log(hits, hits / count) + _log(missed, missed / count) - _log(hits, share) - _log(missed, 1.0 - share)), 0.0)


def transitions(hits: Bools) -> tuple[int, int, int, int]:
    """How often none followed none, a hit followed none, none followed a hit, and a hit followed a hit."""
    before, now = hits[:-1], hits[1:]
    return int((~before & ~now).sum()), int((~before & now).sum()), int((before & ~now).sum()), int((before & now).sum())


def christoffersen(calm: int, first: int, last: int, again: int) -> float:
    """Twice the log ratio of a chain with memory to one without, from its transitions; NaN where nothing followed a hit or nothing was hit."""
    after_none, after_hit = calm + first, last + again
    if after_none == 0 or after_hit == 0:
        return math.nan
    share = (first + again) / (after_none + after_hit)
    alone = _log(calm + last, 1.0 - share) + _log(first + again, share)
    chained = _log(calm, calm / after_none) + _log(first, first / after_none) + _log(last, last / after_hit) + _log(again, again / after_hit)
    return max(2.0 * (chained - alone), 0.0)


def _log(count: int, share: float) -> float:
    """Log likelihood of `count` events of chance `share`; 0 log 0 is 0."""
    return count * math.log(share) if count else 0.0


def chance_of_one(statistic: float) -> float:
    """Chance that a chi-square with one degree of freedom is at least this large."""
    return math.erfc(math.sqrt(0.5 * statistic))


def chance_of_two(statistic: float) -> float:
    """The same with two."""
    return math.exp(-0.5 * statistic)
