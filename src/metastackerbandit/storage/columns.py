"""A run's rows as columns: Parquet parts, and a tail of raw rows that a killed process leaves readable.

    <folder>/part-000001.parquet   the row's columns, then of each gate its trace, such as <gate>.observed
    <folder>/tail-000002.bin       what will be part 2: a line of JSON, then fixed-size rows, each with its checksum

A tail is named after the part that it becomes, and readers take a part before its tail, so rolling needs no lock: a crash
between the two leaves both, and nothing is read twice. Parts are plain-encoded, since a dictionary would merge NaN bits.
"""

from __future__ import annotations

import copy
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.domain.kernel import layout

_CHECKSUM_BYTES = 8
_MEND = "restore the file from a backup, or run again: the run's inputs are named in the table runs of journal.sqlite"

Block = tuple[np.ndarray, ...]  # rows (N,), then for each kind of trace its values (N, G)


class Shape:
    """What rows are kept: the columns of one Struct, and for each gate one value of every kind of trace. `noun` names a row in errors."""

    def __init__(self, noun: str, row: type[msgspec.Struct], gates: tuple[str, ...] = (), trace: tuple[tuple[str, Any], ...] = ()) -> None:
        self.noun = noun
        self.row = layout(row)
        self.columns: tuple[str, ...] = tuple(self.row.names or ())
        self.gates = gates
        self.trace = trace
        kept = [(name, kind, (len(gates),)) for name, kind in trace]
        self.tail: np.dtype[Any] = np.dtype([("rows", self.row), *kept, ("checksum", np.int64)], align=True)
        self.schema = self._schema()
        self.whole: Shape = self

    def only(self, names: tuple[str, ...], kinds: tuple[str, ...] = ()) -> Shape:
        """The same rows with these columns and kinds of trace alone, for reading little."""
        narrow = copy.copy(self)
        narrow.row = np.dtype([(name, self.row[name]) for name in names])
        narrow.columns = names
        narrow.trace = tuple(kept for kept in self.trace if kept[0] in kinds)
        narrow.schema = narrow._schema()
        return narrow

    def accepts(self, given: Block) -> bool:
        """Whether the arrays are rows of this shape with their traces."""
        traced = (len(given[0]), len(self.gates))
        return len(given) == 1 + len(self.trace) and given[0].dtype == self.row and all(part.shape == traced for part in given[1:])

    def nothing(self) -> Block:
        """No rows."""
        return (np.zeros(0, self.row), *(np.zeros((0, len(self.gates)), kind) for _, kind in self.trace))

    def table(self, given: Block) -> pa.Table:
        """Rows as an arrow table."""
        columns = [given[0][name] for name in self.columns]
        for place in range(len(self.gates)):
            columns += [part[:, place].astype(kind, copy=False) for part, (_, kind) in zip(given[1:], self.trace, strict=True)]
        return pa.table([_arrow(np.ascontiguousarray(column)) for column in columns], schema=self.schema)

    def block(self, table: pa.Table) -> Block:
        """An arrow table of this shape as rows."""
        rows = np.empty(table.num_rows, self.row)
        for name in self.columns:
            rows[name] = _numpy(table.column(name), self.row[name])
        trace = []
        for what, kind in self.trace:
            values = np.empty((table.num_rows, len(self.gates)), kind)
            for place, gate in enumerate(self.gates):
                values[:, place] = _numpy(table.column(f"{gate}.{what}"), kind)
            trace.append(values)
        return (rows, *trace)

    def _schema(self) -> pa.Schema:
        fields = [pa.field(name, pa.from_numpy_dtype(self.row[name]), nullable=False) for name in self.columns]
        for gate in self.gates:
            fields += [pa.field(f"{gate}.{what}", pa.from_numpy_dtype(np.dtype(kind)), nullable=False) for what, kind in self.trace]
        return pa.schema(fields)


class TailHead(msgspec.Struct, frozen=True):
    """A tail's first line: enough to read its rows without this code."""

    row_bytes: int
    columns: list[tuple[str, str]]
    gates: tuple[str, ...]


class Sizes(NamedTuple):
    """Rows in the tail before it becomes a part, and rows in a part that is written whole."""

    roll: int
    part: int


class ColumnWriter:
    """Appends one run's rows of a shape; each call is on disk (in the page cache) when it returns. The folder is made by the first row."""

    def __init__(self, folder: Path, shape: Shape, sizes: Sizes) -> None:
        self._folder = folder
        self._shape = shape
        self._sizes = sizes
        self._part = 1
        self._file = -1
        self._start = 0
        self._filled = 0
        self._buffer: np.ndarray | None = None
        self.written = 0

    def make_folder(self) -> None:
        """Make the folder now; one that is there belongs to another run."""
        try:
            self._folder.mkdir(parents=True, exist_ok=False)
        except OSError as error:
            raise _failed(self._folder, f"the folder could not be made: {error.strerror}", "check permissions and space") from error
        self._prepare()

    def _prepare(self) -> None:
        """Room for the tail."""
        self._buffer = np.zeros(self._sizes.roll, self._shape.tail)
        self._bytes = self._buffer.view(np.uint8).data
        self._kept: Block = tuple(self._buffer[name] for name in ("rows", *(name for name, _ in self._shape.trace)))
        self._whole_row = np.dtype(f"V{self._shape.row.itemsize}")  # numpy copies a record field by field, and bytes at once
        self._row_bytes = self._kept[0].view(self._whole_row)
        self._sums = self._buffer["checksum"]

    def take_up(self) -> None:
        """Go on behind the rows that a killed process left, those of its tail among them; a folder that was never made is made by the first row.

        Raises:
            StorageFailed: what is there is damaged, or of another shape.
        """
        place = _last_place(self._folder)
        if place == 0 and not self._folder.is_dir():
            return
        self._prepare()
        self.written = count_rows(self._folder, self._shape)
        self._part = place + 1
        if place and not _part(self._folder, place).exists():
            rows = _read_block(self._folder, place, self._shape)
            assert rows is not None
            self._part = place
            self._write_tail(rows, 0, len(rows[0]))
        elif place:
            _tail(self._folder, place).unlink(missing_ok=True)

    def keep(self, given: Block) -> None:
        """Keep rows (N,) and their traces (N, G) of the writer's shape; the arrays are copied."""
        count, done = len(given[0]), 0
        if count and self._buffer is None:
            self.make_folder()
        while done < count:
            if self._filled == self._sizes.roll:
                self._roll()
            if self._filled == 0 and count - done >= self._sizes.roll:
                taken = min(count - done, self._sizes.part)
                self._write_part(tuple(part[done : done + taken] for part in given))
            else:
                taken = min(count - done, self._sizes.roll - self._filled)
                self._write_tail(given, done, taken)
            done += taken
            self.written += taken

    def close(self) -> None:
        """Turn the tail into the last part."""
        if self._filled:
            self._roll()

    def _write_tail(self, given: Block, done: int, taken: int) -> None:
        if self._file < 0:
            self._open_tail()
        start, stop, size = self._filled, self._filled + taken, self._shape.tail.itemsize
        stretch = slice(done, done + taken)
        self._row_bytes[start:stop] = given[0][stretch].view(self._whole_row)
        for kept, fresh in zip(self._kept[1:], given[1:], strict=True):
            kept[start:stop] = fresh[stretch]
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
            raise _failed(self._tail(), f"a {self._shape.noun} could not be written: {error.strerror}", "free space on the disk") from error

    def _open_tail(self) -> None:
        shape = self._shape
        head = TailHead(shape.tail.itemsize, [(name, shape.row[name].str) for name in shape.columns], shape.gates)
        line = msgspec.json.encode(head) + b"\n"
        try:
            self._file = os.open(self._tail(), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError as error:
            raise _failed(self._tail(), f"the tail could not be opened: {error.strerror}", "check permissions and space") from error
        self._start = len(line)
        self._pwrite(line, 0)

    def _roll(self) -> None:
        self._write_part(tuple(part[: self._filled] for part in self._kept))
        self._filled = 0

    def _write_part(self, given: Block) -> None:
        path = _part(self._folder, self._part)
        fresh = path.with_suffix(".tmp")
        try:
            with open(fresh, "wb") as file:
                pq.write_table(self._shape.table(given), file, compression="zstd", use_dictionary=False, write_page_checksum=True)
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


def read_columns(folder: Path, shape: Shape) -> Block:
    """Every row that is on disk, in the order of writing; also of a run that is being written or was killed."""
    blocks = list(_oldest_first(folder, shape))
    return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True)) if blocks else shape.nothing()


def newest_chosen(folder: Path, shape: Shape, names: tuple[str, ...], choose: Callable[[np.ndarray], np.ndarray]) -> Iterator[Block]:
    """From the end, of each block the rows that `choose` picks by the columns `names`; nothing else is read of a block with none of them.

    `choose` gets rows (N,) of those columns and gives a mask (N,) or places; blocks come from the newest to the oldest.
    """
    narrow = shape.only(names)
    for place in range(_last_place(folder), 0, -1):
        seen = _read_block(folder, place, narrow)
        block = None
        if seen is not None:
            chosen = choose(seen[0])
            if not len(chosen) or (chosen.dtype == np.bool_ and not chosen.any()):
                continue
            block = _read_block(folder, place, shape)
        if block is None:
            raise _failed(_part(folder, place), "a part is missing while later ones exist", _MEND)
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)  # of a growing tail there may be more rows by now
        yield tuple(part[chosen] for part in block)


def count_rows(folder: Path, shape: Shape) -> int:
    """How many rows are on disk, by reading none of their columns."""
    return len(read_columns(folder, shape.only(()))[0])


def _oldest_first(folder: Path, shape: Shape) -> Iterator[Block]:
    place = 1
    while True:
        block = _read_block(folder, place, shape)
        if block is None:
            if _last_place(folder) <= place:
                return
            block = _read_block(folder, place, shape)  # a writer may have made this part, and the next, since the first look
            if block is None:
                raise _failed(_part(folder, place), "a part is missing while later ones exist", _MEND)
        yield block
        place += 1


def _read_block(folder: Path, place: int, shape: Shape) -> Block | None:
    """A part, else its tail, else the part again (the tail may have become it between the two looks)."""
    for path, read in ((_part(folder, place), _read_part), (_tail(folder, place), _read_tail), (_part(folder, place), _read_part)):
        try:
            return read(path, shape)
        except FileNotFoundError:
            continue
    return None


def _read_part(path: Path, shape: Shape) -> Block:
    with open(path, "rb") as file:
        try:
            parquet = pq.ParquetFile(file, page_checksum_verification=True)
            table = parquet.read(None if shape is shape.whole else shape.schema.names, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise _failed(path, f"the part is damaged: {str(error).splitlines()[0]}", _MEND) from error
    if not parquet.schema_arrow.equals(shape.whole.schema):
        raise _failed(path, "the part has other columns than this version of the journal", "read it with the version that wrote it")
    return shape.block(table)


def _read_tail(path: Path, shape: Shape) -> Block:
    line, ended, body = path.read_bytes().partition(b"\n")
    if not ended:
        return shape.nothing()  # killed before the first line was whole, so before the first row
    try:
        head = msgspec.json.decode(line, type=TailHead)
    except msgspec.DecodeError as error:
        raise _failed(path, f"the tail's first line is damaged: {error}", _MEND) from error
    dtype = shape.tail
    if (head.row_bytes, tuple(name for name, _ in head.columns), head.gates) != (dtype.itemsize, shape.whole.columns, shape.gates):
        raise _failed(path, "the tail has other columns than this version of the journal", "read it with the version that wrote it")
    whole = np.frombuffer(body, dtype, len(body) // dtype.itemsize)
    rows = whole[: _sound(path, body, whole)]
    if shape is shape.whole:
        return tuple(np.array(rows[name]) for name in (dtype.names or ())[:-1])
    kept = np.empty(len(rows), shape.row)
    for name in shape.columns:
        kept[name] = rows["rows"][name]
    return (kept, *(np.array(rows[name]) for name, _ in shape.trace))


def _sound(path: Path, body: bytes, rows: np.ndarray) -> int:
    """How many rows agree with their checksums; a bad last row was torn by the kill, a bad one before it is damage."""
    size = rows.dtype.itemsize
    for place, checksum in enumerate(rows["checksum"].tolist()):
        if zlib.crc32(body[place * size : (place + 1) * size - _CHECKSUM_BYTES]) != checksum:
            if place < len(rows) - 1:
                raise _failed(path, f"row {place + 1} of the tail is damaged", _MEND)
            return place
    return len(rows)


# -- columns and names -----------------------------------------------------------------------------------------------


def _arrow(column: np.ndarray) -> pa.Array:
    """A column by its bytes; pyarrow's own conversion imports pandas, a second in the middle of a run."""
    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [None, pa.py_buffer(column)], 0)


def _numpy(column: pa.ChunkedArray, dtype: Any) -> np.ndarray:
    """The same way back."""
    chunks = [np.frombuffer(chunk.buffers()[1], dtype, chunk.offset + len(chunk))[chunk.offset :] for chunk in column.chunks if len(chunk)]
    return np.concatenate(chunks) if chunks else np.zeros(0, dtype)


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
