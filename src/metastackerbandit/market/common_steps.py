"""Steps of price and size in which the books of several venues can be laid side by side: the largest that all of their own are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel

MOST_FINER = 10**6  # common steps that make one of a venue's: of more, prices would not fit 64 bits


class CommonSteps(Struct, frozen=True, eq=False):
    """Common `tick` and `lot`: a tick of venue v is `ticks[v]` (V,) of them, a lot `lots[v]` (V,); `step` common ticks are whole ticks of all."""

    tick: Decimal
    lot: Decimal
    ticks: np.ndarray
    lots: np.ndarray
    step: int

    @property
    def unit(self) -> float:
        """What one common lot at one common tick is worth, in quote currency."""
        return float(self.tick) * float(self.lot)


def common_steps(instruments: Sequence[Instrument]) -> CommonSteps:
    """The steps that these instruments share.

    Raises:
        InstrumentRefused: one's steps are more than a million times as coarse as the common ones, so that 64 bits could overflow.
    """
    tick, ticks = _shared([Decimal(one.tick_size) for one in instruments])
    lot, lots = _shared([Decimal(one.lot_size) for one in instruments])
    for name, counts in (("tick_size", ticks), ("lot_size", lots)):
        if max(counts) > MOST_FINER:
            one = instruments[counts.index(max(counts))]
            raise InstrumentRefused(
                f"its {name} {getattr(one, name)} is {max(counts):,} of the steps that all venues share, at most {MOST_FINER:,} fit 64 bits",
                where=one.id,
                mend="leave out the venue with the odd steps",
            )
    return CommonSteps(tick, lot, np.array(ticks, np.int64), np.array(lots, np.int64), math.lcm(*ticks))


def _shared(steps: Sequence[Decimal]) -> tuple[Decimal, list[int]]:
    """The largest step that these are whole multiples of, and how many of it each one is."""
    scale = max(0, *(-int(step.normalize().as_tuple().exponent) for step in steps))
    wholes = [int(step.scaleb(scale)) for step in steps]
    shared = math.gcd(*wholes)
    return Decimal(shared).scaleb(-scale), [whole // shared for whole in wholes]


@kernel
def lay_side(side: Any, count: int, ticks: int, lots: int, out: Any) -> bool:
    """The levels (D, 2) of one side, `count` of them, in steps that are finer by these factors -> out (D, 2).

    False where the ticks times the lots of one do not fit 64 bits.
    """
    for n in range(count):
        if float(side[n, 0]) * ticks * side[n, 1] * lots > 9e18:
            return False
        out[n, 0] = side[n, 0] * ticks
        out[n, 1] = side[n, 1] * lots
    return True


@kernel
def lay_book(row: Any, bids: Any, asks: Any, ticks: int, lots: int, to_row: Any, to_bids: Any, to_asks: Any) -> bool:
    """A book (market.book) in steps that are finer by these factors; False where a level does not fit 64 bits, and the book is not to be used.

    What was known of it is as far as before: between two of its own ticks there is nothing to be known.
    """
    to_row.bids = row.bids
    to_row.asks = row.asks
    to_row.known_bid = row.known_bid * ticks - (ticks - 1) if row.known_bid > 0 else 0
    to_row.known_ask = row.known_ask * ticks + (ticks - 1) if row.known_ask > 0 else 0
    return lay_side(bids, row.bids, ticks, lots, to_bids) and lay_side(asks, row.asks, ticks, lots, to_asks)
