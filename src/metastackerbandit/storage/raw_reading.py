"""A raw log read back: segments as the rows that they hold, and as a capture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from metastackerbandit.domain.errors import DataRefused, NotFound
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.storage.raw_blocks import MAGIC, OPENED, REPLY, Arrived, Block, Scanned, blocks_of

SUFFIX = ".rawlog"


def segments_in(folder: Path) -> list[Path]:
    """The segments of a folder, oldest first."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file() and path.name.removesuffix(SUFFIX).isdigit())


def is_raw_log(path: Path) -> bool:
    """Whether a path is a segment, or a folder that holds some."""
    return bool(segments_in(path)) if path.is_dir() else path.name.endswith(SUFFIX) and path.is_file()


def rows_of(path: Path) -> Iterator[Arrived]:
    """Every row of a segment or folder, one by one, connections that open and close too; what is broken is passed over."""
    for segment in segments_in(path) if path.is_dir() else [path]:
        for found in _scanned(segment)[1].blocks:
            names, rows, bodies = found.block
            end = 0
            for received_ns, size, url, connection, kind, _ in rows.tolist():
                start, end = end, end + size
                yield Arrived(received_ns, kind, names.connections[connection], bodies[start:end], names.urls[url] if kind == REPLY else "")


def frames_of(path: Path, urls: dict[str, int]) -> tuple[bytes, np.ndarray, list[QualityIssue]]:
    """The bodies of a segment, or of a folder's, one after another; (F, 4) start, end, received ns and place of the URL of each frame; what is wrong.

    Rows of connections that open and close are no frames. New URLs are added to `urls`.

    Raises:
        DataRefused: not one block is whole.
    """
    parts: list[np.ndarray] = []
    bodies: list[bytes] = []
    issues: list[QualityIssue] = []
    offset = 0
    for segment in segments_in(path) if path.is_dir() else [path]:
        text, scanned = _scanned(segment)
        issues += _told(scanned, len(text), segment)
        for found in scanned.blocks:
            parts.append(_places(found.block, offset, urls))
            bodies.append(found.block.bodies)
            offset += len(found.block.bodies)
    if not parts:
        raise DataRefused("holds no whole block of a raw log", where=str(path), mend="it is empty, torn from the start, or of another kind")
    return b"".join(bodies), np.concatenate(parts), issues


def _places(block: Block, offset: int, urls: dict[str, int]) -> np.ndarray:
    """Start, end, received ns and URL (F, 4) of a block's frames, whose bodies begin at `offset`."""
    names, rows, _ = block
    places = np.array([*(urls.setdefault(url, len(urls)) for url in names.urls), -1], np.int64)
    ends = offset + np.cumsum(rows["size"], dtype=np.int64)
    frames = np.empty((len(rows), 4), np.int64)
    frames[:, 0], frames[:, 1], frames[:, 2], frames[:, 3] = ends - rows["size"], ends, rows["received_ns"], places[rows["url"]]
    return frames[rows["kind"] < OPENED]


def torn_tail(path: Path) -> tuple[int, int] | None:
    """Where a segment's last whole block ends and its size, None where nothing stands behind it."""
    text, scanned = _scanned(path)
    if not scanned.gaps or scanned.gaps[-1][1] != len(text):
        return None
    return scanned.gaps[-1]


def _scanned(path: Path) -> tuple[bytes, Scanned]:
    if not path.is_file():
        raise NotFound("no such file", where=str(path), mend="name a segment of a raw log, or its folder")
    text = path.read_bytes()
    if text and not text.startswith(MAGIC[: len(text)]) and MAGIC not in text:
        raise DataRefused(
            "is no segment of a raw log", where=str(path), mend="it was written over, or is of another kind: restore it from the archive"
        )
    return text, blocks_of(text)


def _told(scanned: Scanned, size: int, path: Path) -> list[QualityIssue]:
    issues = []
    for start, end in scanned.gaps:
        if end == size:
            what = (
                f"the last {end - start:,} bytes are no whole block: a write was stopped there, or goes on right now; nothing acknowledged is in them"
            )
            issues.append(QualityIssue("torn_tail", "medium", path.name, what))
        else:
            what = f"bytes {start:,} to {end:,} are broken: their frames are lost"
            issues.append(QualityIssue("broken_block", "high", path.name, what))
    return issues
