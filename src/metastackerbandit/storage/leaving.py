"""How a file leaves a folder: written down first, then moved to an archive whole, or deleted; a stop on the way loses nothing.

<folder>/retention.jsonl    what left, a line a file, on the disk before the file goes
"""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.whole_files import reach_disk, writing

LIST = "retention.jsonl"


class Gone(Struct, frozen=True):
    """A file that leaves: of which log, the time that its age counts from, why, and where to ("": deleted)."""

    log: str
    segment: str
    first_ns: int
    bytes: int
    why: Literal["age", "size"]
    to: str


def write_down(folder: Path, gone: Gone, now_ns: int) -> None:
    """A line of the folder's list, down to the disk; behind a line that a stop has cut off a new one begins."""
    line = msgspec.json.encode({"at_ns": now_ns, **msgspec.to_builtins(gone)}) + b"\n"
    path = folder / LIST
    with writing(path), path.open("a+b") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def take_out(path: Path, gone: Gone) -> None:
    """Move a file to where its line says, or delete it."""
    if gone.to:
        move(path, Path(gone.to))
        return
    with writing(path):
        path.unlink()
        reach_disk(path.parent)


def move(path: Path, archive: Path) -> None:
    """Copied beside its place in the archive, down to the disk, renamed, and only then taken away: a stop leaves it in one place at least, and what a
    stop left in both is taken away where the two are equal."""
    target = archive / path.name
    if target.exists():
        if not filecmp.cmp(path, target, shallow=False):
            raise StorageFailed("the archive has a file of this name already", where=str(target), mend="compare the two, and move one aside")
        with writing(path):
            path.unlink()
            reach_disk(path.parent)
        return
    fresh = target.with_name(f".{target.name}.new")
    with writing(archive):
        archive.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as source, fresh.open("wb") as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        os.replace(fresh, target)
        reach_disk(archive)
        path.unlink()
        reach_disk(path.parent)
