"""The journal: what every run was given, decided, ordered and earned, in one folder; append-only, and readable while it grows.

<home>/journal.sqlite      runs, orders (last state), fills, ledger, trips, controls, outcomes, alarms
<home>/decisions/run=<n>/  decisions as columns (decision_columns.py)
<home>/predictions/run=<n>/  what models said, as columns (prediction_columns.py); none without models
<home>/paper.lock          held by the one paper or live run of this home, freed by the kernel when its process dies
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from metastackerbandit.domain.errors import NotFound, StorageFailed, UsageError
from metastackerbandit.storage.decision_columns import DecisionWriter
from metastackerbandit.storage.prediction_columns import PredictionWriter
from metastackerbandit.storage.run_record import RunRecord, RunRow, State
from metastackerbandit.storage.run_view import RunView, decisions_folder, predictions_folder
from metastackerbandit.storage.sqlite import database, opened, storing, transaction
from metastackerbandit.storage.tables import ALARMS, CONTROLS, FILLS, LEDGER, ORDERS, OUTCOMES, TABLES, TRIPS, Table

FLUSH_ROWS = 50_000  # pending rows that are written without being asked: bounds memory, 10 MB
LEAST_DIGITS = 8  # of an identity in decimals; fewer are the number of a run

_RUN_COLUMNS = RunRow.__struct_fields__
_AS_JSON = ("instruments", "gates", "notices", "models", "frames", "monitors", "arms", "summary")


class Journal:
    """One installation's journal."""

    def __init__(self, home: Path, connection: sqlite3.Connection) -> None:
        self.home = home
        self._connection = connection

    @classmethod
    def open(cls, home: Path, *, create: bool = True) -> Journal:
        """Open the journal of a home; `create=False` is for looking, and finds nothing where nothing has run."""
        if not create and not database(home).exists():
            raise NotFound("no journal here: nothing has run", where=str(home), mend="run `msb backtest` or `msb run`, or name another --home")
        try:
            home.mkdir(parents=True, exist_ok=True)
            return cls(home, opened(home))
        except OSError as error:
            raise StorageFailed(f"the journal could not be opened: {error.strerror}", where=str(home), mend="check permissions and space") from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def begin(self, record: RunRecord, now_ns: int) -> RunWriter:
        """Start a run; a second running paper or live run in this home is refused."""
        lock = _run_lock(self.home) if record.mode != "backtest" else -1
        given = {name: getattr(record, name) for name in RunRecord.__struct_fields__}
        given |= {"started_ns": now_ns, "heartbeat_ns": now_ns, "ended_ns": 0, "pid": os.getpid(), "state": "running"}
        given |= {"decided": -1, "predicted": -1, "summary": {}}
        given |= {name: _json_text(given[name]) for name in _AS_JSON}
        asked = f"INSERT INTO runs ({', '.join(given)}) VALUES ({', '.join('?' * len(given))})"
        try:
            with storing(self.home), transaction(self._connection):
                run = self._connection.execute(asked, tuple(given.values())).lastrowid
            assert run is not None
            decisions = DecisionWriter(decisions_folder(self.home, run), tuple(gate.name for gate in record.gates))
        except StorageFailed:
            _release(lock)
            raise
        return RunWriter(self.home, self._connection, run, decisions, PredictionWriter(predictions_folder(self.home, run)), lock)

    def take_up(self, run: int, now_ns: int) -> RunWriter:
        """Go on with a run whose process was killed, or which left its positions; refused while any run of this home is alive."""
        row = self._find(run)
        lock = _run_lock(self.home)
        try:
            decisions = DecisionWriter(decisions_folder(self.home, run), tuple(gate.name for gate in row.gates), is_new=False)
            predictions = PredictionWriter(predictions_folder(self.home, run), is_new=False)
            writer = RunWriter(self.home, self._connection, run, decisions, predictions, lock)
            writer.live_again(now_ns)
        except StorageFailed:
            _release(lock)
            raise
        return writer

    def runs(self) -> tuple[RunRow, ...]:
        """Every run, the oldest first."""
        return self._select("ORDER BY run")

    def run(self, key: str | int = "last") -> RunView:
        """One run: "last", its number, or the start of its identity (the latest where the same identity ran twice).

        A few digits are always a number: a run that is not there must not become another whose identity happens to begin so.
        """
        return RunView(self.home, self._connection, self._find(key))

    def _find(self, key: str | int) -> RunRow:
        if key == "last":
            found = self._select("ORDER BY run DESC LIMIT 1")
        else:
            text = str(key)
            found = self._select("WHERE run = ?", int(key)) if text.isdecimal() and len(text) < 19 else ()
            if not text.isdecimal() or len(text) >= LEAST_DIGITS:
                found = found or self._select("WHERE substr(identity, 1, length(?1)) = ?1 ORDER BY run DESC", text)
        if not found or key == "":
            (count, newest) = self._counted()
            mend = f"runs 1 to {newest} are here; `last` is the newest" if count else "run `msb backtest` or `msb run` first"
            raise NotFound(f"no run {key!r}", where=str(self.home), mend=mend)
        if len({row.identity for row in found}) > 1:
            raise UsageError(f"{key!r} begins the identities of several runs", where=str(self.home), mend="give more of the identity, or the number")
        return found[0]

    def _counted(self) -> tuple[int, int]:
        with storing(self.home):
            count, newest = self._connection.execute("SELECT COUNT(*), MAX(run) FROM runs").fetchone()
        return count, newest

    def _select(self, rest: str, *given: Any) -> tuple[RunRow, ...]:
        with storing(self.home):
            found = self._connection.execute(f"SELECT {', '.join(_RUN_COLUMNS)} FROM runs {rest}", given).fetchall()
        return tuple(_run_row(values) for values in found)


class RunWriter:
    """Keeps one run's rows; a Sink for both drivers.

    Decisions and predictions are on disk when the call returns. Rows of the tables wait for `flush`, which a driver calls before an order
    leaves, so that its intent is known whatever happens next.
    """

    def __init__(
        self, home: Path, connection: sqlite3.Connection, run: int, decisions: DecisionWriter, predictions: PredictionWriter, lock: int
    ) -> None:
        self.run = run
        self._home = home
        self._connection = connection
        self._decisions = decisions
        self._predictions = predictions
        self._lock = lock
        self._waiting: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in TABLES}
        self._counted = {table.name: 0 for table in TABLES}
        self._waits = 0

    def decisions(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Keep decisions (N,) with traces (N, G)."""
        self._decisions.append(rows, observed, limit, verdict)

    def orders(self, rows: np.ndarray) -> None:
        """Keep states of orders; the last one of an order stands."""
        self._keep(ORDERS, rows)

    def fills(self, rows: np.ndarray) -> None:
        """Keep fills."""
        self._keep(FILLS, rows)

    def ledger(self, rows: np.ndarray) -> None:
        """Keep postings."""
        self._keep(LEDGER, rows)

    def trips(self, rows: np.ndarray) -> None:
        """Keep closed round trips."""
        self._keep(TRIPS, rows)

    def controls(self, rows: np.ndarray) -> None:
        """Keep controls."""
        self._keep(CONTROLS, rows)

    def outcomes(self, rows: np.ndarray) -> None:
        """Keep what arms' own portfolios earned."""
        self._keep(OUTCOMES, rows)

    def alarms(self, rows: np.ndarray) -> None:
        """Keep alarms of monitors."""
        self._keep(ALARMS, rows)

    def predictions(self, rows: np.ndarray) -> None:
        """Keep predictions (N,), asleep ones too."""
        self._predictions.append(rows)

    def flush(self) -> None:
        """Write what waits, all or nothing; nothing waits: nothing is done."""
        if self._waits == 0:
            return
        with storing(self._home), transaction(self._connection):
            for table in TABLES:
                waiting = self._waiting[table.name]
                if waiting:
                    self._connection.executemany(table.insert, [(self.run, *values) for values in waiting])
        for waiting in self._waiting.values():
            waiting.clear()
        self._waits = 0

    def counts(self) -> dict[str, int]:
        """Rows of each kind that the run has by now, those that wait with them; states of orders are not rows."""
        kept = {name: count for name, count in self._counted.items() if name != ORDERS.name}
        return kept | {"decisions": self._decisions.written, "predictions": self._predictions.written}

    def live_again(self, now_ns: int) -> None:
        """The run is alive, in this process; what its journal has is counted."""
        for table in TABLES:
            with storing(self._home):
                (self._counted[table.name],) = self._connection.execute(f"SELECT COUNT(*) FROM {table.name} WHERE run = ?", (self.run,)).fetchone()
        self._update("state = 'running', pid = ?, heartbeat_ns = ?, ended_ns = 0, decided = -1, predicted = -1", os.getpid(), now_ns)

    def heartbeat(self, now_ns: int, summary: Mapping[str, Any]) -> None:
        """Say that the run is alive and how it stands."""
        self.flush()
        self._update("heartbeat_ns = ?, summary = ?", now_ns, _json_text(dict(summary)))

    def finish(self, state: State, summary: Mapping[str, Any], now_ns: int) -> None:
        """End the run: everything is written, the tails become parts, and another paper run may start."""
        try:
            self.flush()
            self._predictions.close()
            self._decisions.close()
            changed = "state = ?, summary = ?, ended_ns = ?, heartbeat_ns = ?, decided = ?, predicted = ?"
            counts = (self._decisions.written, self._predictions.written)
            self._update(changed, state, _json_text(dict(summary)), now_ns, now_ns, *counts)
        finally:
            _release(self._lock)
            self._lock = -1

    def _keep(self, table: Table, rows: np.ndarray) -> None:
        values = table.out(rows)
        self._counted[table.name] += len(values)
        self._waiting[table.name].extend(values)
        self._waits += len(values)
        if self._waits >= FLUSH_ROWS:
            self.flush()

    def _update(self, changed: str, *given: Any) -> None:
        with storing(self._home), transaction(self._connection):
            self._connection.execute(f"UPDATE runs SET {changed} WHERE run = ?", (*given, self.run))


def _run_row(values: tuple[Any, ...]) -> RunRow:
    given = dict(zip(_RUN_COLUMNS, values, strict=True))
    for name in _AS_JSON:
        given[name] = msgspec.json.decode(given[name])
    return msgspec.convert(given, RunRow)


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _run_lock(home: Path) -> int:
    """Take the home for a paper or live run; the lock dies with the process, so a crash leaves nothing to clean."""
    path = home / "paper.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageFailed(f"the lock could not be opened: {error.strerror}", where=str(path), mend="check permissions and space") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise StorageFailed(
            f"another paper run (process {holder}) writes to this home", where=str(home), mend="stop it first, or name another --home"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _release(lock: int) -> None:
    if lock >= 0:
        os.close(lock)
