"""The next higher frame, as far as it has closed: its return, its trend, its volatility, and where the price stands in it."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.range_variance import rogers_satchell
from metastackerbandit.domain.timeframe import DAY_NS, FRAMES, HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.features.spans import USUAL
from metastackerbandit.features.spec import Family, FeatureSpec
from metastackerbandit.market.resample import Forming, absorb, overdue

WEEK_NS = 7 * DAY_NS  # weeks of the UTC clock end where the days since 1970 divide by 7: Thursday 00:00
HIGHER: dict[int, int] = {
    SECOND_NS: MINUTE_NS,
    MINUTE_NS: 15 * MINUTE_NS,
    5 * MINUTE_NS: HOUR_NS,
    15 * MINUTE_NS: 4 * HOUR_NS,
    30 * MINUTE_NS: 4 * HOUR_NS,
    HOUR_NS: DAY_NS,
    4 * HOUR_NS: DAY_NS,
    12 * HOUR_NS: WEEK_NS,
    DAY_NS: WEEK_NS,
}
LOOKED_AT = 6  # higher bars: a working week of days, a day of 4h; more would let daily rows wait for half a year
_KEPT = LOOKED_AT + 1
CELLS = 4 * _KEPT  # rings of log closes, log highs, log lows, variances


class Memory(Struct, frozen=True):
    """The higher bar that forms, the last one done, how many counted, and the extremes and mean variance of the last LOOKED_AT."""

    forming: Forming
    done: Bar
    count: int
    log_high: float
    log_low: float
    variance: float


def higher_ns(frame_ns: int) -> int:
    """The next higher frame that a frame's bars look at."""
    higher = HIGHER.get(frame_ns)
    if higher is None:
        raise ConfigRefused(f"no higher frame is known for bars of {frame_ns / SECOND_NS:g} s", mend=f"use one of {', '.join(FRAMES)}")
    return higher


@kernel
def _take(mine: Any, reals: Any) -> None:
    """Keep a closed higher bar; the first only when whole, since where history begins is nobody's price."""
    done = mine.done
    if mine.count == 0 and done.parts < done.parts_due:
        return
    slot = mine.count % _KEPT
    reals[slot] = math.log(done.close)
    reals[_KEPT + slot] = math.log(done.high)
    reals[2 * _KEPT + slot] = math.log(done.low)
    reals[3 * _KEPT + slot] = rogers_satchell(done.open, done.high, done.low, done.close)
    mine.count += 1
    if mine.count < LOOKED_AT:
        return
    high = -math.inf
    low = math.inf
    variance = 0.0
    for back in range(LOOKED_AT, 0, -1):
        place = (mine.count - back) % _KEPT
        high = max(high, reals[_KEPT + place])
        low = min(low, reals[2 * _KEPT + place])
        variance += reals[3 * _KEPT + place]
    mine.log_high = high
    mine.log_low = low
    mine.variance = variance / LOOKED_AT


@kernel
def step(bar: Any, seen: Any, mine: Any, reals: Any, out: Any) -> None:
    """Close the higher bar that this bar finishes or that a hole left behind, then read what has closed."""
    if overdue(mine.forming, bar.opened_ns, seen.frame_ns, seen.higher_ns, mine.done):
        _take(mine, reals)
    if absorb(mine.forming, bar, seen.frame_ns, seen.higher_ns, mine.done):
        _take(mine, reals)
    count = mine.count
    if count >= 2:
        sigma = seen.sigma * math.sqrt(seen.higher_ns / seen.frame_ns)
        last = reals[(count - 1) % _KEPT]
        out[0] = (last - reals[(count - 2) % _KEPT]) / sigma
        if count > LOOKED_AT:
            out[1] = (last - reals[(count - 1 - LOOKED_AT) % _KEPT]) / (sigma * math.sqrt(LOOKED_AT))
        if count >= LOOKED_AT and mine.variance > 0.0:
            out[2] = 0.5 * math.log(mine.variance / (sigma * sigma))
    if count >= LOOKED_AT and mine.log_high > mine.log_low:
        out[3] = ((seen.log_close - mine.log_low) - (mine.log_high - seen.log_close)) / (mine.log_high - mine.log_low)


_SOURCE = "Mueller et al. 1997 (coarse volatility leads fine)"
FAMILY = Family(
    "higher",
    1,
    (
        FeatureSpec("higher_return", "sigma of its bar", "odd", USUAL + 1, _SOURCE, "log return of the last closed higher bar", higher_bars=2),
        FeatureSpec(
            "higher_trend",
            "sigma of 6 of its bars",
            "odd",
            USUAL + 1,
            _SOURCE,
            "log return of the last 6 closed higher bars",
            higher_bars=LOOKED_AT + 1,
        ),
        FeatureSpec(
            "higher_volatility_ratio",
            "log",
            "even",
            USUAL + 1,
            _SOURCE,
            "log of the Rogers-Satchell volatility of 6 higher bars over sigma on their scale",
            higher_bars=LOOKED_AT,
        ),
        FeatureSpec(
            "higher_position",
            "about -1..1",
            "odd",
            1,
            _SOURCE,
            "place of the log close in the range of the last 6 closed higher bars; beyond 1 outside it",
            higher_bars=LOOKED_AT,
        ),
    ),
    step,
    Memory,
    reals=CELLS,
)
