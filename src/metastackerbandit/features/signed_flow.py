"""Signed flow: what takers bought less what they sold, as a share of what they dealt, over seconds and minutes."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, gain, share_of
from metastackerbandit.features.spans import SECONDS
from metastackerbandit.features.spec import Family, FeatureSpec

_SHORT, _MINUTE, _LONG = (share_of(span) for span in SECONDS)


class Memory(Struct, frozen=True):
    """The newest second's share (NaN: nobody dealt), and averages of signed and of all lots a second."""

    newest: float
    signed_short: float
    signed_minute: float
    signed_long: float
    lots_short: float
    lots_minute: float
    lots_long: float


@kernel
def hears(second: Any, heard: Any, mine: Any) -> None:
    """Take in a second's trades; those without a side are left out."""
    signed = float(second.bought_lots - second.sold_lots)
    lots = float(second.bought_lots + second.sold_lots)
    mine.newest = signed / lots if lots > 0.0 else math.nan
    short, minute, long = gain(_SHORT, heard.young), gain(_MINUTE, heard.young), gain(_LONG, heard.young)
    mine.signed_short += short * (signed - mine.signed_short)
    mine.signed_minute += minute * (signed - mine.signed_minute)
    mine.signed_long += long * (signed - mine.signed_long)
    mine.lots_short += short * (lots - mine.lots_short)
    mine.lots_minute += minute * (lots - mine.lots_minute)
    mine.lots_long += long * (lots - mine.lots_long)


@kernel
def step(heard: Any, mine: Any, out: Any) -> None:
    """Average signed over average lots."""
    out[0] = mine.newest
    if heard.seconds >= 10 and mine.lots_short > DUST:
        out[1] = mine.signed_short / mine.lots_short
    if heard.seconds >= 60 and mine.lots_minute > DUST:
        out[2] = mine.signed_minute / mine.lots_minute
    if heard.seconds >= 300 and mine.lots_long > DUST:
        out[3] = mine.signed_long / mine.lots_long


_SOURCE = "Lillo and Farmer 2004"
FAMILY = Family(
    "signed_flow",
    1,
    (
        FeatureSpec(
            "signed_flow_1",
            "-1..1",
            "odd",
            1,
            _SOURCE,
            "lots that takers bought less sold in the newest second, over their sum; where somebody dealt",
            "book",
            seconds=1,
            is_event=True,
        ),
        *(
            FeatureSpec(
                f"signed_flow_{span}", "-1..1", "odd", 1, _SOURCE, f"the same of averages of span {span} s", "book", seconds=span, is_event=True
            )
            for span in SECONDS
        ),
    ),
    step,
    Memory,
    hears=hears,
)
