"""One run as the journal tells it, for every view that is a query on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import NotFound, StorageFailed
from metastackerbandit.domain.rows import ANY_GATE, DecisionRow
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.storage.decision_columns import Decisions, chosen_decisions, nothing_decided, read_decisions, read_rows, read_verdicts
from metastackerbandit.storage.prediction_columns import count_predictions, read_predictions, read_sides, standing_predictions
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
        self._check_decided(len(found.rows))
        return found

    def decided(self) -> np.ndarray:
        """The rows of all decisions (N,) without their traces, in the order of deciding: a fifth of the bytes."""
        found = read_rows(self._folder, self._gates)
        self._check_decided(len(found))
        return found

    def decisions_where(self, names: tuple[str, ...], choose: Callable[[np.ndarray], np.ndarray]) -> Iterator[Decisions]:
        """From the newest block to the oldest, those that `choose` picks by the columns `names`; little else is read."""
        return chosen_decisions(self._folder, self._gates, names, choose)

    def no_decisions(self) -> Decisions:
        """None, in the shape of this run's."""
        return nothing_decided(self._gates)

    def verdicts(self) -> tuple[np.ndarray, np.ndarray]:
        """What counting needs: rows (N,) in the columns VERDICT_COLUMNS and verdicts (N, G), in the order of deciding."""
        rows, verdict = read_verdicts(self._folder, self._gates)
        self._check_decided(len(rows))
        return rows, verdict

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
        """What arms' own portfolios and prevented trades earned, in the layout of OutcomeRow, in the order in which it was known."""
        return self._rows(OUTCOMES)

    def alarms(self) -> np.ndarray:
        """Alarms of monitors in the layout of AlarmRow, in the order in which they were raised."""
        return self._rows(ALARMS)

    def prevented(self, row: DecisionRow) -> np.ndarray:
        """The ended trade that gates prevented by this decision, (0,) or (1,): the one that it began, or one of its side that was on then."""
        gate = row.sole if row.sole >= 0 else ANY_GATE
        asked = f"""{OUTCOMES.columns_of_run} AND instrument = ? AND gate = ? AND side = ? AND decision <= ? AND at_ns > ?
            ORDER BY decision DESC LIMIT 1"""
        with storing(self.home):
            found = self._connection.execute(asked, (self.row.run, row.instrument, gate, row.side, row.decision, row.at_ns)).fetchall()
        return OUTCOMES.back(found)

    def predictions(self) -> np.ndarray:
        """What models said, asleep or awake, in the layout of Prediction and in the order in which it entered."""
        folder = predictions_folder(self.home, self.row.run)
        found = read_predictions(folder)
        self._check_predicted(len(found), folder)
        return found

    def predicted_sides(self) -> np.ndarray:
        """The same in the columns that tell a side and when it was said (prediction_columns.SIDE_COLUMNS)."""
        folder = predictions_folder(self.home, self.row.run)
        found = read_sides(folder)
        self._check_predicted(len(found), folder)
        return found

    def predictions_standing(self, instrument: int, at_ns: int) -> np.ndarray:
        """The newest word on an instrument that was known by then, one row a frame, the lowest frame first."""
        folder = predictions_folder(self.home, self.row.run)
        if self.row.predicted >= 0:
            self._check_predicted(count_predictions(folder), folder)
        return standing_predictions(folder, instrument, at_ns)

    def positions(self) -> tuple[Held, ...]:
        """Open positions; the truth is the sum of fills."""
        asked = """SELECT instrument, SUM(lots), (SELECT SUM(l.position) FROM ledger l WHERE l.run = f.run AND l.instrument = f.instrument)
            FROM fills f WHERE run = ? GROUP BY instrument HAVING SUM(lots) <> 0 ORDER BY instrument"""
        with storing(self.home):
            found = self._connection.execute(asked, (self.row.run,)).fetchall()
        return tuple(Held(place, lots, cost or 0) for place, lots, cost in found)

    def places_of(self, symbol: str, frame: int | None = None) -> tuple[int, ...]:
        """The books of a symbol in this run, on one frame (ns) or on all."""
        books = [place for place, name in enumerate(self.row.symbols) if name == symbol]
        if not books:
            raise NotFound(
                f"run {self.row.run} has no symbol {symbol!r}", where="journal", mend=f"it has {', '.join(dict.fromkeys(self.row.symbols))}"
            )
        found = tuple(place for place in books if frame is None or self.row.frame_of(place) == frame)
        if not found:
            has = ", ".join(f"{symbol}/{frame_name(self.row.frame_of(place))}" for place in books)
            raise NotFound(f"run {self.row.run} does not trade {symbol} on {frame_name(frame or 0)}", where="journal", mend=f"it has {has}")
        return found

    def _check_decided(self, here: int) -> None:
        if self.row.decided not in (-1, here):
            raise _lost(f"run {self.row.run} decided {self.row.decided} times and {here} decisions are here", self._folder)

    def _check_predicted(self, here: int, folder: Path) -> None:
        if self.row.predicted not in (-1, here):
            raise _lost(f"run {self.row.run} took {self.row.predicted} predictions and {here} are here", folder)

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
