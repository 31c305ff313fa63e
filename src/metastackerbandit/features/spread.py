"""The quoted spread: now, over a minute, and against its own habit."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import gain, share_of
from metastackerbandit.features.spans import SECONDS
from metastackerbandit.features.spec import Family, FeatureSpec

_SHORT, _MINUTE, _LONG = (share_of(span) for span in SECONDS)


class Memory(Struct, frozen=True):
    """The newest spread, and averages of how wide it was on average in each second, bps."""

    newest: float
    short: float
    minute: float
    long: float


@kernel
def hears(second: Any, heard: Any, mine: Any) -> None:
    """Take in a second."""
    mine.newest = second.spread_bps
    mine.short += gain(_SHORT, heard.young) * (second.spread_mean_bps - mine.short)
    mine.minute += gain(_MINUTE, heard.young) * (second.spread_mean_bps - mine.minute)
    mine.long += gain(_LONG, heard.young) * (second.spread_mean_bps - mine.long)


@kernel
def step(heard: Any, mine: Any, out: Any) -> None:
    """The spread, its mean, and the log of a short mean over a long one."""
    out[0] = mine.newest
    if heard.seconds >= 60:
        out[1] = mine.minute
    if heard.seconds >= 300:
        out[2] = math.log(mine.short / mine.long)


_SOURCE = "Roll 1984; Huang and Stoll 1997"
FAMILY = Family(
    "spread",
    1,
    (
        FeatureSpec("spread_bps", "bps", "even", 1, _SOURCE, "best ask less best bid over the middle at the newest second's end", "book", seconds=1),
        FeatureSpec("spread_60", "bps", "even", 1, _SOURCE, "the time-weighted spread, average of span 60 s", "book", seconds=60),
        FeatureSpec("spread_ratio", "log", "even", 1, _SOURCE, "log of its average of span 10 s over that of span 300 s", "book", seconds=300),
    ),
    step,
    Memory,
    hears=hears,
)
