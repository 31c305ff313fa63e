"""Where the close stands between the highest high and the lowest low of a while."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.extremes import cells_of, highest
from metastackerbandit.features.spans import SLOW, TREND
from metastackerbandit.features.spec import Family, FeatureSpec

_SHORT = cells_of(TREND)
_LONG = cells_of(SLOW)


@kernel
def step(seen: Any, reals: Any, out: Any) -> None:
    """Advance four queues: highs and lows of TREND and of SLOW bars."""
    short_high = highest(reals[0:_SHORT], TREND, seen.bars, seen.log_high)
    short_low = -highest(reals[_SHORT : 2 * _SHORT], TREND, seen.bars, -seen.log_low)
    long_high = highest(reals[2 * _SHORT : 2 * _SHORT + _LONG], SLOW, seen.bars, seen.log_high)
    long_low = -highest(reals[2 * _SHORT + _LONG : 2 * _SHORT + 2 * _LONG], SLOW, seen.bars, -seen.log_low)
    if seen.bars >= TREND and short_high > short_low:
        out[0] = ((seen.log_close - short_low) - (short_high - seen.log_close)) / (short_high - short_low)
    if seen.bars >= SLOW and long_high > long_low:
        out[1] = ((seen.log_close - long_low) - (long_high - seen.log_close)) / (long_high - long_low)


_SOURCE = "Donchian's channel, in Kaufman 2013"
FAMILY = Family(
    "channel",
    1,
    (
        FeatureSpec("donchian_20", "-1..1", "odd", TREND, _SOURCE, "place of the log close in the range of 20 bars, -1 at the low, 1 at the high"),
        FeatureSpec("donchian_96", "-1..1", "odd", SLOW, _SOURCE, "place of the log close in the range of 96 bars"),
    ),
    step,
    reals=2 * _SHORT + 2 * _LONG,
)
