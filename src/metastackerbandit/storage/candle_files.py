"""One candle file, parquet or csv, read into checked columns."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet

from metastackerbandit.domain.errors import DataRefused, NotFound
from metastackerbandit.domain.quality import LISTED, MENDS, CandleColumns, Floats, Mask, critical, defects
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.storage.candle_names import did_you_mean
from metastackerbandit.storage.candle_times import length_of, times_of

TIME_NAMES = ("open_time", "timestamp", "time", "date", "datetime", "opentime")
PRICE_NAMES = ("open", "high", "low", "close")
ARCHIVED = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time"),
    *("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)  # columns of Binance's public archive
_NUMBER = re.compile(rb"-?\d+(\.\d*)?")
EXTRA_NAMES = ("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume")

_READERS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, pa.ArrowException, OSError, EOFError, zlib.error, ValueError, MemoryError)


class CandleFile(Struct, frozen=True, eq=False):
    """A file's columns as they are, with what could not be read in them (`unread` rows, told in `issues`) and what was assumed."""

    path: Path
    candles: CandleColumns
    extras: dict[str, Floats]
    unread: Mask
    issues: tuple[QualityIssue, ...]
    notices: tuple[str, ...]

    def tells_length(self) -> bool:
        """Whether it has two times to compare."""
        return len(np.unique(self.candles.opened_ns[~self.unread])) > 1

    def length(self, frame: str | None) -> int:
        """Length of its candles in ns, given or from its readable times; where none can be read, that is the refusal."""
        if self.issues and not self.tells_length():
            raise refused(self.issues, str(self.path))
        return length_of(self.candles.opened_ns[~self.unread], frame, str(self.path))

    def problems(self, base_ns: int) -> tuple[QualityIssue, ...]:
        """Everything that makes it unusable."""
        return (*critical(self.issues), *defects(self.candles, base_ns, self.unread))


def read_candles(path: Path) -> CandleFile:
    """Read a file; DataRefused where it is no table or lacks a column. Broken rows are told in its `problems`."""
    table = table_of(path)
    names = _candle_names(table, path)
    unread = np.zeros(table.height, np.bool_)
    issues: list[QualityIssue] = []
    time_name = next(names[name] for name in TIME_NAMES if name in names)
    opened_ns, no_time, notices = times_of(table[time_name], str(path))
    unread |= no_time
    issues += _unreadable(table[time_name], no_time, "a time")
    columns: dict[str, Floats] = {}
    for name in (*PRICE_NAMES, "volume", *EXTRA_NAMES):
        if name in names:
            columns[name], bad = numbers(table[names[name]], str(path))
            if name not in EXTRA_NAMES:
                unread |= bad
                issues += _unreadable(table[names[name]], bad, "a number")
    volume = columns.get("volume")
    if volume is not None and bool(np.isnan(volume).all()):
        volume = None
    candles = CandleColumns(opened_ns, columns["open"], columns["high"], columns["low"], columns["close"], volume)
    extras = {name: columns[name] for name in EXTRA_NAMES if name in columns}
    return CandleFile(path, candles, extras, unread, tuple(issues), tuple(f"{path.name}: {notice}" for notice in notices))


def refused(problems: tuple[QualityIssue, ...], where: str) -> DataRefused:
    """The refusal that a file's problems amount to: the first in full, with all others of it in words."""
    first = problems[0]
    if len(problems) == 1:
        return DataRefused(first.what, where=f"{where}, {first.where}", mend=MENDS[first.kind])
    told = "; ".join(f"{issue.where}: {issue.what}" for issue in problems)
    return DataRefused(f"{len(problems)} problems: {told}", where=where, mend="; ".join(dict.fromkeys(MENDS[issue.kind] for issue in problems)))


def table_of(path: Path) -> pl.DataFrame:
    """A file as a table, text columns where it is csv; DataRefused where it is neither parquet nor csv."""
    if not path.is_file():
        raise NotFound("there is no such file", where=str(path), mend="check the path")
    try:
        content = path.read_bytes()
        if path.name.endswith(".gz"):
            content = gzip.decompress(content)
        if not content:
            raise DataRefused("the file is empty", where=str(path), mend="fetch it again")
        # From memory: a path given to the reader is taken as a pattern of names.
        table = _parquet(content) if path.name.endswith(".parquet") else _csv(content)
    except _READERS_ERRORS as error:
        said = str(error).strip().splitlines()
        what = f"cannot be read as {'parquet' if path.name.endswith('.parquet') else 'csv'}: {said[0] if said else type(error).__name__}"
        raise DataRefused(what, where=str(path), mend="the file is corrupt or of another kind: fetch or write it again") from None
    return table.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def _csv(content: bytes) -> pl.DataFrame:
    """Text columns; files of Binance's archive may have no head, and are known by their twelve numbers."""
    first = content[: content.find(b"\n") if b"\n" in content else len(content)].split(b",")
    is_headless = len(first) == len(ARCHIVED) and all(_NUMBER.fullmatch(cell.strip()) for cell in first)
    if is_headless:
        return pl.read_csv(io.BytesIO(content), infer_schema=False, has_header=False, new_columns=list(ARCHIVED))
    return pl.read_csv(io.BytesIO(content), infer_schema=False)


def _parquet(content: bytes) -> pl.DataFrame:
    """Decoded by arrow, which answers a corrupt page with an error where polars' own reader may stop the process."""
    held = pl.from_arrow(parquet.ParquetFile(io.BytesIO(content)).read(use_threads=False))
    assert isinstance(held, pl.DataFrame)
    return held


def column_names(table: pl.DataFrame, path: Path) -> dict[str, str]:
    """Plain name -> the file's own name of each column."""
    names: dict[str, str] = {}
    for given in table.columns:
        plain = re.sub(r"[\s_]+", "_", given.lstrip("\ufeff").strip().lower())
        if plain in names:
            raise DataRefused(f"column {plain} is there twice", where=str(path), mend="keep one of them")
        names[plain] = given
    if not table.height:
        raise DataRefused("has no rows", where=str(path), mend="fetch it again")
    return names


def _candle_names(table: pl.DataFrame, path: Path) -> dict[str, str]:
    names = column_names(table, path)
    wanted = [name for name in PRICE_NAMES if name not in names]
    if not any(name in names for name in TIME_NAMES):
        wanted.insert(0, "open_time")
    if wanted:
        hint = f"{wanted[0]}: {did_you_mean(wanted[0], names)}"
        raise DataRefused(f"lacks column {', '.join(wanted)}", where=str(path), mend=f"{hint}; wanted are open_time, open, high, low, close, volume")
    return names


def numbers(column: pl.Series, where: str) -> tuple[Floats, Mask]:
    """A column as floats, NaN where there is none, and which rows hold text that is no number."""
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        read = text.cast(pl.Float64, strict=False)
        empty = text.is_null() | (text == "").fill_null(True)
        return read.fill_null(np.nan).to_numpy(), (read.is_null() & ~empty).to_numpy()
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise DataRefused(f"column {column.name} holds {column.dtype}, not numbers", where=where, mend="write plain numbers")
    if column.dtype == pl.Float32:
        # The shortest text of a float32 is the price that was meant; its bits as a float64 are not.
        column = column.cast(pl.String)
    return column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy(), np.zeros(len(column), np.bool_)


def _unreadable(column: pl.Series, bad: Mask, what: str) -> list[QualityIssue]:
    rows = np.flatnonzero(bad)
    told: list[QualityIssue] = []
    for row in rows[:LISTED]:
        value: Any = column[int(row)]
        said = "is empty" if value is None or value == "" else f"{str(value)[:40]!r} is not {what}"
        told.append(QualityIssue("not_a_number", "critical", f"row {row + 1}", f"{column.name} {said}"))
    if len(rows) > LISTED:
        rest = len(rows) - LISTED
        told.append(QualityIssue("not_a_number", "critical", f"row {rows[LISTED] + 1}", f"{rest:,} more rows like this in {column.name}", rest))
    return told
