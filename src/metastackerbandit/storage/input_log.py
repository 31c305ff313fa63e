"""The input log of a run: every input that the engine took, in order, written before the engine takes it.

What the engine is follows from its plan and this log, so it is what recovery replays and what proves that both drivers do the same.

    file      "MSBI", version, then records one after another
    record    size of the body, crc32 of the body, body: one input (domain.inputs) in MessagePack

All numbers are little-endian, of 4 bytes. A record is handed to the kernel whole, so a killed process loses none; a machine that loses power may lose
the newest, and a torn last record is cut off when the log is taken up again. Whoever reads is told where the whole part ends.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from metastackerbandit.domain.errors import NotFound, StorageFailed
from metastackerbandit.domain.inputs import Input

MARK, VERSION = b"MSBI", 1
_HEAD = struct.Struct("<4sI")
_RECORD = struct.Struct("<II")
_LARGEST = 2**16  # bytes of an input; the largest has some 700
_CHUNK = 2**20


class Whole(NamedTuple):
    """What of a log is whole: records, and the bytes up to which they reach; `torn` bytes stand behind them."""

    records: int
    end: int
    torn: int


def input_log_path(home: Path, run: int) -> Path:
    """Where a run's inputs are."""
    return home / "inputs" / f"run={run}.log"


def plan_path(home: Path, run: int) -> Path:
    """Where the plan is that a run's inputs are for, as JSON."""
    return home / "inputs" / f"run={run}.plan.json"


class InputLog:
    """A log that is written; `written` counts its records, those of an earlier process among them."""

    def __init__(self, path: Path) -> None:
        """Make a log, or take one up behind its last whole record.

        Raises:
            StorageFailed: it cannot be opened or written, or is no input log of this version.
        """
        self._path, self._encoder = path, msgspec.msgpack.Encoder()
        self._file = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = whole_part(path) if path.exists() and path.stat().st_size else Whole(0, 0, 0)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            os.ftruncate(self._file, whole.end)
            if whole.end == 0:
                self._put(_HEAD.pack(MARK, VERSION))
        except OSError as error:
            self.close()
            raise self._failed(error) from error
        self.written, self.torn = whole.records, whole.torn

    def append(self, event: Input) -> None:
        """Keep an input. Raises StorageFailed where that is not possible: nothing may be done with it then."""
        body = self._encoder.encode(event)
        try:
            self._put(_RECORD.pack(len(body), zlib.crc32(body)) + body)
        except OSError as error:
            raise self._failed(error) from error
        self.written += 1

    def force(self) -> None:
        """Have what was written survive the loss of power."""
        try:
            os.fdatasync(self._file)
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Let the file go; twice is once."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _put(self, text: bytes) -> None:
        done = os.write(self._file, text)
        if done < len(text):  # a full disk takes a part: the record is taken back, so that the log stays whole
            os.ftruncate(self._file, os.fstat(self._file).st_size - done)
            raise OSError(28, "no space left for a whole record")

    def _failed(self, error: OSError) -> StorageFailed:
        return StorageFailed(f"the input log: {error.strerror}", where=str(self._path), mend="check space and permissions")


def read_inputs(path: Path, first: int = 0) -> Iterator[Input]:
    """The inputs of a log from record `first` on, as far as they are whole.

    Raises:
        NotFound: there is no such log.
        StorageFailed: it is no input log of this version, or a record is whole and yet no input.
    """
    decoder = msgspec.msgpack.Decoder(Input)
    for place, body in enumerate(_bodies(path)):
        if place >= first:
            try:
                yield decoder.decode(body)
            except msgspec.DecodeError as error:
                raise StorageFailed(f"record {place} is no input: {error}", where=str(path), mend="read it with the version that wrote it") from error


def whole_part(path: Path) -> Whole:
    """How much of a log is whole. Raises as `read_inputs`."""
    records, end = 0, _HEAD.size
    for body in _bodies(path):
        records += 1
        end += _RECORD.size + len(body)
    return Whole(records, end, path.stat().st_size - end)


def _bodies(path: Path) -> Iterator[bytes]:
    """The bodies of whole records, up to the first that is not."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size or _HEAD.unpack(head) != (MARK, VERSION):
                raise StorageFailed(f"it begins with {head!r}", where=str(path), mend=f"an input log of version {VERSION} begins with {MARK!r}")
            rest = b""
            while chunk := file.read(_CHUNK):
                rest += chunk
                place = 0
                while (found := _record_at(rest, place)) is not None:
                    yield rest[place + _RECORD.size : found]
                    place = found
                rest = rest[place:]
                if len(rest) > 2 * _LARGEST:
                    return  # what stands here is no record
    except FileNotFoundError as error:
        raise NotFound("no inputs were kept of this run", where=str(path), mend="runs over live data keep theirs") from error
    except OSError as error:
        raise StorageFailed(f"the input log could not be read: {error.strerror}", where=str(path), mend="check permissions") from error


def _record_at(text: bytes, place: int) -> int | None:
    """Where a whole record that begins at `place` ends; None where there is none."""
    if len(text) - place < _RECORD.size:
        return None
    size, check = _RECORD.unpack_from(text, place)
    first, end = place + _RECORD.size, place + _RECORD.size + size
    return end if size <= _LARGEST and end <= len(text) and zlib.crc32(text[first:end]) == check else None
