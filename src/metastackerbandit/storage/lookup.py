"""Finding one decision of a run: the last, the last trade, a number, or what was in force for a symbol at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import NotFound, UsageError
from metastackerbandit.domain.kernel import struct_of
from metastackerbandit.domain.rows import ENTER, DecisionRow
from metastackerbandit.storage.run_view import RunView

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS = "say `last`, `last-trade`, a decision's number, or SYMBOL@TIME such as BTCUSDT@2024-03-01T12:35"


class Found(Struct, frozen=True, eq=False):
    """One decision with its trace: observed, limit, verdict (G,)."""

    row: DecisionRow
    observed: np.ndarray
    limit: np.ndarray
    verdict: np.ndarray


def find_decision(view: RunView, which: str | int) -> Found:
    """The newest decision of a run that `which` names."""
    wanted, missing = _meaning(view, str(which).strip())
    for rows, observed, limit, verdict in view.latest_decisions():
        places = np.flatnonzero(wanted(rows))
        if len(places):
            place = int(places[-1])
            return Found(struct_of(DecisionRow, rows[place]), observed[place], limit[place], verdict[place])
    raise NotFound(f"run {view.row.run} has no {missing}", where=str(view.home), mend=_WORDS)


def _meaning(view: RunView, which: str) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """-> (which rows are meant, what to call them)."""
    if which == "last":
        return lambda rows: np.ones(len(rows), bool), "decision"
    if which == "last-trade":
        return lambda rows: (rows["kind"] == ENTER) & (rows["sent"] != 0), "decision that entered a position"
    if which.isdecimal() and len(which) < 19:
        number = int(which)
        return lambda rows: rows["decision"] == number, f"decision {number}"
    symbol, at, time = which.rpartition("@")
    if not at or not symbol:
        raise UsageError(f"{which!r} names no decision", mend=_WORDS)
    instrument, at_ns = view.place_of(symbol.upper()), time_of(time)
    return lambda rows: (rows["instrument"] == instrument) & (rows["closed_ns"] <= at_ns), f"decision on {symbol.upper()} at or before {time}"


def time_of(text: str) -> int:
    """An ISO date or time as ns; UTC where it says nothing."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a time", mend="write it as 2024-03-01T12:35 (UTC)") from None
    known = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (known - _EPOCH) // timedelta(microseconds=1) * 1_000
