"""Two engines' trades side by side: which are equal within stated limits, which differ and in what.

Limits. Times, sides and quantities are equal. A price is the same tick; where slippage moves it between two ticks, our engine rounds it to the one
that is worse for the trader, and a peer that keeps the fraction may be better by less than one tick. Fees and profits may differ by what such a
fraction is worth, by our rounding (a fee is rounded up to 1e-8), and by a float's rounding of the money that changed hands.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from oracles.trades import FIELDS, Trades

TICK_NOISE = 1e-4  # ticks: what prices that went through floats may be off
LOTS_NOISE = 1e-6  # lots that a quantity that went through floats may be off
MONEY_NOISE = 1e-11  # of the money that changed hands
ROUNDED = 4e-8  # currency: fees and settlements are rounded up to 1e-8, each
MOST_DIFFERENT = 0.01  # share of the trades of all scenes that may differ from a peer, each by a rule

COMPARED = FIELDS[1:]
Row = Any  # one trade, a record of oracles.trades.LAYOUT


class Limits(Struct, frozen=True):
    """What equal means in a scene: `fraction` is 1 where prices may lie between ticks, `money` currency of a tick of a lot, `fee` a share."""

    fraction: float
    money: float
    fee: float
    fields: tuple[str, ...] = COMPARED


class Difference(Struct, frozen=True, eq=False):
    """One trade that is not the same: one side may be missing; `fields` says in what the two differ."""

    ours: Row | None
    theirs: Row | None
    fields: tuple[str, ...]

    @property
    def opened_ns(self) -> int:
        """When the first of the two was entered."""
        return min(int(row["opened_ns"]) for row in (self.ours, self.theirs) if row is not None)

    @property
    def closed_ns(self) -> int:
        """When the last of the two was left."""
        return max(int(row["closed_ns"]) for row in (self.ours, self.theirs) if row is not None)


class Comparison(Struct, frozen=True, eq=False):
    """How many trades are equal, and those that are not, in order of entry."""

    equal: int
    differences: tuple[Difference, ...]

    @property
    def share(self) -> float:
        """Of trades that differ."""
        return len(self.differences) / max(self.equal + len(self.differences), 1)


def compare(ours: Trades, theirs: Trades, limits: Limits) -> Comparison:
    """Pair trades by entry candle and side; what has no partner is a difference too."""
    left, right = _by_entry(ours), _by_entry(theirs)
    differences = []
    for key in sorted(left.keys() | right.keys()):
        one, other = left.get(key), right.get(key)
        fields = differing(one, other, limits) if one is not None and other is not None else ("opened_ns",)
        if fields:
            differences.append(Difference(one, other, fields))
    return Comparison(len(left.keys() | right.keys()) - len(differences), tuple(differences))


def _by_entry(trades: Trades) -> dict[tuple[int, int, int], Row]:
    """Trades by candle, side, and how many of that side were entered in that candle before."""
    found: dict[tuple[int, int, int], Row] = {}
    for row in trades:
        opened_ns, side = int(row["opened_ns"]), int(row["side"])
        again = 0
        while (opened_ns, side, again) in found:
            again += 1
        found[opened_ns, side, again] = row
    return found


def differing(ours: Row, theirs: Row, limits: Limits) -> tuple[str, ...]:
    """The compared fields that are not equal within the limits."""
    side, lots = ours["side"], ours["lots"]
    better = {"entry": side * (ours["entry"] - theirs["entry"]), "exit": side * (theirs["exit"] - ours["exit"])}  # ticks that the peer gained
    value = lots * (ours["entry"] + ours["exit"]) * limits.money
    gained = lots * 2 * limits.fraction * limits.money
    noise = MONEY_NOISE * value + ROUNDED
    room = {"fee": limits.fee * gained + noise, "profit": gained * (1 + limits.fee) + noise, "funding": noise}
    found = []
    for name in limits.fields:
        if name in better:
            is_equal = -TICK_NOISE <= better[name] < limits.fraction + TICK_NOISE
        elif name in room:
            is_equal = abs(_before_funding(ours, name, limits) - _before_funding(theirs, name, limits)) <= room[name]
        else:
            is_equal = abs(ours[name] - theirs[name]) <= (LOTS_NOISE if name == "lots" else 0)
        if not is_equal:
            found.append(name)
    return tuple(found)


def _before_funding(row: Row, name: str, limits: Limits) -> float:
    """Profit counts before funding where funding is not compared."""
    return float(row[name] + row["funding"]) if name == "profit" and "funding" not in limits.fields else float(row[name])
