"""How stretched the price is: z-scores against its averages, and gains against losses."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, gain, share_of
from metastackerbandit.features.seen import close_before
from metastackerbandit.features.spans import TREND, USUAL, WILDER
from metastackerbandit.features.spec import Family, FeatureSpec

_TREND_SHARE = share_of(TREND)
_USUAL_SHARE = share_of(USUAL)
_WILDER_SHARE = 1.0 / WILDER
_BANDS = 2.0  # Bollinger's bands lie two standard deviations off


class Memory(Struct, frozen=True):
    """Log close less its average of span TREND, the average square of that, and averages of returns and of their absolute values."""

    gap: float
    square: float
    change: float
    travel: float


@kernel
def _in_bands(seen: Any, past: Any) -> float:
    """The newest log close's distance from the mean of TREND closes in band widths; sums are of distances to it, oldest first."""
    total = 0.0
    squares = 0.0
    for bars in range(TREND - 1, 0, -1):
        distance = close_before(past, seen, bars) - seen.log_close
        total += distance
        squares += distance * distance
    average = total / TREND
    variance = squares / TREND - average * average
    if not variance > 0.0:
        return math.nan
    return -average / (_BANDS * math.sqrt(variance))


@kernel
def step(seen: Any, past: Any, mine: Any, out: Any) -> None:
    """Advance the averages; squares of the gap count from where the gap rests on TREND bars."""
    mine.gap = (1.0 - gain(_TREND_SHARE, seen.young)) * (mine.gap + seen.change)
    if seen.bars >= TREND:
        squares = seen.bars - TREND + 1
        mine.square += gain(_USUAL_SHARE, 1.0 / squares) * (mine.gap * mine.gap - mine.square)
        if squares >= USUAL and mine.square > DUST:
            out[0] = mine.gap / math.sqrt(mine.square)
        out[1] = _in_bands(seen, past)
    if seen.bars > 1:
        share = gain(_WILDER_SHARE, seen.young_return)
        mine.change += share * (seen.change - mine.change)
        mine.travel += share * (abs(seen.change) - mine.travel)
        if seen.bars > WILDER and mine.travel > DUST:
            out[2] = mine.change / mine.travel


FAMILY = Family(
    "reversion",
    1,
    (
        FeatureSpec(
            "mr_ema20_z",
            "z",
            "odd",
            TREND + USUAL - 1,
            "Poterba and Summers 1988 (idea)",
            "log close less its average of span 20, over the root mean square of that distance, span 48",
        ),
        FeatureSpec(
            "bollinger_20", "band", "odd", TREND, "Bollinger 2001", "log close less the mean of 20, over two standard deviations of those 20"
        ),
        FeatureSpec("rsi_14", "-1..1", "odd", WILDER + 1, "Wilder 1978", "average gain less average loss over their sum: RSI / 50 - 1"),
    ),
    step,
    Memory,
)
