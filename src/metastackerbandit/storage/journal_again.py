"""A run's rows once more, as its log gives them: those that its journal has are held against it, and those that a killed process lost are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.journal import RunWriter
from metastackerbandit.storage.run_view import RunView

_COMPARED = ("fills", "ledger", "trips", "controls", "outcomes", "predictions", "alarms")


class JournalAgain:
    """A sink before a run's writer; once the journal's rows are through, all goes on to it.

    Orders are written again: their last state stands. Monitors may be of other limits today, so alarms are passed over unseen.
    """

    def __init__(self, writer: RunWriter, kept: RunView, done: Mapping[str, int] | None = None) -> None:
        """`done` rows of each kind do not come again: a snapshot was taken behind them."""
        self._writer, self._run = writer, kept.row.run
        self._kept: dict[str, np.ndarray[Any, Any]] = {name: getattr(kept, name)() for name in _COMPARED}
        self._kept["decisions"] = kept.decisions().rows
        self._done = dict.fromkeys(self._kept, 0) | {name: count for name, count in (done or {}).items() if name in self._kept}
        self.flush, self.heartbeat = writer.flush, writer.heartbeat

    def decisions(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Decisions (N,) with traces (N, G)."""
        past = self._past("decisions", rows)
        if past < len(rows):
            self._writer.decisions(rows[past:], observed[past:], limit[past:], verdict[past:])

    def orders(self, rows: np.ndarray) -> None:
        """States of orders."""
        self._writer.orders(rows)

    def fills(self, rows: np.ndarray) -> None:
        """Fills."""
        self._pass("fills", rows)

    def ledger(self, rows: np.ndarray) -> None:
        """Postings."""
        self._pass("ledger", rows)

    def trips(self, rows: np.ndarray) -> None:
        """Closed round trips."""
        self._pass("trips", rows)

    def controls(self, rows: np.ndarray) -> None:
        """Controls."""
        self._pass("controls", rows)

    def outcomes(self, rows: np.ndarray) -> None:
        """What arms' own portfolios earned."""
        self._pass("outcomes", rows)

    def predictions(self, rows: np.ndarray) -> None:
        """Predictions."""
        self._pass("predictions", rows)

    def alarms(self, rows: np.ndarray) -> None:
        """Alarms."""
        self._pass("alarms", rows)

    def check(self) -> None:
        """The log is through: every row that the journal has must have come again, and what comes from here on is new. Raises StorageFailed."""
        for kind, kept in self._kept.items():
            if self._done[kind] < len(kept) and kind != "alarms":
                raise self._other(f"{len(kept):,} {kind}, and its inputs give {self._done[kind]:,}")
        self._done["alarms"] = len(self._kept["alarms"])  # monitors that begin anew need not raise those again

    def _pass(self, kind: str, rows: np.ndarray) -> None:
        past = self._past(kind, rows)
        if past < len(rows):
            getattr(self._writer, kind)(rows[past:])

    def _past(self, kind: str, rows: np.ndarray) -> int:
        """How many of these rows the journal has. Raises StorageFailed where it has others in their place."""
        done = self._done[kind]
        kept = self._kept[kind][done : done + len(rows)]
        self._done[kind] += len(kept)
        if kind != "alarms" and not are_same(kept, rows[: len(kept)]):
            raise self._other(f"other {kind} from place {done + 1:,} on than its inputs give")
        return len(kept)

    def _other(self, what: str) -> StorageFailed:
        mend = "take it up with the program that began it, or leave what it holds with `msb flatten` and begin anew with `msb run --anew`"
        return StorageFailed(f"the journal of run {self._run} has {what}", where=f"run {self._run}", mend=mend)


def are_same(some: np.ndarray, others: np.ndarray) -> bool:
    """Whether rows are the same to the bit, but for what lies between their columns."""
    return all(some[name].tobytes() == others[name].tobytes() for name in some.dtype.names or ())
