"""Every journaled change of a threshold: who, when, from what to what, and why; kept for ever in the journal's own file.

The table stands beside those of the runs and belongs to none. It is made when the first change is kept, so that a journal of any
version can hold it; SQLite itself refuses to change or remove a line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct, structs

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.sqlite import database, opened, storing, transaction

Kind = Literal["set", "restore", "rollback"]

_TABLE = (
    """CREATE TABLE IF NOT EXISTS changes (
    change INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, old TEXT NOT NULL,
    new TEXT NOT NULL, why TEXT NOT NULL)""",
    "CREATE TRIGGER IF NOT EXISTS changes_stand BEFORE UPDATE ON changes BEGIN SELECT RAISE(ABORT, 'changes are only added'); END",
    "CREATE TRIGGER IF NOT EXISTS changes_stay BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'changes are only added'); END",
)


class ChangeRow(Struct, frozen=True):
    """One change: the dotted key as the configuration has it, both values as TOML, or "(not set)", the reason in the user's words."""

    at_ns: int
    who: str
    kind: Kind
    key: str
    old: str
    new: str
    why: str


_COLUMNS = ", ".join(f'"{name}"' for name in ChangeRow.__struct_fields__)
_INSERT = f"INSERT INTO changes ({_COLUMNS}) VALUES ({', '.join('?' * len(ChangeRow.__struct_fields__))})"


def keep_changes(home: Path, rows: Sequence[ChangeRow], apply: Callable[[], None]) -> None:
    """Write the rows, then let the change happen, then commit: a change that fails leaves no row, a row that cannot be written no change."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        connection = opened(home)
    except OSError as error:
        raise StorageFailed(f"the journal could not be opened: {error.strerror}", where=str(home), mend="check permissions and space") from error
    try:
        with storing(home), transaction(connection):
            for statement in _TABLE:
                connection.execute(statement)
            connection.executemany(_INSERT, [structs.astuple(row) for row in rows])
            apply()
    finally:
        connection.close()


def kept_changes(home: Path) -> tuple[ChangeRow, ...]:
    """Every change, the newest first; none where nothing was ever journaled."""
    if not database(home).exists():
        return ()
    connection = opened(home)
    try:
        with storing(home):
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'changes'").fetchone() is None:
                return ()
            found = connection.execute(f"SELECT {_COLUMNS} FROM changes ORDER BY change DESC").fetchall()
    finally:
        connection.close()
    return tuple(ChangeRow(*values) for values in found)
