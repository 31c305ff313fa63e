"""Captures as recorders left them: lines of a stamp and a frame, plain or compressed, or our own raw log; several files are one capture.

    1721347020984480942 {"stream":"btcusdt@depth@0ms","data":{...}}     stamp in ns, us or ms of Unix time, a blank, the frame
    1633998512.0633569: {"stream":...}                                  stamp in seconds, a colon; `URL -> stamp: body` is a REST reply

Lines of a subscription or a connection are left out; others that have no such form are told, and left out. A raw log is named by its folder or
by a segment.
"""

from __future__ import annotations

import bz2
import gzip
import re
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused, NotFound
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.storage.raw_reading import frames_of, is_raw_log

_CHUNK = 65_536  # bytes unpacked at a time at most
SHOWN = 20  # lines that are no frames told one by one
_STAMP = re.compile(rb"(\d{19}|\d{16}|\d{13}) ")
_SECONDS = re.compile(rb"(\d{9,11}(?:\.\d{1,9})?): ")
_REPLY = re.compile(rb"(https?://\S+) -> (\d{9,11}(?:\.\d{1,9})?): ")
_SNAPSHOT = b'{"lastUpdateId"'
_TALK = re.compile(rb"(wss?://\S+ (<->|<-) )|configuration: |https?://\S+ <- ")


def is_capture(path: Path) -> bool:
    """Whether a path is a raw log, or a file whose first lines have the form of a capture."""
    if is_raw_log(path):
        return True
    try:
        head = _contents(path, _CHUNK)[0].split(b"\n", 4)[:4]
    except (DataRefused, NotFound, OSError):
        return False
    return any(pattern.match(line) for line in head for pattern in (_STAMP, _SECONDS, _REPLY, _TALK))


def read_capture(paths: Sequence[Path]) -> Capture:
    """The frames of these files, in the order of their arrival; files of one time (streams, REST replies) are laid into each other.

    Raises:
        NotFound: a file is not there.
        DataRefused: a file cannot be read, or none of its lines is a frame.
    """
    texts: list[np.ndarray] = []
    parts: list[np.ndarray] = []
    issues: list[QualityIssue] = []
    urls: dict[str, int] = {}
    offset = 0
    for path in paths:
        text, places, told = frames_of(path, urls) if is_raw_log(path) else _lines_of(path, urls, len(paths) > 1)
        issues += told
        places[:, :2] += offset
        parts.append(places)
        texts.append(np.frombuffer(text, np.uint8))
        offset += len(text)
    if not any(len(places) for places in parts):
        raise DataRefused("no venue sent anything", where=", ".join(map(str, paths)), mend="nothing but connections stands in it: record again")
    frames = np.concatenate(parts)
    arrived = np.concatenate([np.maximum.accumulate(places[:, 2]) for places in parts])
    if len(parts) > 1:
        frames = frames[np.argsort(arrived, kind="stable")]
    starts, ends, received_ns, asked = (np.ascontiguousarray(frames[:, column]) for column in range(4))
    source = ", ".join(str(path) for path in paths)
    return Capture(np.concatenate(texts), starts, ends, received_ns, asked, tuple(urls), source, tuple(issues))


def _lines_of(path: Path, urls: dict[str, int], many: bool) -> tuple[bytes, np.ndarray, list[QualityIssue]]:
    """A file's text, (F, 4) start, end, received ns and place of the URL of each frame, and what is wrong with it."""
    text, stopped = _contents(path)
    issues = []
    if stopped:
        what = f"the file ends early ({stopped}): its last frames are lost"
        issues.append(QualityIssue("cut_off", "high", path.name, what))
        text = text[: text.rfind(b"\n") + 1]
    found, strange = _frames(text, urls)
    if not found:
        raise DataRefused("no line is a stamped frame", where=str(path), mend="a line is a Unix time, a blank, and what the venue sent")
    return text, np.array(found, np.int64), issues + _told(strange, path, many)


def _contents(path: Path, most: int = -1) -> tuple[bytes, str]:
    """A file's bytes, unpacked, and what stopped the reading before the file's end ("" where nothing did)."""
    if not path.is_file():
        raise NotFound("no such file", where=str(path), mend="name a capture")
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}
    parts: list[bytes] = []
    size = 0
    try:
        with openers.get(path.suffix, open)(path, "rb") as file:
            while (most < 0 or size < most) and (part := file.read1(_CHUNK)):  # as much as can be had: what stands before a break is not lost
                parts.append(part)
                size += len(part)
    except (OSError, EOFError, zlib.error) as error:
        if not parts:
            raise DataRefused(f"the file cannot be read: {error}", where=str(path), mend="copy it again, or unpack it by hand") from None
        return b"".join(parts), str(error)
    return b"".join(parts), ""


def _frames(text: bytes, urls: dict[str, int]) -> tuple[list[tuple[int, int, int, int]], list[int]]:
    """(start, end, received ns, place of the URL asked for or -1) of each frame, and the numbers of lines that are none."""
    found: list[tuple[int, int, int, int]] = []
    strange: list[int] = []
    start, number = 0, 0
    size = len(text)
    while start < size:
        number += 1
        end = text.find(b"\n", start)
        end = size if end < 0 else end
        last = end - 1 if end > start and text[end - 1] == 13 else end
        if match := _STAMP.match(text, start, last):
            asked = urls.setdefault("", len(urls)) if text.startswith(_SNAPSHOT, match.end(), last) else -1
            found.append((match.end(), last, int(match[1]) * 10 ** (19 - len(match[1])), asked))
        elif match := _SECONDS.match(text, start, last):
            found.append((match.end(), last, _ns_of_seconds(match[1]), -1))
        elif match := _REPLY.match(text, start, last):
            url = match[1].decode(errors="replace")
            found.append((match.end(), last, _ns_of_seconds(match[2]), urls.setdefault(url, len(urls))))
        elif last > start and not _TALK.match(text, start, last):
            strange.append(number)
        if match and found[-1][2] >= 2**63:  # a time that no clock will show
            found.pop()
            strange.append(number)
        start = end + 1
    return found, strange


def _ns_of_seconds(digits: bytes) -> int:
    whole, _, part = digits.partition(b".")
    return int(whole) * 1_000_000_000 + int(part.ljust(9, b"0") or 0)


def _told(strange: list[int], path: Path, many: bool) -> list[QualityIssue]:
    """Lines that are no frames, the first few one by one."""
    name = f"{path.name} " if many else ""
    told = [QualityIssue("not_a_frame", "high", f"{name}line {line}", "the line is no stamped frame, and was left out") for line in strange[:SHOWN]]
    if len(strange) > SHOWN:
        told.append(QualityIssue("not_a_frame", "high", f"{name}and {len(strange) - SHOWN:,} more lines", "no stamped frames", len(strange) - SHOWN))
    return told
