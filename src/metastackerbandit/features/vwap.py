"""Where the price stands against what the recent volume paid."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, share_of
from metastackerbandit.features.spans import USUAL
from metastackerbandit.features.spec import Family, FeatureSpec

_KEEP = 1.0 - share_of(USUAL)
_ROOT_USUAL = math.sqrt(USUAL)


class Memory(Struct, frozen=True):
    """Volume that fades, the same times its log price less the newest close, and the bars that brought any."""

    volume: float
    paid: float
    volumes: int


@kernel
def step(bar: Any, seen: Any, mine: Any, out: Any) -> None:
    """Advance the faded sums; prices count from the newest close, so a bar's typical price is the mean log of high, low, close."""
    mine.paid = _KEEP * (mine.paid - mine.volume * seen.change)
    mine.volume = _KEEP * mine.volume
    if seen.volume_known == 0:
        return
    mine.volumes += 1
    typical = ((seen.log_high - seen.log_close) + (seen.log_low - seen.log_close)) / 3.0
    mine.paid += bar.volume * typical
    mine.volume += bar.volume
    if mine.volumes >= USUAL and mine.volume > DUST:
        out[0] = -mine.paid / mine.volume / (seen.sigma * _ROOT_USUAL)


FAMILY = Family(
    "vwap",
    1,
    (
        FeatureSpec(
            "vwap_momentum",
            "sigma of 48 bars",
            "odd",
            USUAL + 1,
            "Berkowitz, Logue and Noser 1988",
            "log close less the volume-weighted average log price, span 48",
            "volume",
        ),
    ),
    step,
    Memory,
)
