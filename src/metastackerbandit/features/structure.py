"""Where the price stands between its last swing highs and lows on five levels, from the moment that they are known."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.spans import USUAL
from metastackerbandit.features.spec import Family, FeatureSpec
from metastackerbandit.market.pivots import CELLS, COUNT, LAST, LAST_AT, LEVELS, PRIOR, SWING, swing_of, watch

AGED = 3  # levels whose ages are told: above it an age is hundreds of bars and says little about the next few
_TRENDS = 2 * LEVELS
_AGES = 3 * LEVELS
_BREAK = 3 * LEVELS + AGED


@kernel
def trend_of(integers: Any, high: int, low: int) -> float:
    """1 where the last high and the last low are both higher than those before them, -1 where both are lower, else 0."""
    higher = integers[high + LAST] > integers[high + PRIOR]
    lower = integers[high + LAST] < integers[high + PRIOR]
    if higher and -integers[low + LAST] > -integers[low + PRIOR]:
        return 1.0
    if lower and -integers[low + LAST] < -integers[low + PRIOR]:
        return -1.0
    return 0.0


@kernel
def step(bar: Any, seen: Any, reals: Any, integers: Any, out: Any) -> None:
    """Take the bar into the swings, then compare the close with those confirmed; `reals` holds the logs of the last pivots."""
    found = watch(integers, bar.high, bar.low, seen.bars)
    if found:
        for place in range(2 * LEVELS):
            if found >> place & 1:
                price = integers[place * SWING + LAST]
                reals[place] = math.log(price if place < LEVELS else -price)
    broken = 0
    known = 0
    swing = seen.sigma
    for level in range(LEVELS):
        swing *= 2.0
        high = swing_of(level, 1)
        low = swing_of(level, -1)
        highs = integers[high + COUNT]
        lows = integers[low + COUNT]
        if highs > 0:
            out[2 * level] = (reals[level] - seen.log_close) / swing
        if lows > 0:
            out[2 * level + 1] = (seen.log_close - reals[LEVELS + level]) / swing
        if highs > 0 and lows > 0:
            known += 1
            if bar.close > integers[high + LAST]:
                broken += 1
            if bar.close < -integers[low + LAST]:
                broken -= 1
            if level < AGED:
                out[_AGES + level] = math.log((1.0 + seen.bars - integers[low + LAST_AT]) / (1.0 + seen.bars - integers[high + LAST_AT]))
        if highs > 1 and lows > 1:
            out[_TRENDS + level] = trend_of(integers, high, low)
    if known > 0:
        out[_BREAK] = broken / known


_SOURCE = "Williams 1995"
_SWINGS = "sigma of its swing"


def _distances(level: int) -> tuple[FeatureSpec, FeatureSpec]:
    """A pivot of level k needs 2^(k + 1) - 1 bars at the fewest; its swing is 2^k sigmas (level k lasts about 4^k bars)."""
    up, down = f"pivot_high_{level}", f"pivot_low_{level}"
    fewest = max(2 ** (level + 1) - 1, USUAL + 1)
    told = f"of level {level}, in sigma times {2**level}; from its confirmation"
    return (
        FeatureSpec(up, _SWINGS, "swap", fewest, _SOURCE, f"log of the last swing high less log close, {told}", partner=down, is_event=True),
        FeatureSpec(down, _SWINGS, "swap", fewest, _SOURCE, f"log close less log of the last swing low, {told}", partner=up, is_event=True),
    )


def _trend_of(level: int) -> FeatureSpec:
    """Two highs and two lows: the second pivot of a side is confirmed 2^k bars after the first, the other side's a bar later."""
    told = f"last two highs and lows of level {level}: 1 both higher, -1 both lower, else 0"
    return FeatureSpec(f"pivot_trend_{level}", "-1, 0, 1", "odd", 3 * 2**level, _SOURCE, told, is_event=True)


def _age_of(level: int) -> FeatureSpec:
    told = f"log of bars since the last low over bars since the last high of level {level}: above 0 the high is the newer"
    return FeatureSpec(f"pivot_age_{level}", "log", "odd", 2 ** (level + 1), _SOURCE, told, is_event=True)


_LEVELS = range(1, LEVELS + 1)
FAMILY = Family(
    "structure",
    1,
    (
        *(spec for level in _LEVELS for spec in _distances(level)),
        *(_trend_of(level) for level in _LEVELS),
        *(_age_of(level) for level in _LEVELS if level <= AGED),
        FeatureSpec(
            "structure_break",
            "-1..1",
            "odd",
            4,
            _SOURCE,
            "levels whose last high the close stands above less those whose last low it stands below, over levels known",
            is_event=True,
        ),
    ),
    step,
    reals=2 * LEVELS,
    integers=CELLS,
)
