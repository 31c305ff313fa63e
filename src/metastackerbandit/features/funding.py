"""What longs pay shorts: the last settled rate, against the settlements before it, and over a day."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.features.spec import Family, FeatureSpec

KEPT = 128  # settlements: 72 hourly ones, and as many waiting for their bar as anyone could announce
CELLS = 7 + 2 * KEPT
_BPS = 1e-4  # of a rate in 1e-8 to basis points
_MEMORY_NS = 3 * DAY_NS
# cells: told, taken into the sums, oldest within a day, oldest in memory, sums of those two windows, time of the first, then times, then rates
_COUNT, _TAKEN, _IN_DAY, _IN_MEMORY, _DAY_SUM, _MEMORY_SUM, _FIRST_NS, _TIMES = range(8)


@kernel
def _drop(settlements: Any, oldest: int, total: int, until_ns: int) -> None:
    """Take settlements at or before `until_ns` out of a window."""
    while settlements[oldest] < settlements[_TAKEN]:
        slot = _TIMES + settlements[oldest] % KEPT
        if settlements[slot] > until_ns:
            return
        settlements[total] -= settlements[slot + KEPT]
        settlements[oldest] += 1


@kernel
def _take(settlements: Any, known_ns: int) -> None:
    while settlements[_TAKEN] < settlements[_COUNT]:
        slot = _TIMES + settlements[_TAKEN] % KEPT
        if settlements[slot] >= known_ns:
            return
        if settlements[_TAKEN] == 0:
            settlements[_FIRST_NS] = settlements[slot]
        settlements[_DAY_SUM] += settlements[slot + KEPT]
        settlements[_MEMORY_SUM] += settlements[slot + KEPT]
        settlements[_TAKEN] += 1


@kernel
def settle(settlements: Any, at_ns: int, rate: int) -> bool:
    """Tell of a settlement: `rate` in 1e-8, in order of `at_ns`. It counts for bars that are known after it. False: KEPT came in 72 h."""
    slot = _TIMES + settlements[_COUNT] % KEPT
    if settlements[_COUNT] - settlements[_IN_MEMORY] == KEPT:
        oldest_ns = settlements[slot]
        if oldest_ns > at_ns - _MEMORY_NS:
            return False
        _take(settlements, oldest_ns + 1)
        _drop(settlements, _IN_DAY, _DAY_SUM, oldest_ns)
        _drop(settlements, _IN_MEMORY, _MEMORY_SUM, oldest_ns)
    settlements[slot] = at_ns
    settlements[slot + KEPT] = rate
    settlements[_COUNT] += 1
    return True


@kernel
def step(bar: Any, seen: Any, settlements: Any, out: Any) -> None:
    """Take in what was settled before this bar was known, drop what is too old; sums are of integers."""
    if seen.has_funding == 0:
        return
    _take(settlements, bar.known_ns)
    _drop(settlements, _IN_DAY, _DAY_SUM, bar.known_ns - DAY_NS)
    _drop(settlements, _IN_MEMORY, _MEMORY_SUM, bar.known_ns - _MEMORY_NS)
    taken = settlements[_TAKEN]
    in_day = taken - settlements[_IN_DAY]
    if in_day == 0:
        return
    last = settlements[_TIMES + KEPT + (taken - 1) % KEPT]
    out[0] = last * _BPS
    if settlements[_FIRST_NS] <= bar.known_ns - DAY_NS:
        out[2] = settlements[_DAY_SUM] * _BPS
    if settlements[_FIRST_NS] <= bar.known_ns - _MEMORY_NS:
        out[1] = (last - settlements[_MEMORY_SUM] / (taken - settlements[_IN_MEMORY])) * _BPS


_SOURCE = "He, Manela, Ross and von Wachter 2022"
FAMILY = Family(
    "funding",
    1,
    (
        FeatureSpec("funding_rate", "bps", "odd", 1, _SOURCE, "last rate settled within 24 h before the bar was known", "funding"),
        FeatureSpec(
            "funding_momentum",
            "bps",
            "odd",
            1,
            _SOURCE,
            "last rate less the mean of the last 72 h of settlements, once 72 h are known",
            "funding",
            formerly="funding_momentum_1h, funding_momentum_12h",
        ),
        FeatureSpec("funding_24h", "bps", "odd", 1, _SOURCE, "sum of the rates of the last 24 h, once 24 h are known", "funding"),
    ),
    step,
)
