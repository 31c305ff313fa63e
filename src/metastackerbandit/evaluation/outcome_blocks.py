"""Two runs on the same clock, cut into blocks as long as a decision's horizon: what each earned and did in every block, side by side.

A block is one outcome: it is long enough that what is decided in it has mostly ended in it, and blocks do not overlap.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RETURN, OPINIONS, WISHES, ENTRIES = 0, 1, 3, 5  # first of BUY and SELL, but for the return
COLUMNS = ("return", "opinions_buy", "opinions_sell", "wishes_buy", "wishes_sell", "entries_buy", "entries_sell")
BPS = 1e4


class Blocks(Struct, frozen=True, eq=False):
    """One run's blocks: when each ended (N,), and its columns (N, 7): net return (a fraction), then counts by side."""

    ended_ns: Ints
    table: Floats


class Pairs(Struct, frozen=True, eq=False):
    """The blocks that two runs have in common."""

    ended_ns: Ints
    champion: Floats
    challenger: Floats

    def differences_bps(self) -> Floats:
        """Net outcome of the challenger less the champion's in every block (M,) where they did not do the same, bps of equity."""
        found = (self.challenger[:, RETURN] - self.champion[:, RETURN]) * BPS
        return found[found != 0.0]

    def after(self, at_ns: int) -> Pairs:
        """The blocks that ended after a time."""
        later = self.ended_ns > at_ns
        return Pairs(self.ended_ns[later], self.champion[later], self.challenger[later])


def blocks_of(rows: np.ndarray, times: Ints, equity: NDArray[np.int64], length_ns: int) -> Blocks:
    """A run's blocks from its decisions in the layout of DecisionRow, and its equity (T,) at times (T,); only whole blocks count."""
    none = Blocks(np.zeros(0, np.int64), np.zeros((0, len(COLUMNS))))
    if not len(times):
        return none
    first, last = -(-int(times[0]) // length_ns), int(times[-1]) // length_ns
    if last <= first:
        return none
    edges = np.arange(first, last + 1, dtype=np.int64) * length_ns
    levels = equity[np.searchsorted(times, edges, side="right") - 1].astype(np.float64)
    table = np.zeros((len(edges) - 1, len(COLUMNS)))
    table[:, RETURN] = levels[1:] / levels[:-1] - 1.0
    place = np.searchsorted(edges, rows["closed_ns"], side="left") - 1
    inside = (place >= 0) & (place < len(table))
    wishes = inside & (rows["asks_risk"] != 0)
    for column, chosen in ((OPINIONS, inside), (WISHES, wishes), (ENTRIES, wishes & (rows["sent"] != 0))):
        for k, side in enumerate((1, -1)):
            table[:, column + k] = np.bincount(place[chosen & (rows["side"] == side)], minlength=len(table))
    return Blocks(edges[1:], table)


def paired(champion: Blocks, challenger: Blocks) -> Pairs:
    """The blocks of both, by the clock."""
    ended, one, other = np.intersect1d(champion.ended_ns, challenger.ended_ns, return_indices=True)
    return Pairs(ended, champion.table[one], challenger.table[other])


def joined(parts: list[Pairs]) -> Pairs:
    """Stretches one after the other."""
    none = np.zeros((0, len(COLUMNS)))
    return Pairs(
        np.concatenate([np.zeros(0, np.int64), *(part.ended_ns for part in parts)]),
        np.concatenate([none, *(part.champion for part in parts)]),
        np.concatenate([none, *(part.challenger for part in parts)]),
    )
