"""Recorded mood: signed flow of all prints, z-scored, from a folder of parquet or csv files named by symbol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.quality import FIRST_NS, LAST_NS
from metastackerbandit.domain.recording import MoodRow
from metastackerbandit.storage.candle_files import column_names, numbers, table_of
from metastackerbandit.storage.candle_names import did_you_mean
from metastackerbandit.storage.candle_times import times_of

_TIME_NAMES = ("time", "timestamp", "at", "date")
_MOST_MOOD = 100.0  # deviations; a larger number is no z-score


def mood_of(files: tuple[Path, ...], symbol: str, first_ns: int, last_ns: int) -> tuple[np.ndarray[Any, Any] | None, tuple[str, ...]]:
    """Moods until last_ns in the layout of MoodRow, the last one before first_ns among them, None without any; and what is assumed.

    `time` is when the mood was known, `mood` its z-score (empty: not known). A series without a column `mirror` (what the same source says
    of the mirrored market) is taken to change sign there, and a notice says so.
    """
    if not files:
        return None, ()
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise DataRefused(f"{symbol} has several mood files: {names}", where=str(files[0].parent), mend="keep one a symbol")
    rows, is_assumed = _read(files[0])
    begin = max(int(np.searchsorted(rows["at_ns"], first_ns, "right")) - 1, 0)
    rows = rows[begin : int(np.searchsorted(rows["at_ns"], last_ns, "right"))]
    told = (f"{symbol}: the mood has no column mirror; its source is taken to change sign on the mirrored market",) if is_assumed else ()
    return (rows, told) if len(rows) else (None, (f"{symbol}: no mood in this span",))


def _read(path: Path) -> tuple[np.ndarray[Any, Any], bool]:
    table = table_of(path)
    names = column_names(table, path)
    time_name = next((names[name] for name in _TIME_NAMES if name in names), None)
    if time_name is None or "mood" not in names:
        lacking = "time" if time_name is None else "mood"
        raise DataRefused(f"lacks column {lacking}", where=str(path), mend=did_you_mean(lacking, names))
    times, unread, _ = times_of(table[time_name], str(path))
    mood, bad = numbers(table[names["mood"]], str(path))
    _refuse(unread | bad | (times < FIRST_NS) | (times > LAST_NS), path, "has no readable time or mood", "write UTC times and plain numbers")
    mirror = -mood
    if "mirror" in names:
        mirror, bad = numbers(table[names["mirror"]], str(path))
        _refuse(bad, path, "has no readable mirror", "write a plain number, or leave it empty")
    _refuse((np.abs(mood) > _MOST_MOOD) | (np.abs(mirror) > _MOST_MOOD), path, "has a mood beyond 100 deviations", "moods are z-scores")
    _refuse(np.concatenate(([False], np.diff(times) <= 0)), path, "is not after the row above", "sort the file and keep one row of each time")
    rows = np.zeros(len(times), layout(MoodRow))
    rows["at_ns"], rows["mood"], rows["mirror"] = times, mood, mirror
    return rows, "mirror" not in names


def _refuse(bad: np.ndarray[Any, Any], path: Path, what: str, mend: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        raise DataRefused(f"row {rows[0] + 1} {what}", where=str(path), mend=mend)
