"""Where a run's profit came from, and where the profit that it did not make went: sums in money that come out exactly.

Realised profit is the sum of closed trips, what is open, and nothing else. Beside it stand the trades that gates prevented (each once, whoever
prevented it). A trade that several gates blocked is traded only without all of them, so each has an equal part of it: that is the Shapley value
of the game whose worth is the trade where all of its blockers are removed, else nothing (Shapley 1953; unanimity games).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct


class Waterfall(Struct, frozen=True):
    """All in money units. `traded_all` = `realised` + what was prevented; `taken` is what each gate took away by preventing it, as whole fractions.

    `realised` is what double entry books as gained, less fees and funding: `trips`, and `open_profit` of positions that have not closed. A gate
    with a positive number took a profit away, one with a negative spared a loss.
    """

    traded_all: int
    taken: dict[str, Fraction]
    realised: int
    trips: int
    open_profit: int
    prevented: int


def waterfall(realised: int, trips_net: Sequence[int], prevented_net: Sequence[int], blockers: Sequence[Sequence[str]]) -> Waterfall:
    """From "every blocked trade taken as well" down to what was earned.

    `trips_net` (N,) and `prevented_net` (M,) are net money of closed trips and of prevented trades that have ended, `blockers` (M,) the gates
    that prevented each. The prevented trades are each worth what they are alone: capital, caps and cooldowns that they would have taken from
    the trades that were made are not in these sums.
    """
    trips, prevented = sum(int(net) for net in trips_net), sum(int(net) for net in prevented_net)
    taken = shares(prevented_net, blockers)
    return Waterfall(realised + prevented, taken, realised, trips, realised - trips, prevented)


def shares(prevented_net: Sequence[int], blockers: Sequence[Sequence[str]]) -> dict[str, Fraction]:
    """Each gate's Shapley value of the prevented trades; together exactly their sum. A trade without a blocker is refused by ZeroDivisionError."""
    found: dict[str, Fraction] = {}
    for net, gates in zip(prevented_net, blockers, strict=True):
        for gate in gates:
            found[gate] = found.get(gate, Fraction(0)) + Fraction(int(net), len(gates))
    return found
