"""What becomes of a raw log's old segments: moved to an archive first, deleted from there later; the one being written is never touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from msgspec import Struct

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.raw_reading import SUFFIX, segments_in
from metastackerbandit.storage.settings import RawLogSettings
from metastackerbandit.storage.whole_files import reach_disk, writing

_DAY_NS = 86_400_000_000_000


class Retained(Struct, frozen=True):
    """What was done: segments moved to the archive, deleted from it, and bytes that the folder holds now."""

    archived: tuple[str, ...]
    deleted: tuple[str, ...]
    kept_bytes: int


def retain(folder: Path, archive: Path, settings: RawLogSettings, now_ns: int, being_written: Path | None = None) -> Retained:
    """Move segments that are too old, and the oldest while all are too large, to the archive; delete what is too old there.

    A segment is as old as its name says (the arrival of its first row). The newest segment stays whatever its age: somebody may be writing it.

    Raises:
        StorageFailed: a segment cannot be moved, or the archive has another one of its name; nothing is lost, what was moved stays moved.
    """
    segments = segments_in(folder)
    sizes = {path: path.stat().st_size for path in segments}
    total = sum(sizes.values())
    archived = []
    for path in segments[:-1]:
        too_old = settings.keep_days > 0 and _age_ns(path, now_ns) > settings.keep_days * _DAY_NS
        too_much = settings.keep_gb > 0 and total > settings.keep_gb * 1e9
        if path != being_written and (too_old or too_much):
            _move(path, archive)
            archived.append(path.name)
            total -= sizes[path]
    return Retained(tuple(archived), _deleted(archive, settings, now_ns), total)


def _deleted(archive: Path, settings: RawLogSettings, now_ns: int) -> tuple[str, ...]:
    old = [path for path in segments_in(archive) if settings.archive_days > 0 and _age_ns(path, now_ns) > settings.archive_days * _DAY_NS]
    for path in old:
        with writing(path):
            path.unlink()
    return tuple(path.name for path in old)


def _age_ns(path: Path, now_ns: int) -> int:
    return now_ns - int(path.name.removesuffix(SUFFIX))


def _move(path: Path, archive: Path) -> None:
    """Copied beside its place in the archive, down to the disk, renamed, and only then taken away: a stop leaves it in one place at least."""
    target = archive / path.name
    if target.exists():
        raise StorageFailed("the archive has a segment of this name already", where=str(target), mend="compare the two, and move one aside")
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
