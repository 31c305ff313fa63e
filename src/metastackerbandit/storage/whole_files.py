"""Files and folders that are there whole or not at all, and a lock for those who change them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from metastackerbandit.domain.errors import StorageFailed

_MEND = "check the folder's permissions and free space"


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the target, reach the disk, then rename over it: a reader finds the old content or the new."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_through(fresh, content)
            os.replace(fresh, path)
            reach_disk(path.parent)
        finally:
            with suppress(OSError):  # nothing was made, or it has been renamed
                fresh.unlink()


def write_folder(fresh: Path, target: Path, files: Mapping[str, bytes]) -> None:
    """Fill `fresh`, reach the disk, then rename it to `target`, which must not be there. A stop before the rename leaves only `fresh`."""
    with writing(target):
        fresh.mkdir(parents=True)
        for name, content in files.items():
            write_through(fresh / name, content)
        reach_disk(fresh)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(fresh, target)
        reach_disk(target.parent)
        reach_disk(target.parent.parent)


def write_through(path: Path, content: bytes) -> None:
    """Write a file down to the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def reach_disk(folder: Path) -> None:
    """Make a rename durable: the folder's own entry has to be written too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One writer at a time, of all processes and threads; the lock dies with its holder. Others wait."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name the operating system's refusal for the operator."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"cannot be written: {error.strerror or error}", where=str(path), mend=_MEND) from error
