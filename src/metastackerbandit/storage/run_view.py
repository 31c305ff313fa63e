"""One run as the journal tells it, for every view that is a query on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import NotFound, StorageFailed
from metastackerbandit.storage.decision_columns import Decisions, newest_first, read_decisions
from metastackerbandit.storage.prediction_columns import read_predictions
from metastackerbandit.storage.run_record import RunRow
from metastackerbandit.storage.sqlite import storing
from metastackerbandit.storage.tables import ALARMS, CONTROLS, FILLS, LEDGER, ORDERS, OUTCOMES, TRIPS, Table


class Held(Struct, frozen=True):
    """A position by the ledger of fills: signed lots, and their cost in money."""

    instrument: int
    lots: int
    cost: int


class RunView:
    """Reads one run; rows come back as they were written, to the bit, also while the run goes on."""

    def __init__(self, home: Path, connection: sqlite3.Connection, row: RunRow) -> None:
        self.home = home
        self.row = row
        self._connection = connection
        self._folder = decisions_folder(home, row.run)
        self._gates = tuple(gate.name for gate in row.gates)

    def decisions(self) -> Decisions:
        """All decisions with their traces, in the order of deciding; an ended run must have as many as it counted."""
        found = read_decisions(self._folder, self._gates)
        if self.row.decided not in (-1, len(found.rows)):
            raise _lost(f"run {self.row.run} decided {self.row.decided} times and {len(found.rows)} decisions are here", self._folder)
        return found

    def latest_decisions(self) -> Iterator[Decisions]:
        """The same block by block, the newest block first."""
        return newest_first(self._folder, self._gates)

    def orders(self) -> np.ndarray:
        """The last state of every order, in the layout of OrderRow."""
        return self._rows(ORDERS)

    def fills(self) -> np.ndarray:
        """Fills in the layout of FillRow."""
        return self._rows(FILLS)

    def ledger(self) -> np.ndarray:
        """Postings in the layout of LedgerRow."""
        return self._rows(LEDGER)

    def trips(self) -> np.ndarray:
        """Round trips in the layout of TripRow."""
        return self._rows(TRIPS)

    def controls(self) -> np.ndarray:
        """Controls in the layout of ControlRow, in the order in which they came."""
        return self._rows(CONTROLS)

    def outcomes(self) -> np.ndarray:
        """What arms' own portfolios earned, in the layout of OutcomeRow, in the order in which it was known."""
        return self._rows(OUTCOMES)

    def alarms(self) -> np.ndarray:
        """Alarms of monitors in the layout of AlarmRow, in the order in which they were raised."""
        return self._rows(ALARMS)

    def predictions(self) -> np.ndarray:
        """What models said, asleep or awake, in the layout of Prediction and in the order in which it entered."""
        folder = predictions_folder(self.home, self.row.run)
        found = read_predictions(folder)
        if self.row.predicted not in (-1, len(found)):
            raise _lost(f"run {self.row.run} took {self.row.predicted} predictions and {len(found)} are here", folder)
        return found

    def predictions_on(self, instrument: int, closed_ns: int) -> np.ndarray:
        """What was said of the bars of an instrument that closed then, one row a frame, in the order in which it entered."""
        said = self.predictions()
        return said[(said["instrument"] == instrument) & (said["closed_ns"] == closed_ns)]

    def predictions_standing(self, instrument: int, at_ns: int) -> np.ndarray:
        """The newest word on an instrument that was known by then, one row a frame, the lowest frame first."""
        said = self.predictions()
        known = said[(said["instrument"] == instrument) & (said["at_ns"] <= at_ns)]
        return known[[int(np.flatnonzero(known["frame_ns"] == frame)[-1]) for frame in np.unique(known["frame_ns"])]]

    def positions(self) -> tuple[Held, ...]:
        """Open positions; the truth is the sum of fills."""
        asked = """SELECT instrument, SUM(lots), (SELECT SUM(l.position) FROM ledger l WHERE l.run = f.run AND l.instrument = f.instrument)
            FROM fills f WHERE run = ? GROUP BY instrument HAVING SUM(lots) <> 0 ORDER BY instrument"""
        with storing(self.home):
            found = self._connection.execute(asked, (self.row.run,)).fetchall()
        return tuple(Held(place, lots, cost or 0) for place, lots, cost in found)

    def place_of(self, symbol: str) -> int:
        """The instrument number of a symbol in this run."""
        if symbol not in self.row.symbols:
            raise NotFound(f"run {self.row.run} has no symbol {symbol!r}", where="journal", mend=f"it has {', '.join(self.row.symbols)}")
        return self.row.symbols.index(symbol)

    def _rows(self, table: Table) -> np.ndarray:
        with storing(self.home):
            found = self._connection.execute(table.select, (self.row.run,)).fetchall()
        return table.back(found)


def decisions_folder(home: Path, run: int) -> Path:
    """Where a run's decisions lie."""
    return home / "decisions" / f"run={run}"


def predictions_folder(home: Path, run: int) -> Path:
    """Where what models said in a run lies; absent where there were none."""
    return home / "predictions" / f"run={run}"


def _lost(what: str, folder: Path) -> StorageFailed:
    return StorageFailed(what, where=str(folder), mend="a part is missing: restore it from a backup, or run again")
