"""The microprice against the middle price: where the next trade is likelier."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import gain, share_of
from metastackerbandit.features.spans import SECONDS
from metastackerbandit.features.spec import Family, FeatureSpec

_SHORT, _MINUTE = share_of(SECONDS[0]), share_of(SECONDS[1])


class Memory(Struct, frozen=True):
    """The newest gap in bps and averages of it."""

    gap: float
    short: float
    minute: float


@kernel
def hears(second: Any, heard: Any, mine: Any) -> None:
    """Take in a second."""
    mine.gap = math.log(second.microprice / second.mid) * 1e4
    mine.short += gain(_SHORT, heard.young) * (mine.gap - mine.short)
    mine.minute += gain(_MINUTE, heard.young) * (mine.gap - mine.minute)


@kernel
def step(heard: Any, mine: Any, out: Any) -> None:
    """The gap now, and on average."""
    out[0] = mine.gap
    if heard.seconds >= 10:
        out[1] = mine.short
    if heard.seconds >= 60:
        out[2] = mine.minute


_SOURCE = "Stoikov 2018 (first approximation)"
FAMILY = Family(
    "microprice",
    1,
    (
        FeatureSpec("microprice_gap", "bps", "odd", 1, _SOURCE, "log microprice less log middle price at the newest second's end", "book", seconds=1),
        FeatureSpec("microprice_gap_10", "bps", "odd", 1, _SOURCE, "the same, average of span 10 s", "book", seconds=10),
        FeatureSpec("microprice_gap_60", "bps", "odd", 1, _SOURCE, "the same, average of span 60 s", "book", seconds=60),
    ),
    step,
    Memory,
    hears=hears,
)
