"""SQL over all that an installation holds: its columns, candles, journal and decisions as tables, read-only and without a way out.

The database is in memory. It is handed files as arrow data sets, so the SQL itself can open none: neither files nor network, and no setting can be
changed once it is made. Only what a query names is opened.
"""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
from msgspec import Struct
from pyarrow import parquet

from metastackerbandit.domain.errors import DataRefused, NotFound, StorageFailed, UsageError
from metastackerbandit.storage.candle_names import did_you_mean
from metastackerbandit.storage.market_columns import market_folder
from metastackerbandit.storage.market_kinds import KINDS
from metastackerbandit.storage.sqlite import database
from metastackerbandit.storage.store import leaf_folders, store_folder

if TYPE_CHECKING:
    import duckdb

_DAY = "strftime(make_timestamp({at} // 1000), '%Y-%m-%d')"
_PRICED: dict[str, dict[str, str]] = {
    "trades": {"price": "ticks", "quantity": "lots"},
    "quotes": {"bid_price": "bid", "bid_size": "bid_lots", "ask_price": "ask", "ask_size": "ask_lots"},
    "liquidations": {"price": "ticks", "quantity": "lots"},
    "venue_bars": {f"{name}_price": name for name in ("open", "high", "low", "close")},
    "bars": {f"{name}_price": name for name in ("open", "high", "low", "close")},
    "replay_bars": {f"{name}_price": name for name in ("open", "high", "low", "close")},
}  # decimals for reading, of which column each; ticks, lots and the steps stand beside them
_LEVELS = """
    SELECT venue, market, symbol, received_ns, last_id, 'bid' AS side, UNNEST(bid_ticks) AS ticks, UNNEST(bid_lots) AS lots, tick, lot FROM depth
    UNION ALL
    SELECT venue, market, symbol, received_ns, last_id, 'ask' AS side, UNNEST(ask_ticks) AS ticks, UNNEST(ask_lots) AS lots, tick, lot FROM depth"""


class Column(Struct, frozen=True):
    """A column of a table."""

    name: str
    type: str


class Answer(Struct, frozen=True):
    """What a query gives."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]


class Database:
    """The tables of an installation, opened as they are named."""

    def __init__(self, home: Path) -> None:
        self._connection = _connected()
        self._openers = _tables_of(home)
        self._opened: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The tables that there are."""
        return tuple(sorted(self._openers))

    def columns(self, name: str) -> tuple[Column, ...]:
        """The columns of a table."""
        self._open(name)
        found = self._connection.execute(f'DESCRIBE "{name}"').fetchall()
        return tuple(Column(str(row[0]), str(row[1])) for row in found)

    def ask(self, query: str) -> Answer:
        """The answer to one SELECT.

        Raises:
            UsageError: it is no single query, or not SQL.
            NotFound: a table or column that it names is not there; the mend names near ones.
            DataRefused: it cannot be answered, such as text that is no number.
        """
        import duckdb

        self._refuse_others(query)
        for word in dict.fromkeys(re.findall(r"\w+", query.lower())):
            if word in self._openers:
                self._open(word)
        self._connection.execute("SET lock_configuration = true")
        try:
            found = self._connection.execute(query)
            columns = tuple(Column(str(one[0]), str(one[1])) for one in found.description or ())
            return Answer(columns, found.fetchall())
        except duckdb.CatalogException as error:
            raise self._not_found(str(error)) from None
        except duckdb.BinderException as error:
            known = {column.name for name in self._opened for column in self.columns(name)}
            raise _no_column(str(error), known) from None
        except duckdb.Error as error:
            raise DataRefused(_first(error), where="msb data sql", mend="`msb data sql` without a query lists tables and their columns") from None

    def _refuse_others(self, query: str) -> None:
        import duckdb

        try:
            statements = self._connection.extract_statements(query)
        except duckdb.Error as error:
            raise UsageError(_first(error), where="msb data sql", mend="write one SELECT") from None
        if len(statements) != 1 or statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            raise UsageError("only one SELECT is answered: data is read here, never changed", where="msb data sql", mend="write one SELECT")

    def _open(self, name: str) -> None:
        if name not in self._opened:
            self._opened.add(name)
            if name == "depth_levels":
                self._open("depth")
            self._openers[name](self._connection)

    def _not_found(self, said: str) -> NotFound | DataRefused:
        missing = re.search(r"Table with name (\S+) does not exist", said)
        if missing is None:
            return DataRefused(said.splitlines()[0], where="msb data sql", mend="files and functions that reach out cannot be used here")
        if not self._openers:
            return NotFound(
                f"there is no table {missing[1]}: the installation holds nothing yet", where="msb data sql", mend="`msb data import` first"
            )
        return NotFound(f"there is no table {missing[1]}", where="msb data sql", mend=did_you_mean(missing[1], self.names))


def _no_column(said: str, known: Collection[str]) -> NotFound | DataRefused:
    missing = re.search(r'(?:Referenced column|does not have a column named) "([^"]+)"', said)
    if missing is None:
        return DataRefused(said.splitlines()[0], where="msb data sql", mend="`msb data sql` without a query lists tables and their columns")
    candidates = difflib.get_close_matches(missing[1], known, 3, 0.5)
    near = f"near ones are {', '.join(candidates)}; " if candidates else ""
    return NotFound(f"there is no column {missing[1]}", where="msb data sql", mend=f"{near}`msb data sql` without a query lists them all")


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _connected() -> duckdb.DuckDBPyConnection:
    """An empty database in memory that opens nothing by itself."""
    try:
        import duckdb
    except ImportError:
        raise UsageError("duckdb is not installed", where="msb data sql", mend="install the program's dependencies again") from None
    return duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )


Opener = Callable[[Any], None]


def _tables_of(home: Path) -> dict[str, Opener]:
    """What opens each table of an installation."""
    found: dict[str, Opener] = {}
    folder = market_folder(home)
    for kind in KINDS:
        folders = sorted(one for one in folder.glob(f"{kind.name}*") if one.name == kind.name or one.name.startswith("bars_"))
        if any(True for one in folders for _ in one.glob("*/*/*.parquet")):
            found[kind.name] = _market_opener(kind.name, kind.days[0], folders)
    if "depth" in found:
        found["depth_levels"] = lambda connection: _view(connection, "depth_levels", _LEVELS)
    candles = [path for leaf in leaf_folders(store_folder(home)) for path in sorted(leaf.glob("*.parquet"))]
    if candles:
        found["candles"] = lambda connection: _open_candles(connection, candles)
    for name in ("decisions", "predictions"):
        parts = sorted(str(path) for path in (home / name).glob("run=*/part-*.parquet"))
        if parts:
            found[name] = _parts_opener(name, parts, home / name)
    if database(home).is_file():
        for name in _journal_names(home):
            found[name] = _journal_opener(home, name)
    return found


def _view(connection: Any, name: str, select: str) -> None:
    connection.execute(f'CREATE VIEW "{name}" AS {select}')


def _market_opener(name: str, at: str, folders: Sequence[Path]) -> Opener:
    """Columns of a kind with venue, market, symbol, day and the steps; prices and quantities as decimals beside the whole numbers."""

    def opened(connection: Any) -> None:
        selects = []
        for folder in folders:
            files = sorted(folder.glob("*/*/*.parquet"))
            steps = [_steps(path) for path in files]
            table = f"_{folder.name}"
            partitioning = ds.partitioning(pa.schema([("source", pa.string()), ("symbol", pa.string())]))
            held = ds.dataset([str(path) for path in files], format="parquet", partitioning=partitioning, partition_base_dir=str(folder))
            connection.register(table, held)
            connection.register(f"{table}_steps", pa.Table.from_pylist(steps))
            frame = f", '{folder.name.partition('_')[2]}' AS frame" if name == "bars" else ""
            same_day = f"{_DAY.format(at=_time(name, at))} = s.day"
            selects.append(
                f"SELECT s.venue, s.market, f.symbol, s.day{frame}, f.* EXCLUDE (source, symbol), s.tick, s.lot{_priced(name)} "
                f'FROM "{table}" f JOIN "{table}_steps" s ON f.source = s.source AND f.symbol = s.symbol AND {same_day}'
            )
        _view(connection, name, " UNION ALL BY NAME ".join(selects))

    return opened


def _priced(name: str) -> str:
    """Whole numbers as decimals: multiplied and divided by whole numbers, so that each is the float nearest to the decimal."""
    made = ""
    for column, of in _PRICED.get(name, {}).items():
        step = "lot" if of.endswith("lots") else "tick"
        made += f", f.{of} * s.{step}_up / s.{step}_down AS {column}"
    return made


def _time(name: str, at: str) -> str:
    """The time by which a row is of its day, as storage/market_columns.py has it."""
    later = next((kind.days[1:] for kind in KINDS if kind.name == name), ())
    return f"CASE WHEN f.{at} > 0 THEN f.{at} ELSE f.{later[0]} END" if later else f"f.{at}"


def _steps(path: Path) -> dict[str, Any]:
    told = {key.decode(): value.decode() for key, value in (parquet.read_schema(path).metadata or {}).items()}
    named = {name: told[name] for name in ("venue", "market", "symbol")}
    steps: dict[str, float] = {}
    for step in ("tick", "lot"):
        up, down = Decimal(told[f"{step}_size"]).as_integer_ratio()
        steps |= {step: up / down, f"{step}_up": float(up), f"{step}_down": float(down)}
    return {**named, "source": path.parent.parent.name, "day": path.name.removesuffix(".parquet"), **steps}


def _open_candles(connection: Any, files: Sequence[Path]) -> None:
    selects = []
    for place, path in enumerate(files):
        connection.register(f"_candles_{place}", ds.dataset(str(path), format="parquet"))
        source = path.parent.name.replace("'", "")
        symbol = path.name.removesuffix(".parquet").replace("'", "")
        selects.append(f"SELECT '{source}' AS source, '{symbol}' AS symbol, * FROM \"_candles_{place}\"")
    _view(connection, "candles", " UNION ALL BY NAME ".join(selects))


def _parts_opener(name: str, parts: Sequence[str], folder: Path) -> Opener:
    """Parts of runs, with the run; rows that still stand in a run's tail are not among them."""

    def opened(connection: Any) -> None:
        schema = pa.unify_schemas([parquet.read_schema(part) for part in parts])
        partitioning = ds.partitioning(pa.schema([("run", pa.int64())]), flavor="hive")
        whole = pa.schema([*(field.with_nullable(True) for field in schema), pa.field("run", pa.int64())])
        connection.register(f"_{name}", ds.dataset(parts, whole, "parquet", partitioning=partitioning, partition_base_dir=str(folder)))
        _view(connection, name, f'SELECT run, * EXCLUDE (run) FROM "_{name}"')

    return opened


def _journal_names(home: Path) -> list[str]:
    return [
        str(name) for (name,) in _rows(home, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'schema'")
    ]


def _journal_opener(home: Path, name: str) -> Opener:
    def opened(connection: Any) -> None:
        columns = [(str(row[1]), str(row[2])) for row in _rows(home, f'PRAGMA table_info("{name}")')]
        kinds = {"INTEGER": pa.int64(), "REAL": pa.float64(), "TEXT": pa.string()}
        rows = _rows(home, f'SELECT * FROM "{name}"')
        fields = [pa.field(column, kinds.get(kind, pa.string())) for column, kind in columns]
        arrays = [pa.array([_plain(row[place]) for row in rows], field.type) for place, field in enumerate(fields)]
        connection.register(name, pa.table(arrays, schema=pa.schema(fields)))

    return opened


def _plain(value: Any) -> Any:
    """A journal's value; floats that SQLite cannot hold stand as bytes there."""
    return None if isinstance(value, bytes) else value


def _rows(home: Path, statement: str) -> list[tuple[Any, ...]]:
    try:
        journal = sqlite3.connect(f"file:{database(home)}?mode=ro", uri=True)
        try:
            return journal.execute(statement).fetchall()
        finally:
            journal.close()
    except sqlite3.Error as error:
        raise StorageFailed(f"the journal answered: {error}", where=str(database(home)), mend="`sqlite3` can check the file") from error
