"""A log of records, one after another, each with its checksum: what is appended survives the death of its process, and a torn end is known as one.

    file      its mark (4 bytes), version, then records
    record    size of the body, crc32 of the body, body: one word of the log's vocabulary in MessagePack

All numbers are little-endian, of 4 bytes. A record is handed to the kernel whole, so a killed process loses none; a machine that loses power may lose
the newest, and a torn last record is cut off when the log is taken up again. Whoever reads is told where the whole part ends.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from metastackerbandit.domain.errors import NotFound, StorageFailed

T = TypeVar("T")

_HEAD = struct.Struct("<4sI")
_RECORD = struct.Struct("<II")
_LARGEST = 2**16  # bytes of a body; the largest has some 700
_CHUNK = 2**20
_TAG = 16  # bytes of a body in which its tag stands: it comes first


class LogForm(NamedTuple):
    """A kind of log: how its files begin, what a record is called, and the type of its words."""

    mark: bytes
    version: int
    noun: str
    words: Any


class Whole(NamedTuple):
    """What of a log is whole: records, and the bytes up to which they reach; `torn` bytes stand behind them."""

    records: int
    end: int
    torn: int


class RecordLog(Generic[T]):
    """A log that is written; `written` counts its records, those of an earlier process among them, and `end` the bytes that they reach to."""

    def __init__(self, path: Path, form: LogForm) -> None:
        """Make a log, or take one up behind its last whole record.

        Raises:
            StorageFailed: it cannot be opened or written, or is no log of this form.
        """
        self._path, self._form, self._encoder = path, form, msgspec.msgpack.Encoder()
        self._file = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = whole_records(path, form) if path.exists() and path.stat().st_size else Whole(0, 0, 0)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            os.ftruncate(self._file, whole.end)
            if whole.end == 0:
                self._put(_HEAD.pack(form.mark, form.version))
        except OSError as error:
            self.close()
            raise self._failed(error) from error
        self.written, self.end = whole.records, whole.end or _HEAD.size

    def append(self, word: T) -> None:
        """Keep a word. Raises StorageFailed where that is not possible: nothing may be done with it then."""
        body = self._encoder.encode(word)
        try:
            self._put(_RECORD.pack(len(body), zlib.crc32(body)) + body)
        except OSError as error:
            raise self._failed(error) from error
        self.written += 1
        self.end += _RECORD.size + len(body)

    def close(self) -> None:
        """Have what was written survive the loss of power, and let the file go; twice is once."""
        if self._file >= 0:
            try:
                os.fdatasync(self._file)
            finally:
                os.close(self._file)
                self._file = -1

    def _put(self, text: bytes) -> None:
        done = os.write(self._file, text)
        if done < len(text):  # a full disk takes a part: the record is taken back, so that the log stays whole
            os.ftruncate(self._file, os.fstat(self._file).st_size - done)
            raise OSError(28, "no space left for a whole record")

    def _failed(self, error: OSError) -> StorageFailed:
        return StorageFailed(f"the {self._form.noun} log: {error.strerror}", where=str(self._path), mend="check space and permissions")


def read_records(path: Path, form: LogForm, start: int = 0, stop: int = 0, passed_over: bytes = b"") -> Iterator[Any]:
    """The words of a log, as far as they are whole, from byte `start` on, where a record must begin, up to byte `stop` (0: all of them).

    Records whose first bytes hold `passed_over`, the tag of a kind of word, are not read.

    Raises:
        NotFound: there is no such log.
        StorageFailed: it is no log of this form, or a record is whole and yet no word.
    """
    decoder = msgspec.msgpack.Decoder(form.words)
    for place, body in enumerate(_bodies(path, form, start, stop)):
        if passed_over and passed_over in body[:_TAG]:
            continue
        try:
            yield decoder.decode(body)
        except msgspec.DecodeError as error:
            what = f"record {place} is no {form.noun}: {error}"
            raise StorageFailed(what, where=str(path), mend="read it with the version that wrote it") from error


def whole_records(path: Path, form: LogForm) -> Whole:
    """How much of a log is whole. Raises as `read_records`."""
    records, end = 0, _HEAD.size
    for body in _bodies(path, form):
        records += 1
        end += _RECORD.size + len(body)
    return Whole(records, end, path.stat().st_size - end)


def set_aside(path: Path, form: LogForm, first: int) -> Path:
    """Take the records from `first` on out of a log that nobody writes, into a file beside it, of which this is the path."""
    end = _HEAD.size
    for place, body in enumerate(_bodies(path, form)):
        if place == first:
            break
        end += _RECORD.size + len(body)
    text = path.read_bytes()
    with beside(path).open("ab") as file:
        file.write(text[end:])
        file.flush()
        os.fsync(file.fileno())
    os.truncate(path, end)
    return beside(path)


def beside(path: Path) -> Path:
    """Where records go that are taken out of a log."""
    return path.with_name(f"{path.name}.aside")


def _bodies(path: Path, form: LogForm, start: int = 0, stop: int = 0) -> Iterator[bytes]:
    """The bodies of whole records from byte `start` on, up to the first that is not, or to byte `stop`."""
    at = start or _HEAD.size
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size or _HEAD.unpack(head) != (form.mark, form.version):
                mend = f"an {form.noun} log of version {form.version} begins with {form.mark!r}"
                raise StorageFailed(f"it begins with {head!r}", where=str(path), mend=mend)
            if start:
                file.seek(start)
            rest = b""
            while chunk := file.read(_CHUNK):
                rest += chunk
                place = 0
                while (found := _record_at(rest, place)) is not None:
                    if stop and at >= stop:
                        return
                    at += found - place
                    yield rest[place + _RECORD.size : found]
                    place = found
                rest = rest[place:]
                if len(rest) > 2 * _LARGEST:
                    return  # what stands here is no record
    except FileNotFoundError as error:
        raise NotFound(f"no {form.noun}s were kept of this run", where=str(path), mend="runs over live data keep theirs") from error
    except OSError as error:
        raise StorageFailed(f"the {form.noun} log could not be read: {error.strerror}", where=str(path), mend="check permissions") from error


def _record_at(text: bytes, place: int) -> int | None:
    """Where a whole record that begins at `place` ends; None where there is none."""
    if len(text) - place < _RECORD.size:
        return None
    size, check = _RECORD.unpack_from(text, place)
    first, end = place + _RECORD.size, place + _RECORD.size + size
    return end if size <= _LARGEST and end <= len(text) and zlib.crc32(text[first:end]) == check else None
