"""Which way the price has been going: its distance from its own averages, and the slope of a line through it."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import gain, share_of
from metastackerbandit.features.fixed import LOG_STEP, fixed_log
from metastackerbandit.features.seen import close_before
from metastackerbandit.features.spans import FAST, MACD_SLOW, SIGNAL, SLOW, USUAL
from metastackerbandit.features.spec import Family, FeatureSpec

_FAST_SHARE = share_of(FAST)
_USUAL_SHARE = share_of(USUAL)
_SLOW_SHARE = share_of(SLOW)
_MACD_SHARE = share_of(MACD_SLOW)
_SIGNAL_SHARE = share_of(SIGNAL)
_ROOT_FAST = math.sqrt(FAST)
_ROOT_USUAL = math.sqrt(USUAL)
_ROOT_SLOW = math.sqrt(SLOW)
# slope = (2 sum(i c_i) - (n - 1) sum(c_i)) / (n (n^2 - 1) / 6), i = 0 .. n - 1
_SLOPE_SCALE = LOG_STEP * 6.0 / (USUAL * (USUAL * USUAL - 1.0))


class Memory(Struct, frozen=True):
    """Log close less its averages; the MACD less its signal is `macd` - `signal`; exact sums of log closes, plain and weighted by age."""

    fast_gap: float
    usual_gap: float
    slow_gap: float
    macd_gap: float
    signal: float
    closes: int
    weighted: int


@kernel
def _add(seen: Any, past: Any, mine: Any) -> None:
    """Take the newest log close into the sums of a line over USUAL closes, the oldest out."""
    newest = fixed_log(seen.log_close)
    if seen.bars <= USUAL:
        mine.weighted += (seen.bars - 1) * newest
        mine.closes += newest
        return
    oldest = fixed_log(close_before(past, seen, USUAL))
    mine.weighted += (USUAL - 1) * newest - (mine.closes - oldest)
    mine.closes += newest - oldest


@kernel
def step(seen: Any, past: Any, mine: Any, out: Any) -> None:
    """Advance the gaps: the gap to an average is (1 - gain) (gap before + return), so prices themselves are never averaged."""
    mine.fast_gap = (1.0 - gain(_FAST_SHARE, seen.young)) * (mine.fast_gap + seen.change)
    mine.usual_gap = (1.0 - gain(_USUAL_SHARE, seen.young)) * (mine.usual_gap + seen.change)
    mine.slow_gap = (1.0 - gain(_SLOW_SHARE, seen.young)) * (mine.slow_gap + seen.change)
    mine.macd_gap = (1.0 - gain(_MACD_SHARE, seen.young)) * (mine.macd_gap + seen.change)
    macd = mine.macd_gap - mine.fast_gap
    mine.signal += gain(_SIGNAL_SHARE, seen.young) * (macd - mine.signal)
    _add(seen, past, mine)
    out[0] = mine.fast_gap / (seen.sigma * _ROOT_FAST)
    out[1] = mine.usual_gap / (seen.sigma * _ROOT_USUAL)
    if seen.bars >= SLOW:
        out[2] = mine.slow_gap / (seen.sigma * _ROOT_SLOW)
    out[3] = macd / seen.sigma
    out[4] = (macd - mine.signal) / seen.sigma
    if seen.bars >= USUAL:
        slope = (2 * mine.weighted - (USUAL - 1) * mine.closes) * _SLOPE_SCALE
        out[5] = slope * _ROOT_USUAL / seen.sigma


_GAP = "Brock, Lakonishok and LeBaron 1992"
FAMILY = Family(
    "trend",
    1,
    (
        FeatureSpec("ema_gap_12", "sigma of 12 bars", "odd", USUAL + 1, _GAP, "log close less its average of span 12"),
        FeatureSpec("ema_gap_48", "sigma of 48 bars", "odd", USUAL + 1, _GAP, "log close less its average of span 48"),
        FeatureSpec("ema_gap_96", "sigma of 96 bars", "odd", SLOW, _GAP, "log close less its average of span 96"),
        FeatureSpec("macd", "sigma", "odd", USUAL + 1, "Appel 2005", "average of span 12 less that of span 26"),
        FeatureSpec("macd_histogram", "sigma", "odd", USUAL + 1, "Appel 2005", "macd less its own average of span 9"),
        FeatureSpec("slope_48", "sigma a root bar", "odd", USUAL + 1, "least squares", "slope of the line through 48 log closes, times root 48"),
    ),
    step,
    Memory,
)
