"""The simplest way to trade a record: enter where the expected return pays its costs, leave where the label ends, one position a symbol."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.label import DOWN, UP
from metastackerbandit.training.record import Record

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_EDGE = 0.25  # of the round trip, beyond it: as decisions ask by default (docs/decisions/0008)


@kernel
def _entered(starts: Ints, ends: Ints, sides: Ints, out: Any) -> None:
    """Mark in out (N,) the wishes of one symbol, in order of time, that find it flat."""
    free_ns = 0
    for n in range(len(starts)):
        if sides[n] != 0 and starts[n] >= free_ns:
            out[n] = True
            free_ns = ends[n]


def wished_sides(record: Record, cost_bps: float) -> Ints:
    """+1 or -1 where probabilities and expected returns agree on a side that pays its costs and a quarter of them more, else 0 (N,)."""
    lead = record.p[:, UP] - record.p[:, DOWN]
    needed = cost_bps * (1.0 + LEAST_EDGE) / 1e4
    up = (lead > 0.0) & (record.long > record.short) & (record.long >= needed)
    down = (lead < 0.0) & (record.short > record.long) & (record.short >= needed)
    return up.astype(np.int64) - down.astype(np.int64)


def traded(record: Record, cost_bps: float) -> tuple[Ints, Floats, Ints]:
    """Places (n,) of the rule's trades in the record, in order of time, their net returns (n,) as fractions, and their sides (n,)."""
    sides = wished_sides(record, cost_bps)
    entered = np.zeros(len(record), np.bool_)
    for symbol in np.unique(record.symbol):
        rows = np.flatnonzero(record.symbol == symbol)
        own = np.zeros(len(rows), np.bool_)
        _entered(record.start_ns[rows], record.end_ns[rows], sides[rows], own)
        entered[rows] = own
    places = np.flatnonzero(entered)
    return places, np.where(sides[places] > 0, record.net_long[places], record.net_short[places]), sides[places]
