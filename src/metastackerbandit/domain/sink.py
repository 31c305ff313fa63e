"""Where a driver puts the rows of a run: the journal, or memory."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from msgspec import Struct, field

from metastackerbandit.domain.kernel import copied, joined, rows
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import AlarmRow, ControlRow, DecisionRow, FillRow, LedgerRow, OrderRow, OutcomeRow, TripRow


class Sink(Protocol):
    """Takes rows in the layouts of domain.rows and domain.prediction; arrays belong to the caller and are copied."""

    def decisions(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Decisions (N,) with their traces (N, G)."""

    def orders(self, rows: np.ndarray) -> None:
        """States of orders."""

    def fills(self, rows: np.ndarray) -> None:
        """Fills."""

    def ledger(self, rows: np.ndarray) -> None:
        """Postings."""

    def trips(self, rows: np.ndarray) -> None:
        """Closed round trips."""

    def controls(self, rows: np.ndarray) -> None:
        """Controls."""

    def outcomes(self, rows: np.ndarray) -> None:
        """What arms' own portfolios earned."""

    def predictions(self, rows: np.ndarray) -> None:
        """Predictions, as they entered."""

    def alarms(self, rows: np.ndarray) -> None:
        """Alarms of monitors."""


class Kept(Struct, frozen=True, eq=False):
    """A run's rows in memory."""

    decisions: np.ndarray
    observed: np.ndarray
    limit: np.ndarray
    verdict: np.ndarray
    orders: np.ndarray
    fills: np.ndarray
    ledger: np.ndarray
    trips: np.ndarray
    controls: np.ndarray
    predictions: np.ndarray = field(default_factory=lambda: rows(Prediction, 0))
    outcomes: np.ndarray = field(default_factory=lambda: rows(OutcomeRow, 0))
    alarms: np.ndarray = field(default_factory=lambda: rows(AlarmRow, 0))


class MemorySink:
    """Keeps everything, or only the kinds of rows that are named (fields of Kept), for tests, comparisons and reports."""

    def __init__(self, *kinds: str) -> None:
        self._parts: dict[str, list[Any]] = {name: [] for name in Kept.__struct_fields__}
        unknown = [kind for kind in kinds if kind not in self._parts]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no such kind of rows; there are {', '.join(self._parts)}")
        self._kinds = frozenset(kinds or self._parts)

    def _keep(self, kind: str, rows: np.ndarray) -> None:
        if kind in self._kinds:
            self._parts[kind].append(copied(rows))

    def decisions(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Copy decisions and traces."""
        for kind, array in zip(("decisions", "observed", "limit", "verdict"), (rows, observed, limit, verdict), strict=True):
            self._keep(kind, array)

    def orders(self, rows: np.ndarray) -> None:
        """Copy order states."""
        self._keep("orders", rows)

    def fills(self, rows: np.ndarray) -> None:
        """Copy fills."""
        self._keep("fills", rows)

    def ledger(self, rows: np.ndarray) -> None:
        """Copy postings."""
        self._keep("ledger", rows)

    def trips(self, rows: np.ndarray) -> None:
        """Copy trips."""
        self._keep("trips", rows)

    def controls(self, rows: np.ndarray) -> None:
        """Copy controls."""
        self._keep("controls", rows)

    def predictions(self, rows: np.ndarray) -> None:
        """Copy predictions."""
        self._keep("predictions", rows)

    def outcomes(self, rows: np.ndarray) -> None:
        """Copy outcomes."""
        self._keep("outcomes", rows)

    def alarms(self, rows: np.ndarray) -> None:
        """Copy alarms."""
        self._keep("alarms", rows)

    def kept(self) -> Kept:
        """Everything so far, one array a kind."""
        return Kept(**{name: joined(parts) if parts else _nothing(name) for name, parts in self._parts.items()})


_ROWS: dict[str, type[Struct]] = {
    "decisions": DecisionRow,
    "orders": OrderRow,
    "fills": FillRow,
    "ledger": LedgerRow,
    "trips": TripRow,
    "controls": ControlRow,
    "predictions": Prediction,
    "outcomes": OutcomeRow,
    "alarms": AlarmRow,
}


def _nothing(name: str) -> np.ndarray:
    """No rows of a kind, or no traces."""
    return rows(_ROWS[name], 0) if name in _ROWS else np.zeros((0, 0))


class Tee:
    """Gives every row to several sinks, the first one first."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def decisions(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Pass on decisions."""
        for sink in self._sinks:
            sink.decisions(rows, observed, limit, verdict)

    def orders(self, rows: np.ndarray) -> None:
        """Pass on order states."""
        for sink in self._sinks:
            sink.orders(rows)

    def fills(self, rows: np.ndarray) -> None:
        """Pass on fills."""
        for sink in self._sinks:
            sink.fills(rows)

    def ledger(self, rows: np.ndarray) -> None:
        """Pass on postings."""
        for sink in self._sinks:
            sink.ledger(rows)

    def trips(self, rows: np.ndarray) -> None:
        """Pass on trips."""
        for sink in self._sinks:
            sink.trips(rows)

    def controls(self, rows: np.ndarray) -> None:
        """Pass on controls."""
        for sink in self._sinks:
            sink.controls(rows)

    def predictions(self, rows: np.ndarray) -> None:
        """Pass on predictions."""
        for sink in self._sinks:
            sink.predictions(rows)

    def outcomes(self, rows: np.ndarray) -> None:
        """Pass on outcomes."""
        for sink in self._sinks:
            sink.outcomes(rows)

    def alarms(self, rows: np.ndarray) -> None:
        """Pass on alarms."""
        for sink in self._sinks:
            sink.alarms(rows)
