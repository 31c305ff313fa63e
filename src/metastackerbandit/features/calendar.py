"""What time it is: the close's place in the UTC day and week on a circle."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.features.spec import Family, FeatureSpec

_WEEK_NS = 7 * DAY_NS
_SINCE_MONDAY_NS = 3 * DAY_NS  # 1970-01-01 was a Thursday
_TURN = 2.0 * math.pi
_ROUNDING = 1e-12  # sin(pi) is 1e-16 in floats; a column of such dust must be the zero it stands for


@kernel
def _cleaned(value: float) -> float:
    return value if abs(value) > _ROUNDING else 0.0


@kernel
def step(seen: Any, out: Any) -> None:
    """Angles of closed_ns; the place in the day says nothing about bars of a day."""
    if seen.frame_ns < DAY_NS:
        day = _TURN * ((seen.closed_ns % DAY_NS) / DAY_NS)
        out[0] = _cleaned(math.sin(day))
        out[1] = _cleaned(math.cos(day))
    week = _TURN * (((seen.closed_ns + _SINCE_MONDAY_NS) % _WEEK_NS) / _WEEK_NS)
    out[2] = _cleaned(math.sin(week))
    out[3] = _cleaned(math.cos(week))


_SOURCE = "Andersen and Bollerslev 1997 (periodicity)"
FAMILY = Family(
    "calendar",
    1,
    (
        FeatureSpec("day_sin", "-1..1", "even", 1, _SOURCE, "sine of the time of day in UTC; not for bars of a day"),
        FeatureSpec("day_cos", "-1..1", "even", 1, _SOURCE, "cosine of the time of day in UTC; not for bars of a day"),
        FeatureSpec("week_sin", "-1..1", "even", 1, _SOURCE, "sine of the time of week in UTC, from Monday"),
        FeatureSpec("week_cos", "-1..1", "even", 1, _SOURCE, "cosine of the time of week in UTC, from Monday"),
    ),
    step,
)
