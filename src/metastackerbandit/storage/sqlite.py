"""The journal's SQLite file: opened in WAL mode, its tables made once, its version checked, its errors named."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.tables import RUNS, STEPS, TABLES, VERSION

BUSY_SECONDS = 30.0  # another process's transaction (a backtest's rows) may take a second; longer means that it hangs


@contextmanager
def storing(home: Path) -> Iterator[None]:
    """Name SQLite's errors for the operator."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageFailed(
            f"the journal answered: {error}", where=str(database(home)), mend="check space and permissions; `sqlite3` can check the file"
        ) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; the write lock is taken at once, so that waiting for it can time out."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def database(home: Path) -> Path:
    """The SQLite file of an installation."""
    return home / "journal.sqlite"


def opened(home: Path) -> sqlite3.Connection:
    """A connection to the journal, made if need be."""
    with storing(home):
        connection = sqlite3.connect(database(home), timeout=BUSY_SECONDS, isolation_level=None)
        try:
            with _alone(home):
                _prepare(home, connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(home: Path, connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema'").fetchone() is None:
        with transaction(connection):
            connection.execute("CREATE TABLE schema (version INTEGER NOT NULL)")
            connection.execute("INSERT INTO schema VALUES (?)", (VERSION,))
            connection.execute(RUNS)
            for table in TABLES:
                connection.execute(table.create())
    else:
        _bring_up(connection)
    _check_version(home, connection)


def _bring_up(connection: sqlite3.Connection) -> None:
    """Take a journal of older code to this version, step by step, each whole or not at all."""
    while (version := _version(connection)) in STEPS:
        with transaction(connection):
            for statement in STEPS[version]:
                connection.execute(statement)
            connection.execute("UPDATE schema SET version = ?", (version + 1,))


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("SELECT version FROM schema").fetchone()
    return int(version)


def _check_version(home: Path, connection: sqlite3.Connection) -> None:
    version = _version(connection)
    if version != VERSION:
        mend = "update msb, or name another --home" if version > VERSION else "move the journal aside, or name another --home"
        raise StorageFailed(f"the journal has version {version}, this program knows {VERSION}", where=str(database(home)), mend=mend)
    for table in TABLES:
        found = tuple(row[1] for row in connection.execute(f"PRAGMA table_info({table.name})"))
        if found != ("run", *table.columns):
            raise StorageFailed(
                f"table {table.name} has columns {', '.join(found[1:])}, not {', '.join(table.columns)}",
                where=str(database(home)),
                mend="other code wrote it: move the journal aside, or name another --home",
            )


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two processes that start at once must not both turn the new file to WAL: SQLite does not wait there."""
    file = os.open(home / "journal.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
