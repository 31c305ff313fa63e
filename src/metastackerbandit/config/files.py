"""Whole files: read with a typed error, and written so that a reader finds the old text or the new, never a part."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from metastackerbandit.domain.errors import ConfigRefused, NotFound, StorageFailed

Rename = Callable[[Path, Path], None]  # the moment of change; a port, so that a test can let it fail


def read_whole(path: Path) -> bytes:
    """Content of a file that must exist."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"no such file: {path}", where=str(path), mend="`msb init` writes a configuration") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigRefused(f"cannot be read: {reason}", where=str(path), mend="name a readable file") from None


def write_whole(path: Path, content: bytes, *, rename: Rename = os.replace) -> None:
    """Write beside the target, reach the disk, then rename over it; a failure leaves the old file as it was."""
    target = path.resolve()  # a linked configuration stays a link
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        rename(fresh, target)
        _reach_disk(target.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageFailed(f"cannot be written: {reason}", where=str(path), mend="check the folder's permissions and free space") from error
    finally:
        with suppress(OSError):  # nothing was made, or it has been renamed
            fresh.unlink()


def _reach_disk(folder: Path) -> None:
    """Make a rename durable: the folder's own entry has to be written too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
