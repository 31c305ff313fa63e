"""The few things a log does with files, as a protocol, so that a full disk or a short write can be had in a test."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class LogFile(Protocol):
    """A file that is only ever appended to, or cut; each method raises OSError where the system refuses."""

    def write(self, content: bytes) -> int:
        """Append; how many bytes were taken, which may be fewer than given."""
        ...

    def cut(self, size: int) -> None:
        """Forget all bytes from `size` on; what is written next stands there."""
        ...

    def sync(self) -> None:
        """Force what is written down to the disk."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


OpenLog = Callable[[Path], LogFile]  # a new file, which must not be there yet


class DiskFile:
    """A file of the system's."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def write(self, content: bytes) -> int:
        """Append; how many bytes were taken."""
        return os.write(self._file, content)

    def cut(self, size: int) -> None:
        """Forget all bytes from `size` on."""
        os.ftruncate(self._file, size)
        os.lseek(self._file, size, os.SEEK_SET)

    def sync(self) -> None:
        """Force what is written down to the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)
