"""The raw log: exactly what venues sent, with when and over which connection, in segments of packed blocks; append-only.

    <folder>/1723161253000000000.rawlog    a segment, named by the arrival of its first row; blocks of storage/raw_blocks.py
    <folder>/.lock                         held by the one writer

A row is accepted (in memory) by `put`, acknowledged once its block stands in the segment (a killed process loses nothing of it), durable once it
was forced down (a lost machine loses nothing of it). A stop in the middle of a write leaves a torn tail, which the next writer cuts off.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.storage.log_files import DiskFile, LogFile, OpenLog
from metastackerbandit.storage.raw_blocks import KINDS, Arrived, packed_block
from metastackerbandit.storage.raw_reading import SUFFIX, segments_in, torn_tail
from metastackerbandit.storage.settings import RawLogSettings
from metastackerbandit.storage.whole_files import reach_disk, writing

_FULL = "free some space: what was accepted is written as soon as there is room; `waiting_mb` rows wait in memory, more are refused"


class LogFull(StorageFailed):
    """The disk takes no more; rows wait in memory, or this one was refused since too many do."""


class RawLog:
    """The writer of one folder. Counts: rows `accepted`, `acknowledged`, `durable`, and `refused` while the disk was full."""

    def __init__(self, folder: Path, settings: RawLogSettings, open_log: OpenLog = DiskFile) -> None:
        self.folder = folder
        self.accepted = self.acknowledged = self.durable = self.refused = 0
        self.segment: Path | None = None  # the one being written
        self._settings = settings
        self._open = open_log
        self._file: LogFile | None = None
        self._whole = 0  # bytes of whole blocks in the segment
        self._is_torn = False  # there may be more bytes than those
        self._began_ns = self._synced_ns = self._named_ns = 0
        self._waiting: list[Arrived] = []
        self._bytes = 0
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder)
        self.issues: tuple[QualityIssue, ...] = self._recovered()

    def put(self, arrived: Arrived) -> int:
        """Accept a row; how many rows are acknowledged by now.

        Raises:
            LogFull: the disk is full. The row waits in memory all the same, unless the error says that it was refused.
            StorageFailed: the system refuses to write for another reason; the row waits.
        """
        if self._bytes > self._settings.waiting_mb * 2**20:
            self._make_room()
        self._waiting.append(arrived)
        self._bytes += _weight(arrived)
        self.accepted += 1
        if self._bytes >= self._settings.block_kb * 1_024 or self._is_old(self._waiting[0], arrived.received_ns):
            self._write()
        return self.acknowledged

    def write(self, kind: str, connection: str, received_ns: int, url: str, body: bytes) -> None:
        """`put` for a live feed: `kind` is frame, reply (of the `url` asked), opened or closed. Raises as `put` does."""
        self.put(Arrived(received_ns, KINDS.index(kind), connection, body, url))

    def tick(self, now_ns: int) -> int:
        """Write what is old enough though nothing more came; how many rows are acknowledged by now. Raises as `put` does."""
        if self._waiting and self._is_old(self._waiting[0], now_ns):
            self._write()
        self._sync(now_ns)
        return self.acknowledged

    def flush(self) -> int:
        """Write all that was accepted; how many rows are acknowledged. Raises as `put` does."""
        if self._waiting:
            self._write()
        return self.acknowledged

    def close(self) -> None:
        """Write all, force it down, and let another writer in. Where the disk refuses, the error says so and the lock is free all the same."""
        try:
            self.flush()
            self._end()
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None
            os.close(self._lock)

    def _is_old(self, first: Arrived, now_ns: int) -> bool:
        return now_ns - first.received_ns >= self._settings.block_ms * 1_000_000

    def _make_room(self) -> None:
        """Write what waits, or refuse the row that would come to it."""
        try:
            self._write()
        except StorageFailed as error:
            self.refused += 1
            raise LogFull(f"{error.what}; this row was refused", where=error.where, mend=error.mend) from error

    def _write(self) -> None:
        """The waiting rows as blocks behind those in the segment; of each block all or nothing."""
        while self._waiting:
            rows = self._next_block()
            self._write_block(rows)
            del self._waiting[: len(rows)]
            self._bytes -= sum(map(_weight, rows))
            self.acknowledged += len(rows)
            self._sync(rows[-1].received_ns)

    def _next_block(self) -> list[Arrived]:
        """The oldest waiting rows, as many as make a block."""
        size = 0
        for place, one in enumerate(self._waiting):
            size += _weight(one)
            if size >= self._settings.block_kb * 1_024:
                return self._waiting[: place + 1]
        return self._waiting[:]

    def _write_block(self, rows: list[Arrived]) -> None:
        try:
            file = self._at_hand(rows[0].received_ns)
            if self._is_torn:
                file.cut(self._whole)
            block = packed_block(rows)
            self._is_torn = True
            _write_all(file, block)
            self._is_torn = False
            self._whole += len(block)
        except OSError as error:
            raise self._told(error) from error

    def _at_hand(self, now_ns: int) -> LogFile:
        """The segment to write in: a new one where there is none, or the last is large or old."""
        minutes = (now_ns - self._began_ns) / 60e9
        if self._file is not None and (self._whole >= self._settings.segment_mb * 2**20 or minutes >= self._settings.segment_minutes):
            self._end()
        if self._file is None:
            self._named_ns = max(now_ns, self._named_ns + 1)
            path = self.folder / f"{self._named_ns:019d}{SUFFIX}"
            self._file = self._open(path)
            self.segment = path
            self._whole, self._is_torn, self._began_ns, self._synced_ns = 0, False, now_ns, now_ns
            reach_disk(self.folder)
        return self._file

    def _sync(self, now_ns: int) -> None:
        """Force down what is written, where the settings ask for it now."""
        if self._file is None or self.durable == self.acknowledged or self._settings.fsync == "segment":
            return
        if self._settings.fsync == "block" or now_ns - self._synced_ns >= self._settings.fsync_ms * 1_000_000:
            self._force_down(self._file)
            self._synced_ns = now_ns

    def _end(self) -> None:
        """Close the segment with all that it holds forced down."""
        if self._file is not None:
            if self._is_torn:
                self._file.cut(self._whole)
            self._force_down(self._file)
            file, self._file = self._file, None
            file.close()
            self.segment = None

    def _force_down(self, file: LogFile) -> None:
        try:
            file.sync()
        except OSError as error:
            raise self._told(error) from error
        self.durable = self.acknowledged

    def _told(self, error: OSError) -> StorageFailed:
        where = str(self.segment or self.folder)
        if error.errno not in (28, 122):  # ENOSPC, EDQUOT
            return StorageFailed(
                f"the raw log cannot be written: {error.strerror or error}", where=where, mend="check the folder's permissions and disk"
            )
        return LogFull(f"the disk is full; {len(self._waiting):,} rows ({self._bytes:,} bytes) wait in memory", where=where, mend=_FULL)

    def _recovered(self) -> tuple[QualityIssue, ...]:
        """Cut the torn tail that a stop in the middle of a write left, and go on behind the last name."""
        segments = segments_in(self.folder)
        if not segments:
            return ()
        self._named_ns = int(segments[-1].name.removesuffix(SUFFIX))
        torn = torn_tail(segments[-1])
        if torn is None:
            return ()
        start, size = torn
        with writing(segments[-1]):
            os.truncate(segments[-1], start)
        what = f"{size - start:,} bytes at the end were no whole block (a write was stopped) and were cut off; nothing acknowledged was in them"
        return (QualityIssue("torn_tail", "medium", segments[-1].name, what),)


def _weight(one: Arrived) -> int:
    """Bytes of a row that count towards the limits."""
    return len(one.body) + len(one.url) + 24


def _write_all(file: LogFile, content: bytes) -> None:
    """All of it; the system may take less at a time."""
    while content:
        taken = file.write(content)
        if taken <= 0:
            raise OSError(28, "nothing was written")
        content = content[taken:]


def _locked(folder: Path) -> int:
    """The folder's lock, which dies with its holder."""
    with writing(folder):
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StorageFailed("another process writes this raw log", where=str(folder), mend="stop it, or record into another folder") from None
    return lock
