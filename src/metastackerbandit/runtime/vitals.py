"""What a run takes of its machine, and how late it is: processor, memory, open files, what waits, lags, disk; as plain values for status.

What cannot be known is None, with the reason under `unknown`: 0 would be a figure.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.runtime.lags import HANDLED, KINDS, LOOP, RECEIVED, TAKEN, Lags, at_most, late_of

_DESCRIPTORS, _MEMORY = "/dev/fd", "/proc/self/statm"
_EDGES_MS = (1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)  # at which frames are counted for metrics
_SENT = (RECEIVED, HANDLED, TAKEN)  # kinds that are of frames


class Depths(Struct, frozen=True):
    """What waits: `now` of each queue, and what was let go since the start where one was full, by queue."""

    now: Mapping[str, int]
    let_go: Mapping[str, int]


class Vitals:
    """Measures one run. `files` are its files and folders by name, below `home`; `depths` tells its queues, `wall_ms` turns milliseconds of the clock
    that stamps frames into ours."""

    def __init__(
        self, home: Path, files: Mapping[str, Sequence[Path]], lags: Lags, depths: Callable[[], Depths], wall_ms: Callable[[float], float]
    ) -> None:
        self._home, self._files, self._lags, self._depths, self._wall_ms = home, files, lags, depths, wall_ms
        self._before = lags.counts.copy()
        self._worst_ns = np.zeros(len(KINDS), np.int64)
        self._at_s, self._cpu_s = time.monotonic(), time.process_time()
        self._begun_s, self._begun_cpu_s = self._at_s, self._cpu_s
        self._sizes = {name: _size_of(paths) for name, paths in files.items()}
        self.peaks: dict[str, Any] = {}

    def measured(self) -> dict[str, Any]:
        """All of it; lags and shares are of the time since this was last asked."""
        now_s, cpu_s = time.monotonic(), time.process_time()
        window_s, used_s = now_s - self._at_s, cpu_s - self._cpu_s
        self._at_s, self._cpu_s = now_s, cpu_s
        since = self._lags.counts - self._before
        self._before += since
        longest = self._lags.longest.copy()
        self._lags.longest[:] = 0
        self._worst_ns = np.maximum(self._worst_ns, longest)
        waiting, unknown = self._depths(), dict[str, str]()
        socket_bytes = _known("waiting.socket_bytes", _socket_bytes, unknown)
        told = {
            "window_s": round(window_s, 3),
            "cpu_share": round(used_s / window_s, 4) if window_s > 0.0 else None,
            "memory_bytes": _known("memory_bytes", _memory, unknown),
            "open_files": _known("open_files", _open_files, unknown),
            "lags": {KINDS[kind]: self._late(kind, since[kind], int(longest[kind])) for kind in (*_SENT, LOOP)},
            "waiting": {"socket_bytes": socket_bytes, **waiting.now},
            "let_go": dict(waiting.let_go),
            "free_bytes": _known("free_bytes", lambda: shutil.disk_usage(self._home).free, unknown),
            "written_bytes": {name: _size_of(paths) - self._sizes[name] for name, paths in self._files.items()},
        }
        if told["cpu_share"] is None:
            unknown["cpu_share"] = "no time has passed since it was last measured"
        self._remember(told)
        frames = {KINDS[kind]: int(self._before[kind].sum()) for kind in _SENT}
        return told | {"frames": frames, "frames_at_most": self._edges(), "unknown": unknown}

    def whole(self) -> dict[str, Any]:
        """The run from its start to now: mean share of a processor, lags of all frames, and the worst of everything."""
        lasted_s = max(self._at_s - self._begun_s, 1e-9)
        lags = {KINDS[kind]: self._late(kind, self._before[kind], int(self._worst_ns[kind])) for kind in (*_SENT, LOOP)}
        return {"cpu_share": round((self._cpu_s - self._begun_cpu_s) / lasted_s, 4), "lags": lags, "peaks": self.peaks}

    def _late(self, kind: int, counts: np.ndarray, longest_ns: int) -> dict[str, Any] | None:
        """A kind in words; frames are stamped by a clock that may be quicker than ours."""
        late = late_of(counts, longest_ns, 1e6 if kind == LOOP else self._stamped_ms())
        return None if late is None else {name: round(value, 3) for name, value in structs.asdict(late).items()}

    def _edges(self) -> dict[str, dict[str, int]]:
        """Frames since the start whose lag was at or below each edge, in milliseconds of ours."""
        return {KINDS[kind]: {f"{edge}": at_most(self._before[kind], round(edge * self._stamped_ms())) for edge in _EDGES_MS} for kind in _SENT}

    def _stamped_ms(self) -> float:
        """How many ns of the clock that stamps frames pass in a millisecond of ours."""
        return 1e6 / max(self._wall_ms(1.0), 1e-9)

    def _remember(self, told: Mapping[str, Any]) -> None:
        """The worst of what was ever told."""
        flat = {name: told[name] for name in ("cpu_share", "memory_bytes", "open_files")}
        flat |= {f"waiting.{name}": value for name, value in told["waiting"].items()}
        for name, value in flat.items():
            if value is not None:
                self.peaks[name] = max(value, self.peaks.get(name, value))
        if told["free_bytes"] is not None:
            self.peaks["least_free_bytes"] = min(told["free_bytes"], self.peaks.get("least_free_bytes", told["free_bytes"]))


def _known(name: str, ask: Callable[[], int], unknown: dict[str, str]) -> int | None:
    """A figure, None with the reason where the system does not tell it."""
    try:
        return ask()
    except OSError as error:
        unknown[name] = f"the system does not tell: {error.strerror or error}"
        return None


def _memory() -> int:
    """Resident bytes."""
    with open(_MEMORY, "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _open_files() -> int:
    """File descriptors that are open, less the one that lists them."""
    return len(os.listdir(_DESCRIPTORS)) - 1


def _socket_bytes() -> int:
    """Bytes that have come to our sockets and were not read yet."""
    waiting = 0
    for name in os.listdir(_DESCRIPTORS):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                waiting += struct.unpack("i", fcntl.ioctl(int(name), termios.FIONREAD, b"\0\0\0\0"))[0]
        except OSError:
            continue  # closed meanwhile (the listing's own), or a socket that listens
    return waiting


def _size_of(paths: Sequence[Path]) -> int:
    """Bytes of files, and of all files in folders."""
    size = 0
    for path in paths:
        try:
            size += sum(entry.stat().st_size for entry in os.scandir(path) if entry.is_file()) if path.is_dir() else path.stat().st_size
        except FileNotFoundError:
            continue  # not begun yet, or taken away meanwhile
    return size
