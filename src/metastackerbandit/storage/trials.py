"""The registry of trials: every different run that was tried on a market, so that the best of many is judged as the best of many.

<home>/trials.sqlite, a file of its own: it only grows, and outlives a journal that was moved aside. Rows of one market, frame and purpose
are a family. Runs that came to the same returns over the same bars are one trial, whatever they were called.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.storage.sqlite import BUSY_SECONDS, transaction

Floats = NDArray[np.float64]
Kind = Literal["backtest", "train", "sweep"]

VERSION = 1

_TABLE = """CREATE TABLE IF NOT EXISTS trials (
    trial INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, kind TEXT NOT NULL, family TEXT NOT NULL, identity TEXT NOT NULL, name TEXT NOT NULL,
    from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL, bars INTEGER NOT NULL, sharpe REAL, skew REAL, kurtosis REAL, annual_sharpe REAL,
    returns BLOB NOT NULL, seal TEXT NOT NULL, UNIQUE (family, identity))"""
_GUARDS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS no_{verb.lower()} BEFORE {verb} ON trials BEGIN SELECT RAISE(ABORT, 'trials are only added'); END"
    for verb in ("UPDATE", "DELETE")
)


class Trial(Struct, frozen=True, kw_only=True):
    """One run as the registry keeps it.

    `identity` is the hash of configuration, code, models and inputs; `name` the arm or model family. `sharpe`, `skew` and `kurtosis` are of
    net returns a bar over `bars` bars, NaN where unknown; `returns` the same returns summed over few long bars, float64 little-endian, empty for
    none.
    """

    at_ns: int
    kind: Kind
    family: str
    identity: str
    name: str
    from_ns: int
    to_ns: int
    bars: int
    sharpe: float
    skew: float
    kurtosis: float
    annual_sharpe: float
    returns: bytes = b""

    @property
    def series(self) -> Floats:
        """The summed returns as numbers (B,)."""
        return np.frombuffer(self.returns, "<f8").astype(np.float64)

    def outcome(self) -> str:
        """What tells it from other trials: its returns and their span, or its identity where it has none."""
        if not self.returns:
            return self.identity
        return _hash(struct.pack("<qqq", self.from_ns, self.to_ns, self.bars) + self.returns)


_COLUMNS = Trial.__struct_fields__


def returns_text(returns: Floats) -> bytes:
    """Returns (B,) as a trial keeps them."""
    return np.ascontiguousarray(returns, "<f8").tobytes()


def family_of(instruments: tuple[Instrument, ...], *frames_ns: int, purpose: str = "net return") -> str:
    """Key of all trials on these symbols of these venues, these frames and purpose; not of the span: a day more or less is no new market."""
    names = sorted({f"{instrument.venue} {instrument.market} {instrument.symbol}" for instrument in instruments})
    return _hash("\n".join((*names, *map(str, frames_ns), purpose)).encode())[:16]


class TrialRegistry:
    """One installation's trials; several processes may add at once."""

    def __init__(self, home: Path, connection: sqlite3.Connection) -> None:
        self._home = home
        self._connection = connection

    @classmethod
    def open(cls, home: Path) -> TrialRegistry:
        """Open the registry of a home, made if need be; StorageFailed where the file is damaged or newer than this program."""
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageFailed(f"the trials could not be opened: {error.strerror}", where=str(home), mend="check permissions and space") from error
        with _storing(home):
            connection = sqlite3.connect(database(home), timeout=BUSY_SECONDS, isolation_level=None)
            try:
                _prepare(home, connection)
            except BaseException:
                connection.close()
                raise
        return cls(home, connection)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> TrialRegistry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(self, trial: Trial) -> bool:
        """Add a trial; on disk when the call returns. False where the identity is known in its family: the first one stands."""
        values = tuple(_out(getattr(trial, name)) for name in _COLUMNS)
        marks = ", ".join("?" * (len(_COLUMNS) + 1))
        asked = f"INSERT INTO trials ({', '.join(_COLUMNS)}, seal) VALUES ({marks}) ON CONFLICT (family, identity) DO NOTHING"
        with _storing(self._home), transaction(self._connection):
            return self._connection.execute(asked, (*values, _seal(values))).rowcount == 1

    def of(self, family: str) -> tuple[Trial, ...]:
        """Every trial of a family that came to something else than those before it, the oldest first."""
        self._check_complete()
        with _storing(self._home):
            found = self._connection.execute(f"SELECT {', '.join(_COLUMNS)}, seal FROM trials WHERE family = ? ORDER BY trial", (family,)).fetchall()
        trials: dict[str, Trial] = {}
        for *values, seal in found:
            if _seal(tuple(values)) != seal:
                raise self._damaged("a trial's row does not match its seal")
            trial = _trial(values)
            trials.setdefault(trial.outcome(), trial)
        return tuple(trials.values())

    def count(self, family: str) -> int:
        """How many different trials a family has."""
        return len(self.of(family))

    def sharpes(self, family: str) -> Floats:
        """Their Sharpe ratios a bar (N,); NaN where unknown."""
        return np.array([trial.sharpe for trial in self.of(family)], np.float64)

    def _check_complete(self) -> None:
        """Rows are numbered without holes; a hole was cut."""
        with _storing(self._home):
            count, newest = self._connection.execute("SELECT COUNT(*), COALESCE(MAX(trial), 0) FROM trials").fetchone()
        if count != newest:
            raise self._damaged(f"{newest - count} of {newest} trials are gone")

    def _damaged(self, what: str) -> StorageFailed:
        return _failed(self._home, what)


def database(home: Path) -> Path:
    """The registry's file."""
    return home / "trials.sqlite"


def _prepare(home: Path, connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        with transaction(connection):
            connection.execute(_TABLE)
            for guard in _GUARDS:
                connection.execute(guard)
            connection.execute(f"PRAGMA user_version = {VERSION}")
    elif version != VERSION:
        raise StorageFailed(
            f"the trials have version {version}, this program knows {VERSION}", where=str(database(home)), mend="update msb, or name another --home"
        )
    found = {row[1] for row in connection.execute("PRAGMA table_info(trials)")}
    if found != {"trial", *_COLUMNS, "seal"}:
        raise _failed(home, "its table has other columns")


@contextmanager
def _storing(home: Path) -> Iterator[None]:
    """Name SQLite's errors for the operator."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageFailed(f"the trials answered: {error}", where=str(database(home)), mend="check space and permissions") from error
    except sqlite3.Error as error:
        raise _failed(home, str(error)) from error


def _failed(home: Path, what: str) -> StorageFailed:
    return StorageFailed(
        f"the registry of trials is damaged: {what}",
        where=str(database(home)),
        mend="restore it from a copy; without it nobody knows how many runs were tried, and no verdict above WEAK is worth its word",
    )


def _trial(values: list[object]) -> Trial:
    given = dict(zip(_COLUMNS, values, strict=True))
    for name in ("sharpe", "skew", "kurtosis", "annual_sharpe"):
        given[name] = math.nan if given[name] is None else given[name]
    return Trial(**given)  # type: ignore[arg-type]


def _out(value: object) -> object:
    """SQLite knows neither NaN, which is NULL, nor -0.0, which is 0."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else value + 0.0


def _seal(values: tuple[object, ...]) -> str:
    """A hash of a row; numbers by their bits."""
    parts = [struct.pack("<d", value) if isinstance(value, float) else repr(value).encode() for value in values]
    return _hash(b"\x00".join(parts))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
