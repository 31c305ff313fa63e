"""Order-flow imbalance: what a change of the book added to the demand at each of the best levels, less what it added to the supply."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel

FLOWS = 5  # levels a side: further ones added little out of sample (Xu, Gould and Howison 2019, table 5)


@kernel
def flow_at(before: Any, olds: Any, near: Any, levels: Any, sign: int, m: int) -> float:
    """What a side's m-th level (from 0) gained, in lots, between two pictures (NEAR, 2); NaN where one of them has no such level.

    All of the new level where its price is better than the old one's, less all of the old one where it is worse, the difference where it is
    the same (Cont, Kukanov and Stoikov 2014, eq. 4; for m > 0 Xu, Gould and Howison 2019, eq. 3).
    """
    if m >= before.count or m >= near.count:
        return math.nan
    old, new = sign * olds[m, 0], sign * levels[m, 0]
    if new > old:
        return float(levels[m, 1])
    if new < old:
        return float(-olds[m, 1])
    return float(levels[m, 1] - olds[m, 1])
