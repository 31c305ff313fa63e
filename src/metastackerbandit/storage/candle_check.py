"""Looking at recorded candles without running them: what is there, and everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from metastackerbandit.domain.errors import OperatorError
from metastackerbandit.domain.quality import findings, missing, time_text
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.storage.candle_files import read_candles, refused
from metastackerbandit.storage.candle_names import files_by_symbol, frame_of, market_of, venue_of
from metastackerbandit.storage.candles import joined_candles
from metastackerbandit.storage.instruments import rules_for
from metastackerbandit.storage.store import candle_sources


class Listed(Struct, frozen=True):
    """One symbol of a folder; `problem` says why it cannot be run, and is null when it can."""

    symbol: str
    folder: Path
    venue: str
    market: str | None = None
    frame: str | None = None
    first: str | None = None
    last: str | None = None
    rows: int = 0
    missing: int = 0
    rules: str | None = None
    problem: str | None = None


class Checked(Struct, frozen=True, eq=False):
    """One file looked at: its rows, absent candles, findings, and the errors that a run would stop at."""

    path: Path
    frame: str | None
    rows: int
    gaps: int
    missing: int
    issues: tuple[QualityIssue, ...]
    errors: tuple[OperatorError, ...]


def listed(folder: Path, market: str | None) -> tuple[Listed, ...]:
    """Every symbol of a leaf folder."""
    return tuple(_listed(symbol, paths, folder, market) for symbol, paths in files_by_symbol(folder).items())


def _listed(symbol: str, paths: tuple[Path, ...], folder: Path, market: str | None) -> Listed:
    row = Listed(symbol, folder, venue_of(folder))
    try:
        candles = joined_candles(symbol, paths, None)
        times = candles.columns.opened_ns
        row = msgspec.structs.replace(
            row,
            frame=frame_name(candles.base_ns),
            first=time_text(times[0]),
            last=time_text(times[-1]),
            rows=len(times),
            missing=missing(times, candles.base_ns)[1],
        )
        kind = market_of(folder, market)
        instrument, _ = rules_for(symbol, kind, row.venue, candles.columns.prices(), None)
        return msgspec.structs.replace(row, market=kind, rules=instrument.source)
    except OperatorError as error:
        return msgspec.structs.replace(row, problem=str(error))


def checked(path: Path, frame: str | None, outlier_return: float) -> tuple[Checked, ...]:
    """Every file of a path, each to its end: one broken file does not hide the next."""
    sources, _ = candle_sources(path)
    found = [_checked(file, frame, outlier_return) for files in sources.values() for file in files]
    if any(one.errors for one in found):
        return tuple(found)
    for symbol, files in sources.items():
        try:
            joined_candles(symbol, files, frame)
        except OperatorError as error:
            found.append(_failed(path, error))
    return tuple(found)


def _checked(path: Path, frame: str | None, outlier_return: float) -> Checked:
    try:
        file = read_candles(path)
        base_ns = file.length(frame or (None if file.tells_length() else frame_of(path.absolute().parent)))
    except OperatorError as error:
        return _failed(path, error)
    rows = len(file.candles.opened_ns)
    problems = file.problems(base_ns)
    if problems:
        return Checked(path, frame_name(base_ns), rows, 0, 0, problems, (refused(problems, str(path)),))
    holes, absent = missing(file.candles.opened_ns, base_ns)
    return Checked(path, frame_name(base_ns), rows, holes, absent, findings(file.candles, base_ns, outlier_return), ())


def _failed(path: Path, error: OperatorError) -> Checked:
    return Checked(path, None, 0, 0, 0, (QualityIssue("unreadable", "critical", error.where, error.what),), (error,))
