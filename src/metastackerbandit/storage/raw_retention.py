"""What becomes of raw logs' old segments: moved to an archive and deleted from there later, or deleted; never one that may be being written.

What `prune` takes away stands in the folder's list before it goes (leaving.py).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct

from metastackerbandit.domain.errors import NotFound, UsageError
from metastackerbandit.storage.leaving import Gone, move, take_out, write_down
from metastackerbandit.storage.raw_reading import SUFFIX, segments_in
from metastackerbandit.storage.settings import RawLogSettings
from metastackerbandit.storage.whole_files import writing

_DAY_NS = 86_400_000_000_000


class Retained(Struct, frozen=True):
    """What was done: segments moved to the archive, deleted from it, and bytes that the folder holds now."""

    archived: tuple[str, ...]
    deleted: tuple[str, ...]
    kept_bytes: int


class Pruned(Struct, frozen=True):
    """What left, oldest first; what is kept; logs that somebody writes; what was too old in the archive."""

    gone: tuple[Gone, ...]
    kept_segments: int
    kept_bytes: int
    being_written: tuple[str, ...]
    archive_deleted: tuple[str, ...]


def retain(folder: Path, archive: Path, settings: RawLogSettings, now_ns: int, being_written: Path | None = None) -> Retained:
    """Move segments that are too old, and the oldest while all are too large, to the archive; delete what is too old there.

    A segment is as old as its name says (the arrival of its first row). The newest segment stays whatever its age: somebody may be writing it.

    Raises:
        StorageFailed: a segment cannot be moved, or the archive has another one of its name; nothing is lost, what was moved stays moved.
    """
    segments = segments_in(folder)
    sizes = {path: path.stat().st_size for path in segments}
    stays = {*segments[-1:], *([being_written] if being_written is not None else [])}
    total = sum(sizes.values())
    archived = []
    for path, _ in _leaving(segments, sizes, stays, settings, now_ns):
        move(path, archive)
        archived.append(path.name)
        total -= sizes[path]
    return Retained(tuple(archived), _deleted(archive, settings, now_ns), total)


def prune(folder: Path, settings: RawLogSettings, now_ns: int, archive: Path | None = None, *, dry_run: bool = False) -> Pruned:
    """Take segments that are too old, and the oldest while all are too large, out of a raw log or of all logs in a folder; `dry_run` only tells.

    With an archive they are moved there, below the name of their log, and what is too old there is deleted; else they are deleted. The newest of all
    stays, and of a log that somebody writes its newest. Each is written down in the folder's list before it goes, so a stop on the way leaves whole
    segments and a complete list; what the list names and is there still goes the next time.

    Raises:
        NotFound: there is no raw log.
        UsageError: the archive lies in the folder itself.
        StorageFailed: a segment cannot be moved or deleted; what is not gone stays whole.
    """
    logs = _logs(folder)
    if archive is not None and archive.resolve().is_relative_to(folder.resolve()):
        raise UsageError("the archive lies in the folder that is pruned", where=str(archive), mend="name a folder elsewhere, on another disk at best")
    with ExitStack() as stack:
        written = [log for log in logs if not stack.enter_context(_unwritten(log))]
        segments = sorted((path for log in logs for path in segments_in(log)), key=_first_ns)
        sizes = {path: path.stat().st_size for path in segments}
        stays = {segments[-1], *(segments_in(log)[-1] for log in written)}
        leaving = [(_gone(path, folder, archive, sizes[path], why), path) for path, why in _leaving(segments, sizes, stays, settings, now_ns)]
        if not dry_run:
            for gone, path in leaving:
                write_down(folder, gone, now_ns)
                take_out(path, gone)
        old = tuple(
            name
            for home in ([archive, *_folders(archive)] if archive is not None and archive.is_dir() else [])
            for name in (tuple(path.name for path in _old(home, settings, now_ns)) if dry_run else _deleted(home, settings, now_ns))
        )
    left = set(segments) - {path for _, path in leaving}
    names = tuple(_name(log, folder) for log in written)
    return Pruned(tuple(gone for gone, _ in leaving), len(left), sum(sizes[path] for path in left), names, old)


def _leaving(
    segments: Sequence[Path], sizes: dict[Path, int], stays: Collection[Path], settings: RawLogSettings, now_ns: int
) -> Iterator[tuple[Path, Literal["age", "size"]]]:
    """Which segments, oldest first, leave, and why."""
    total = sum(sizes.values())
    for path in segments:
        too_old = settings.keep_days > 0 and _age_ns(path, now_ns) > settings.keep_days * _DAY_NS
        too_much = settings.keep_gb > 0 and total > round(settings.keep_gb * 1e9)
        if path not in stays and (too_old or too_much):
            total -= sizes[path]
            yield path, "age" if too_old else "size"


def _logs(folder: Path) -> list[Path]:
    """The raw logs of a folder: itself, or those in it."""
    found = [log for log in (folder, *(_folders(folder) if folder.is_dir() else ())) if segments_in(log)]
    if not found:
        raise NotFound("there is no raw log", where=str(folder), mend="name the folder of one, or the one that `msb data record --out` was given")
    return found


def _folders(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir())


def _name(log: Path, folder: Path) -> str:
    """A log by its place in the folder; "" for the folder itself."""
    return "" if log == folder else log.name


@contextmanager
def _unwritten(log: Path) -> Iterator[bool]:
    """Whether nobody writes a log; while this is held nobody begins to."""
    try:
        lock = os.open(log / ".lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # a copy of a log, which nobody has written here
        yield True
        return
    try:
        yield _is_taken(lock)
    finally:
        os.close(lock)


def _is_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _gone(path: Path, folder: Path, archive: Path | None, size: int, why: Literal["age", "size"]) -> Gone:
    log = _name(path.parent, folder)
    return Gone(log, path.name, _first_ns(path), size, why, str(archive / log) if archive is not None else "")


def _old(archive: Path, settings: RawLogSettings, now_ns: int) -> list[Path]:
    return [path for path in segments_in(archive) if settings.archive_days > 0 and _age_ns(path, now_ns) > settings.archive_days * _DAY_NS]


def _deleted(archive: Path, settings: RawLogSettings, now_ns: int) -> tuple[str, ...]:
    old = _old(archive, settings, now_ns)
    for path in old:
        with writing(path):
            path.unlink()
    return tuple(path.name for path in old)


def _first_ns(path: Path) -> int:
    return int(path.name.removesuffix(SUFFIX))


def _age_ns(path: Path, now_ns: int) -> int:
    return now_ns - _first_ns(path)
