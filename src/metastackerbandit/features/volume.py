"""How much is traded, against its own past and against how the price moved in the bar."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, LEAST_VARIANCE, gain, share_of
from metastackerbandit.features.spans import FAST, USUAL
from metastackerbandit.features.spec import Family, FeatureSpec

_FAST_SHARE = share_of(FAST)
_USUAL_SHARE = share_of(USUAL)


class Memory(Struct, frozen=True):
    """Averages over the bars with a volume (`volumes` of them), over those with a trade (`logs`), and over those with a return too (`moves`)."""

    volumes: int
    fast: float
    usual: float
    pressed: float
    logs: int
    log_volume: float
    log_variance: float
    moves: int
    fast_move: float
    usual_move: float


@kernel
def _advance_log(mine: Any, value: float) -> None:
    """Mean and variance that forget (West 1979)."""
    mine.logs += 1
    share = gain(_USUAL_SHARE, 1.0 / mine.logs)
    off = value - mine.log_volume
    mine.log_volume += share * off
    mine.log_variance = (1.0 - share) * (mine.log_variance + share * off * off)


@kernel
def _place(seen: Any) -> float:
    """Where the close stands in the bar's range, -1 at the low, 1 at the high; 0 in a bar without range."""
    length = seen.log_high - seen.log_low
    if not length > 0.0:
        return 0.0
    return ((seen.log_close - seen.log_low) - (seen.log_high - seen.log_close)) / length


@kernel
def step(bar: Any, seen: Any, mine: Any, out: Any) -> None:
    """Advance by a bar whose volume is known; others leave everything as it is."""
    if seen.volume_known == 0:
        return
    volume = bar.volume
    mine.volumes += 1
    young = 1.0 / mine.volumes
    fast = gain(_FAST_SHARE, young)
    mine.fast += fast * (volume - mine.fast)
    mine.usual += gain(_USUAL_SHARE, young) * (volume - mine.usual)
    mine.pressed += fast * (_place(seen) * volume - mine.pressed)
    if seen.bars > 1:
        mine.moves += 1
        young = 1.0 / mine.moves
        mine.fast_move += gain(_FAST_SHARE, young) * (abs(seen.change) - mine.fast_move)
        mine.usual_move += gain(_USUAL_SHARE, young) * (abs(seen.change) - mine.usual_move)
    if mine.volumes >= USUAL and mine.usual > DUST:
        out[0] = volume / mine.usual - 1.0
        if mine.fast > DUST:
            out[1] = math.log(mine.fast / mine.usual)
            if mine.moves >= USUAL and mine.fast_move > DUST:
                out[4] = math.log(mine.fast_move / mine.usual_move) - out[1]
    if mine.volumes >= FAST and mine.fast > DUST:
        out[3] = mine.pressed / mine.fast
    if volume > 0.0:
        _advance_log(mine, math.log(volume))
        if mine.logs >= USUAL and mine.log_variance > LEAST_VARIANCE:
            out[2] = (math.log(volume) - mine.log_volume) / math.sqrt(mine.log_variance)


FAMILY = Family(
    "volume",
    1,
    (
        FeatureSpec("volume_intensity", "ratio - 1", "even", USUAL, "Karpoff 1987", "volume over its average of span 48, less 1", "volume"),
        FeatureSpec("volume_trend", "log", "even", USUAL, "Karpoff 1987", "log of the average volume of span 12 over that of span 48", "volume"),
        FeatureSpec("log_volume_z", "z", "even", USUAL, "West 1979", "log volume in its standard deviations, span 48; only with a trade", "volume"),
        FeatureSpec(
            "money_flow",
            "-1..1",
            "odd",
            FAST,
            "Chaikin, in Kaufman 2013",
            "volume-weighted average, span 12, of where closes stand in their bars",
            "volume",
        ),
        FeatureSpec(
            "illiquidity_ratio",
            "log",
            "even",
            USUAL + 1,
            "Amihud 2002",
            "log of absolute return a unit of volume, span 12 over span 48",
            "volume",
        ),
    ),
    step,
    Memory,
)
