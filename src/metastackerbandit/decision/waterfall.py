"""The waterfall: how many wishes for new risk of each side are left after each gate, in the order in which gates are asked.

A wish falls at its binding gate, the first that blocked it. `sole` are those that this gate alone stopped: what would have been left
without it, all else as it stood.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct, field

from metastackerbandit.domain.gate import UNKNOWN

_HEAD = "left after"
_BAR = 36  # characters of the longest bar of either side in text


class Fall(Struct, frozen=True):
    """One side at one gate: wishes left after it, those that fell at it, of these for lack of data, and those that it alone stopped."""

    left: int
    fell: int
    unknown: int
    sole: int


class Step(Struct, frozen=True):
    """One gate."""

    gate: str
    buy: Fall = field(name="BUY")
    sell: Fall = field(name="SELL")


class Waterfall(Struct, frozen=True):
    """Wishes of each side before the first gate, and every gate in its order."""

    buy: int = field(name="BUY")
    sell: int = field(name="SELL")
    steps: tuple[Step, ...]


def waterfall(rows: np.ndarray, verdict: np.ndarray, gates: Sequence[str]) -> Waterfall:
    """Count decisions (N,) with verdicts (N, G)."""
    falls = {sign: _falls(rows, verdict, len(gates), sign) for sign in (1, -1)}
    steps = tuple(Step(gate, falls[1][1][g], falls[-1][1][g]) for g, gate in enumerate(gates))
    return Waterfall(falls[1][0], falls[-1][0], steps)


def notable(found: Waterfall) -> tuple[Step, ...]:
    """The gates at which something fell."""
    return tuple(step for step in found.steps if step.buy.fell or step.sell.fell)


def waterfall_text(found: Waterfall) -> str:
    """Mirrored bars, SELL to the left and BUY to the right; gates at which nothing fell are counted, not drawn."""
    most = max(found.buy, found.sell, 1)
    kept = notable(found)
    width = max(len(name) for name in (_HEAD, *(step.gate for step in kept)))
    words = [(step.gate, step.sell.left, _fell(step.sell), step.buy.left, _fell(step.buy)) for step in kept]
    lines = [("asked", found.sell, "", found.buy, ""), *words]
    told = max(len(f"{fell} {left:,}") for _, left, fell, _, _ in lines)
    drawn = [
        f"  {name:<{width}}  {f'{sell_fell} {sell:,}':>{told}} {_bar(sell, most):>{_BAR}}|{_bar(buy, most):<{_BAR}} {buy:,} {buy_fell}".rstrip()
        for name, sell, sell_fell, buy, buy_fell in lines
    ]
    head = f"  {_HEAD:<{width}}  {'SELL':>{told + 1 + _BAR}}|BUY"
    rest = len(found.steps) - len(kept)
    return "\n".join([head, *drawn, f"  at the other {rest} gates nothing fell" if kept else f"  nothing fell at any of {rest} gates"])


def _falls(rows: np.ndarray, verdict: np.ndarray, gates: int, sign: int) -> tuple[int, tuple[Fall, ...]]:
    """-> (wishes of a side, what became of them at each gate)."""
    own = (rows["asks_risk"] != 0) & (rows["side"] == sign)
    binding, sole, found = rows["binding"][own], rows["sole"][own], verdict[own]
    left = int(own.sum())
    falls = []
    for g in range(gates):
        here = binding == g
        fell = int(np.count_nonzero(here))
        left -= fell
        falls.append(Fall(left, fell, int(np.count_nonzero(found[here, g] == UNKNOWN)), int(np.count_nonzero(sole == g))))
    return int(own.sum()), tuple(falls)


def _bar(count: int, most: int) -> str:
    """At least one mark for what is there."""
    return "#" * (max(round(count * _BAR / most), 1) if count else 0)


def _fell(fall: Fall) -> str:
    if not fall.fell:
        return ""
    unknown = f", no data {fall.unknown:,}" if fall.unknown else ""
    return f"(-{fall.fell:,}{unknown}, alone {fall.sole:,})"
