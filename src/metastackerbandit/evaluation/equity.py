"""An account's history by closed bar: checked, and cut where the money ran out."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import DataRefused

Floats = NDArray[np.float64]

_WHERE = "evaluation"


class History(Struct, frozen=True, eq=False):
    """What an account did, bar by bar, all (T,).

    `levels` is equity in money, `start` the equity before the first bar, `returns` simple returns a bar; `exposure` is signed notional
    over equity, `traded` notional traded in the bar over equity. `ruined`: the last bar left no equity, and what came later is not scored.
    """

    start: float
    levels: Floats
    returns: Floats
    exposure: Floats
    traded: Floats
    ruined: bool


def history_of(equity: NDArray[np.int64], capital: int, exposure: Floats, traded: Floats) -> History:
    """The history of equity (T,) in money after `capital`; DataRefused where lengths differ or numbers are missing."""
    if capital <= 0:
        raise DataRefused(f"capital is {capital} money units", where=_WHERE, mend="a return needs equity above 0 to begin with")
    for name, column in (("exposure", exposure), ("traded", traded)):
        if column.shape != equity.shape:
            raise DataRefused(f"{name} has shape {column.shape}, equity {equity.shape}", where=_WHERE, mend="give one value for each closed bar")
    over = np.flatnonzero(equity <= 0)
    ruined = len(over) > 0
    bars = int(over[0]) + 1 if ruined else len(equity)
    levels = np.ascontiguousarray(equity[:bars], np.float64)
    before = np.concatenate((np.array([float(capital)]), levels[:-1])) if bars else levels
    return History(
        start=float(capital),
        levels=levels,
        returns=(levels - before) / before,
        exposure=_column("exposure", exposure[:bars], ruined),
        traded=_column("traded", traded[:bars], ruined),
        ruined=ruined,
    )


def _column(name: str, given: Any, ruined: bool) -> Floats:
    """Finite floats of its own; a ratio to the equity of the ruinous bar does not exist, and counts as none."""
    column = np.array(given, np.float64)
    if ruined and not np.isfinite(column[-1]):
        column[-1] = 0.0
    broken = np.flatnonzero(~np.isfinite(column))
    if len(broken):
        raise DataRefused(f"{name} is {column[broken[0]]} at bar {broken[0]}", where=_WHERE, mend="give a finite fraction of equity for each bar")
    if name == "traded" and len(column) and column.min() < 0.0:
        raise DataRefused(f"traded is negative at bar {int(column.argmin())}", where=_WHERE, mend="traded notional counts buys and sells alike")
    return column
