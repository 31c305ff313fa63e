"""Whether volume comes with rises or with falls."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, LEAST_VARIANCE, gain, share_of
from metastackerbandit.features.spans import USUAL
from metastackerbandit.features.spec import Family, FeatureSpec

_USUAL_SHARE = share_of(USUAL)


class Memory(Struct, frozen=True):
    """Means, variances and covariance of return and log volume over `pairs` bars that had both."""

    pairs: int
    change: float
    volume: float
    change_variance: float
    volume_variance: float
    covariance: float


@kernel
def step(bar: Any, seen: Any, mine: Any, out: Any) -> None:
    """Advance the moments (West 1979); a bar without trade or return has no column, not the last valid one."""
    if seen.volume_known == 0 or seen.bars == 1 or not bar.volume > 0.0:
        return
    mine.pairs += 1
    share = gain(_USUAL_SHARE, 1.0 / mine.pairs)
    off = seen.change - mine.change
    over = math.log(bar.volume) - mine.volume
    mine.change += share * off
    mine.volume += share * over
    mine.change_variance = (1.0 - share) * (mine.change_variance + share * off * off)
    mine.volume_variance = (1.0 - share) * (mine.volume_variance + share * over * over)
    mine.covariance = (1.0 - share) * (mine.covariance + share * off * over)
    if mine.pairs >= USUAL and mine.change_variance > DUST and mine.volume_variance > LEAST_VARIANCE:
        out[0] = mine.covariance / (math.sqrt(mine.change_variance) * math.sqrt(mine.volume_variance))


FAMILY = Family(
    "price_volume",
    1,
    (FeatureSpec("price_volume_corr", "-1..1", "odd", USUAL + 1, "Karpoff 1987", "correlation of return and log volume, span 48", "volume"),),
    step,
    Memory,
)
