"""A file of market data as a table: its columns as text or as they were stored, the line on which its rows begin, and what its place says of it."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet

from metastackerbandit.domain.errors import DataRefused, NotFound, UsageError
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.storage.candle_files import ARCHIVED
from metastackerbandit.storage.candle_names import QUOTES, VENUES, market_of, symbol_of

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".zip")
_HEAD = 65_536  # bytes by which a layout is told
SHOWN = 20  # rows of one kind told one by one
_UNREADABLE = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    pa.ArrowException,
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    ValueError,
)

# Files of Binance's public archive without a head, by how many columns they have and which one is not a number.
_ARCHIVED_TRADES = "id price qty quote_qty time is_buyer_maker"
_ARCHIVED_SUMS = "agg_trade_id price quantity first_trade_id last_trade_id transact_time is_buyer_maker"
HEADLESS: tuple[tuple[str, tuple[int, ...]], ...] = (
    (" ".join(ARCHIVED), ()),
    (_ARCHIVED_TRADES, (5,)),
    (f"{_ARCHIVED_TRADES} is_best_match", (5, 6)),
    (_ARCHIVED_SUMS, (6,)),
    (f"{_ARCHIVED_SUMS} is_best_match", (6, 7)),
)


class Told(Struct, frozen=True):
    """What the user says of a file; None where the file or its place must."""

    venue: str | None = None
    symbol: str | None = None
    market: str | None = None


class Table(Struct, frozen=True, eq=False):
    """Rows of a file: csv columns are text, parquet's as stored. Row n (from 0) stands on line `first_line` + n (parquet: row n + 1)."""

    path: Path
    rows: pl.DataFrame
    first_line: int
    told: Told

    @property
    def is_text(self) -> bool:
        """Whether it was text, so that lines mean something."""
        return not self.path.name.endswith(".parquet")

    def place(self, row: int) -> str:
        """Where a row stands, in words."""
        return f"line {row + self.first_line}" if self.is_text else f"row {row + 1}"

    def venue(self, known: str = "") -> str:
        """The venue: as told, as the layout knows, as the folders or the name say; RECORDED where nobody does."""
        if self.told.venue or known:
            return (self.told.venue or known).upper()
        words = {word for part in self.path.absolute().parts[-3:] for word in part.lower().replace("-", "_").split("_")}
        return next((venue.upper() for venue in VENUES if venue in words), "RECORDED")

    def symbol(self, known: str = "") -> str:
        """The symbol: as told, as the rows say, or as the name says."""
        named = self.told.symbol or known or _symbol_in(self.path)
        if not named:
            raise UsageError("the file does not say of which symbol it is", where=str(self.path), mend="give --symbol SYMBOL")
        return named.upper()

    def market(self, known: str = "") -> Any:
        """spot or perp: as told, as the layout knows, or as the folder or the name says; refused where nobody does."""
        if self.told.market is None and known:
            return known
        try:
            return market_of(Path(self.path.name), self.told.market)
        except DataRefused:
            return market_of(self.path.absolute().parent, self.told.market)


def _symbol_in(path: Path) -> str:
    """The one word of a file's name that is a symbol, "" where there is none or several."""
    found = {symbol_of(path)} if _is_symbol(symbol_of(path)) else {word for word in re.split(r"[^A-Z0-9]+", path.name.upper()) if _is_symbol(word)}
    return found.pop() if len(found) == 1 else ""


def _is_symbol(word: str) -> bool:
    """Whether a word ends in a quote currency and begins with something else."""
    return len(word) <= 24 and re.fullmatch(r"[A-Z0-9]{2,}(" + "|".join(QUOTES) + r")|[A-Z0-9]+[-/][A-Z]+", word) is not None


def read_table(path: Path, told: Told) -> Table:
    """The whole of a file. NotFound, or DataRefused where it is no table or has no rows."""
    if not path.is_file():
        raise NotFound("no such file", where=str(path), mend="check the path")
    try:
        if path.name.endswith(".parquet"):
            rows, line = _arrow(path), 1
        else:
            rows, line = _text_rows(_unpacked(path))
    except _UNREADABLE as error:
        said = str(error).strip().splitlines()
        raise DataRefused(
            f"cannot be read as a table: {said[0] if said else type(error).__name__}", where=str(path), mend="fetch or write the file again"
        ) from None
    if not rows.height:
        raise DataRefused("has no rows", where=str(path), mend="fetch it again")
    return Table(path, rows, line, told)


def columns_of(path: Path) -> tuple[str, ...]:
    """The names of a file's columns, read from its head alone; none where it is no table."""
    try:
        if path.name.endswith(".parquet"):
            return tuple(parquet.read_schema(path).names)
        head = _unpacked(path, _HEAD)
        lines = [line for line in head.split(b"\n") if line and not line.startswith(b"#")]
        return tuple(_names(lines[0].decode(errors="replace").rstrip("\r").split(","))[0]) if lines and path.name.endswith(SUFFIXES) else ()
    except _UNREADABLE:
        return ()


def _arrow(path: Path) -> pl.DataFrame:
    """Decoded by arrow, which answers a corrupt page with an error where polars' own reader may stop the process."""
    held = pl.from_arrow(parquet.ParquetFile(io.BytesIO(path.read_bytes())).read(use_threads=False))
    assert isinstance(held, pl.DataFrame)
    return held.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def _unpacked(path: Path, most: int = -1) -> bytes:
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            if len(names) != 1:
                raise ValueError(f"the archive holds {len(names)} csv files, not one")
            with archive.open(names[0]) as file:
                return file.read(most)
    with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
        return file.read(most)


def _text_rows(text: bytes) -> tuple[pl.DataFrame, int]:
    """Rows of text columns, and on which line of the file the first of them stands; comments (#) may stand above."""
    skipped = 0
    start = 0
    while text.startswith(b"#", start):
        start = text.find(b"\n", start) + 1 or len(text)
        skipped += 1
    head = text[start : text.find(b"\n", start) if b"\n" in text[start:] else len(text)].decode(errors="replace").rstrip("\r")
    names, is_headless = _names(head.split(","))
    if not is_headless and not text[start:].partition(b"\n")[2].strip():
        return pl.DataFrame(), 0
    rows = pl.read_csv(io.BytesIO(text[start:]), infer_schema=False, has_header=False, skip_rows=0 if is_headless else 1, new_columns=list(names))
    return rows, skipped + (1 if is_headless else 2)


def _names(first: list[str]) -> tuple[list[str], bool]:
    """The columns' names, and whether the first line is a row already (Binance's archive has files without a head)."""
    numeric = [_is_number(cell) for cell in first]
    if numeric and numeric[0]:
        for text, words in HEADLESS:
            names = text.split()
            if len(names) == len(first) and [place for place, yes in enumerate(numeric) if not yes] == list(words):
                return names, True
    return [cell.lstrip("\ufeff").strip() or f"column_{place + 1}" for place, cell in enumerate(first)], False


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def floats(column: pl.Series) -> np.ndarray:
    """A column (N,) as floats, NaN where there is no number."""
    return column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()


def whole(column: pl.Series, otherwise: int = -1) -> np.ndarray:
    """A column (N,) as whole numbers, `otherwise` where there is none."""
    return column.cast(pl.Int64, strict=False).fill_null(otherwise).to_numpy()


def left_out(table: Table, bad: np.ndarray, kind: str, what: str) -> list[QualityIssue]:
    """Rows (N,) that were left out, the first few one by one."""
    places = np.flatnonzero(bad)
    told = [QualityIssue(kind, "high", table.place(int(row)), f"{what}; the row was left out") for row in places[:SHOWN]]
    if len(places) > SHOWN:
        told.append(QualityIssue(kind, "high", f"and {len(places) - SHOWN:,} more", "as above", len(places) - SHOWN))
    return told
