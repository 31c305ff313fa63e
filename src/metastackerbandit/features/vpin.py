"""VPIN: how one-sided the trades of the last fifty buckets of equal volume were, by the takers' true sides."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, gain, share_of
from metastackerbandit.features.spans import SECONDS
from metastackerbandit.features.spec import Family, FeatureSpec

BUCKETS = 50  # Easley, Lopez de Prado and O'Hara 2012
BUCKET_SECONDS = 6.0  # of average volume: fifty buckets are about the 300 s that the other measures look back
LEAST_SECONDS = 60  # heard before the average volume, and with it the first bucket, counts
_LONG = share_of(SECONDS[2])


class Memory(Struct, frozen=True):
    """Average lots a second; the open bucket's size (0: none is open), what is in it and how much of that was bought less sold; buckets filled."""

    average: float
    due: float
    filled: float
    signed: float
    buckets: int


@kernel
def _begin_bucket(mine: Any) -> None:
    """A bucket of so many seconds' average volume, fixed from here on."""
    mine.due = BUCKET_SECONDS * mine.average
    mine.filled = 0.0
    mine.signed = 0.0


@kernel
def hears(second: Any, heard: Any, mine: Any, cells: Any) -> None:
    """Pour a second's trades into buckets; it is in the average that they are sized by, so even the largest fills no more than half of them."""
    lots = float(second.bought_lots + second.sold_lots)
    mine.average += gain(_LONG, heard.young) * (lots - mine.average)
    if heard.seconds < LEAST_SECONDS or not lots > 0.0:
        return
    side = (second.bought_lots - second.sold_lots) / lots
    if mine.due == 0.0:
        _begin_bucket(mine)
    for _ in range(BUCKETS + 1):
        part = min(lots, mine.due - mine.filled)
        mine.filled += part
        mine.signed += side * part
        lots -= part
        if mine.filled < mine.due:
            return
        cells[mine.buckets % BUCKETS] = abs(mine.signed) / mine.due
        mine.buckets += 1
        _begin_bucket(mine)


@kernel
def step(mine: Any, cells: Any, out: Any) -> None:
    """The mean of the last fifty buckets, oldest first."""
    if mine.buckets < BUCKETS or not mine.average > DUST:
        return
    total = 0.0
    for n in range(BUCKETS):
        total += cells[(mine.buckets + n) % BUCKETS]
    out[0] = total / BUCKETS


FAMILY = Family(
    "vpin",
    1,
    (
        FeatureSpec(
            "vpin_50",
            "0..1",
            "even",
            1,
            "Easley, Lopez de Prado and O'Hara 2012",
            "mean of the unsigned share of bought less sold lots over 50 buckets of 6 s of average volume (span 300 s), by true sides",
            "book",
            seconds=LEAST_SECONDS,
            is_event=True,
        ),
    ),
    step,
    Memory,
    hears=hears,
    cells=BUCKETS,
)
