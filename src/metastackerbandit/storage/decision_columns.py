"""Decisions as columns: Parquet parts of a run, and a tail of raw rows that a killed process leaves readable.

    <home>/decisions/run=<n>/part-000001.parquet   DecisionRow's columns, then <gate>.observed, <gate>.limit, <gate>.verdict
    <home>/decisions/run=<n>/tail-000002.bin       what will be part 2: a line of JSON, then fixed-size rows, each with its checksum

A tail is named after the part that it becomes, and readers take a part before its tail, so rolling needs no lock: a crash
between the two leaves both, and nothing is read twice. Parts are plain-encoded, since a dictionary would merge NaN bits.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.rows import DecisionRow

ROLL_ROWS = 8_192  # decisions in the tail before it becomes a part: a month of 5m bars, 5 MB
PART_ROWS = 65_536  # decisions in a part that a block driver writes whole

_ROW = layout(DecisionRow)
_ROW_BYTES = np.dtype(f"V{_ROW.itemsize}")  # numpy copies a record field by field, and bytes at once
_COLUMNS: tuple[str, ...] = tuple(_ROW.names or ())
_TRACE = (("observed", np.float64), ("limit", np.float64), ("verdict", np.int8))
_CHECKSUM_BYTES = 8
_MEND = "restore the file from a backup, or run again: the run's inputs are named in the table runs of journal.sqlite"


class Decisions(NamedTuple):
    """Rows (N,) in the layout of DecisionRow with their traces (N, G)."""

    rows: np.ndarray
    observed: np.ndarray
    limit: np.ndarray
    verdict: np.ndarray


class TailHead(msgspec.Struct, frozen=True):
    """A tail's first line: enough to read its rows without this code."""

    row_bytes: int
    columns: list[tuple[str, str]]
    gates: tuple[str, ...]


class DecisionWriter:
    """Appends one run's decisions; each call is on disk (in the page cache) when it returns."""

    def __init__(self, folder: Path, gates: tuple[str, ...]) -> None:
        self._folder = folder
        self._gates = gates
        self._part = 1
        self._file = -1
        self._start = 0
        self._filled = 0
        self.written = 0
        self._dtype = _tail_dtype(len(gates))
        self._schema = _schema(gates)
        self._buffer = np.zeros(ROLL_ROWS, self._dtype)
        self._bytes = self._buffer.view(np.uint8).data
        self._kept = Decisions(*(self._buffer[name] for name in Decisions._fields))
        self._row_bytes = self._kept.rows.view(_ROW_BYTES)
        self._sums = self._buffer["checksum"]
        try:
            folder.mkdir(parents=True, exist_ok=False)
        except OSError as error:
            raise _failed(folder, f"the folder could not be made: {error.strerror}", "check permissions and space") from error

    def append(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Keep decisions (N,) and traces (N, G); the arrays are copied."""
        given = Decisions(rows, observed, limit, verdict)
        count = len(rows)
        shape = (count, len(self._gates))
        if rows.dtype != _ROW or observed.shape != shape or limit.shape != shape or verdict.shape != shape:
            raise TypeError(f"decisions are rows of DecisionRow with {len(self._gates)} verdicts each")
        done = 0
        while done < count:
            if self._filled == ROLL_ROWS:
                self._roll()
            if self._filled == 0 and count - done >= ROLL_ROWS:
                taken = min(count - done, PART_ROWS)
                self._write_part(Decisions(*(part[done : done + taken] for part in given)))
            else:
                taken = min(count - done, ROLL_ROWS - self._filled)
                self._write_tail(given, done, taken)
            done += taken
            self.written += taken

    def close(self) -> None:
        """Turn the tail into the last part."""
        if self._filled:
            self._roll()

    def _write_tail(self, given: Decisions, done: int, taken: int) -> None:
        if self._file < 0:
            self._open_tail()
        start, stop, size = self._filled, self._filled + taken, self._dtype.itemsize
        stretch = slice(done, done + taken)
        self._row_bytes[start:stop] = given.rows[stretch].view(_ROW_BYTES)
        self._kept.observed[start:stop] = given.observed[stretch]
        self._kept.limit[start:stop] = given.limit[stretch]
        self._kept.verdict[start:stop] = given.verdict[stretch]
        for place in range(start, stop):
            end = place * size + size - _CHECKSUM_BYTES
            self._sums[place] = zlib.crc32(self._bytes[place * size : end])
        self._pwrite(self._bytes[start * size : stop * size], self._start + start * size)
        self._filled = stop

    def _pwrite(self, data: Any, at: int) -> None:
        """Write at a fixed place, so that a write cut short by a full disk is mended by the next one."""
        try:
            while len(data):
                done = os.pwrite(self._file, data, at)
                data, at = data[done:], at + done
        except OSError as error:
            raise _failed(self._tail(), f"a decision could not be written: {error.strerror}", "free space on the disk") from error

    def _open_tail(self) -> None:
        head = TailHead(self._dtype.itemsize, [(name, _ROW[name].str) for name in _COLUMNS], self._gates)
        line = msgspec.json.encode(head) + b"\n"
        try:
            self._file = os.open(self._tail(), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError as error:
            raise _failed(self._tail(), f"the tail could not be opened: {error.strerror}", "check permissions and space") from error
        self._start = len(line)
        self._pwrite(line, 0)

    def _roll(self) -> None:
        self._write_part(Decisions(*(part[: self._filled] for part in self._kept)))
        self._filled = 0

    def _write_part(self, given: Decisions) -> None:
        path = _part(self._folder, self._part)
        fresh = path.with_suffix(".tmp")
        try:
            with open(fresh, "wb") as file:
                pq.write_table(_table(given, self._schema), file, compression="zstd", use_dictionary=False, write_page_checksum=True)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
        except OSError as error:
            raise _failed(path, f"a part could not be written: {error}", "free space on the disk") from error
        self._drop_tail()
        self._part += 1

    def _drop_tail(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._tail().unlink(missing_ok=True)

    def _tail(self) -> Path:
        return _tail(self._folder, self._part)


# -- reading ---------------------------------------------------------------------------------------------------------


def read_decisions(folder: Path, gates: tuple[str, ...]) -> Decisions:
    """Every decision that is on disk, in the order of writing; also of a run that is being written or was killed."""
    blocks = list(_oldest_first(folder, gates))
    if not blocks:
        return _none(len(gates))
    return Decisions(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def newest_first(folder: Path, gates: tuple[str, ...]) -> Iterator[Decisions]:
    """The run's decisions block by block from the end, each block in the order of writing, so that a look at the last one reads little."""
    for place in range(_last_place(folder), 0, -1):
        block = _read_block(folder, place, gates)
        if block is None:
            raise _failed(_part(folder, place), "a part is missing while later ones exist", _MEND)
        yield block


def _oldest_first(folder: Path, gates: tuple[str, ...]) -> Iterator[Decisions]:
    place = 1
    while True:
        block = _read_block(folder, place, gates)
        if block is None:
            if _last_place(folder) <= place:
                return
            block = _read_block(folder, place, gates)  # a writer may have made this part, and the next, since the first look
            if block is None:
                raise _failed(_part(folder, place), "a part is missing while later ones exist", _MEND)
        yield block
        place += 1


def _read_block(folder: Path, place: int, gates: tuple[str, ...]) -> Decisions | None:
    """A part, else its tail, else the part again (the tail may have become it between the two looks)."""
    for path, read in ((_part(folder, place), _read_part), (_tail(folder, place), _read_tail), (_part(folder, place), _read_part)):
        try:
            return read(path, gates)
        except FileNotFoundError:
            continue
    return None


def _read_part(path: Path, gates: tuple[str, ...]) -> Decisions:
    with open(path, "rb") as file:
        try:
            table = pq.ParquetFile(file, page_checksum_verification=True).read(use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise _failed(path, f"the part is damaged: {str(error).splitlines()[0]}", _MEND) from error
    if not table.schema.equals(_schema(gates)):
        raise _failed(path, "the part has other columns than this version of the journal", "read it with the version that wrote it")
    rows = np.empty(table.num_rows, _ROW)
    for name in _COLUMNS:
        rows[name] = _numpy(table.column(name), _ROW[name])
    trace = []
    for what, kind in _TRACE:
        block = np.empty((table.num_rows, len(gates)), kind)
        for place, gate in enumerate(gates):
            block[:, place] = _numpy(table.column(f"{gate}.{what}"), kind)
        trace.append(block)
    return Decisions(rows, *trace)


def _read_tail(path: Path, gates: tuple[str, ...]) -> Decisions:
    line, ended, body = path.read_bytes().partition(b"\n")
    if not ended:
        return _none(len(gates))  # killed before the first line was whole, so before the first row
    try:
        head = msgspec.json.decode(line, type=TailHead)
    except msgspec.DecodeError as error:
        raise _failed(path, f"the tail's first line is damaged: {error}", _MEND) from error
    dtype = _tail_dtype(len(gates))
    if (head.row_bytes, tuple(name for name, _ in head.columns), head.gates) != (dtype.itemsize, _COLUMNS, gates):
        raise _failed(path, "the tail has other columns than this version of the journal", "read it with the version that wrote it")
    whole = np.frombuffer(body, dtype, len(body) // dtype.itemsize)
    rows = whole[: _sound(path, body, whole)]
    return Decisions(*(np.array(rows[name]) for name in Decisions._fields))


def _sound(path: Path, body: bytes, rows: np.ndarray) -> int:
    """How many rows agree with their checksums; a bad last row was torn by the kill, a bad one before it is damage."""
    size = rows.dtype.itemsize
    for place, checksum in enumerate(rows["checksum"].tolist()):
        if zlib.crc32(body[place * size : (place + 1) * size - _CHECKSUM_BYTES]) != checksum:
            if place < len(rows) - 1:
                raise _failed(path, f"row {place + 1} of the tail is damaged", _MEND)
            return place
    return len(rows)


# -- shapes and names ------------------------------------------------------------------------------------------------


def _tail_dtype(gates: int) -> np.dtype[Any]:
    trace = [(name, kind, (gates,)) for name, kind in _TRACE]
    return np.dtype([("rows", _ROW), *trace, ("checksum", np.int64)], align=True)


def _schema(gates: tuple[str, ...]) -> pa.Schema:
    fields = [pa.field(name, pa.from_numpy_dtype(_ROW[name]), nullable=False) for name in _COLUMNS]
    for gate in gates:
        fields += [pa.field(f"{gate}.{what}", pa.from_numpy_dtype(np.dtype(kind)), nullable=False) for what, kind in _TRACE]
    return pa.schema(fields)


def _table(given: Decisions, schema: pa.Schema) -> pa.Table:
    columns = [np.ascontiguousarray(given.rows[name]) for name in _COLUMNS]
    for place in range((len(schema) - len(_COLUMNS)) // len(_TRACE)):
        columns += [given.observed[:, place], given.limit[:, place], given.verdict[:, place].astype(np.int8)]
    return pa.table([_arrow(np.ascontiguousarray(column)) for column in columns], schema=schema)


def _arrow(column: np.ndarray) -> pa.Array:
    """A column by its bytes; pyarrow's own conversion imports pandas, a second in the middle of a run."""
    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [None, pa.py_buffer(column)], 0)


def _numpy(column: pa.ChunkedArray, dtype: Any) -> np.ndarray:
    """The same way back."""
    chunks = [np.frombuffer(chunk.buffers()[1], dtype, chunk.offset + len(chunk))[chunk.offset :] for chunk in column.chunks if len(chunk)]
    return np.concatenate(chunks) if chunks else np.zeros(0, dtype)


def _none(gates: int) -> Decisions:
    return Decisions(np.zeros(0, _ROW), *(np.zeros((0, gates), kind) for _, kind in _TRACE))


def _part(folder: Path, place: int) -> Path:
    return folder / f"part-{place:06d}.parquet"


def _tail(folder: Path, place: int) -> Path:
    return folder / f"tail-{place:06d}.bin"


def _last_place(folder: Path) -> int:
    """The highest number among parts and tails; 0 where there are none."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return 0
    return max((int(name[5:11]) for name in names if name[:5] in ("part-", "tail-") and name[-4:] != ".tmp"), default=0)


def _failed(path: Path, what: str, mend: str) -> StorageFailed:
    return StorageFailed(what, where=str(path), mend=mend)
