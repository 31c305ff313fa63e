"""What a replay hears of an instrument, as columns: bars of a second and seconds of its book, with its rules and what was recorded when.

    <home>/market/replay_bars/<venue>_<market>/<SYMBOL>/<day>.parquet       and replay_seconds beside it
    <home>/market/replay_bars/<venue>_<market>/<SYMBOL>/replay.json         rules of the instrument, and the recordings

Bars made of all trades of a day (bars_1s) say what happened; these say what one who listened knew, and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import DataRefused, NotFound, StorageFailed, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.storage.market_columns import Market, Stored, market_folder, market_of_instrument, read_rows, write_rows
from metastackerbandit.storage.market_kinds import kind_of
from metastackerbandit.storage.whole_files import locked, write_whole

BARS, SECONDS = kind_of("replay_bars"), kind_of("replay_seconds")
_TOLD = "replay.json"
_AGAIN = "import the recording again"


class Recorded(Struct, frozen=True):
    """One recording: its first and last frame by the recorder's clock, by how much that was behind the venue's, the trades of the instrument that are
    in no bar, and its place among the recording's instruments."""

    first_ns: int
    last_ns: int
    ahead_ns: int
    late: int
    refused: int
    place: int


class Series(Struct, frozen=True):
    """One instrument whose columns can be replayed, and the recordings that they were made of, oldest first."""

    instrument: Instrument
    recorded: tuple[Recorded, ...]

    def turn(self) -> tuple[int, int, str]:
        """Where it stands among others: as in the recording that both are of."""
        return self.recorded[0].first_ns, self.recorded[0].place, self.instrument.symbol


def write_replay(home: Path, instrument: Instrument, bars: np.ndarray, seconds: np.ndarray, recorded: Recorded) -> tuple[Stored, ...]:
    """Add bars (N,) of Bar and seconds (Q,) of SecondRow of one recording; a stop on the way leaves what was there, and writing again completes it.

    Raises:
        DataRefused: the columns that are there are in other steps.
        StorageFailed: a file cannot be written.
    """
    plain = seconds.copy()
    plain["instrument"] = 0
    stored = (write_rows(home, SECONDS, instrument, plain), write_rows(home, BARS, instrument, bars))
    path = _told_path(home, market_of_instrument(BARS.name, instrument))
    with locked(market_folder(home) / ".lock"):
        known = {(one.first_ns, one.last_ns): one for one in (_told(path).recorded if path.exists() else ())}
        known[recorded.first_ns, recorded.last_ns] = recorded
        write_whole(path, msgspec.json.encode(Series(instrument, tuple(known[key] for key in sorted(known)))))
    return stored


def is_replay_columns(path: Path) -> bool:
    """Whether a path is an installation's folder of columns (market) that holds such, or the folder of one venue's in it."""
    return any(True for _ in _folders(path))


def series_in(path: Path) -> tuple[Path, tuple[Series, ...]]:
    """The installation, and the instruments of one venue and market whose columns can be replayed, in the order in which they were recorded.

    Raises:
        UsageError: there are several venues or markets; the mend names their folders.
        StorageFailed: what is told of a series cannot be read.
    """
    sources = sorted({folder.parent for folder in _folders(path)})
    if len(sources) > 1:
        named = ", ".join(str(source) for source in sources)
        raise UsageError(f"there are columns of {len(sources)} venues or markets", where=str(path), mend=f"name the folder of one: {named}")
    series = [_told(folder / _TOLD) for folder in sorted(sources[0].iterdir()) if _is_series(folder)]
    return sources[0].parents[2], tuple(sorted(series, key=Series.turn))


def read_replay(home: Path, series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Bars (N,) and seconds (Q,) of an instrument, in the order of their time.

    Raises:
        DataRefused: they are not in the steps of the instrument's rules; or they are of recordings between which one clock went back.
    """
    found = []
    for kind, at in ((BARS, "opened_ns"), (SECONDS, "second")):
        market = market_of_instrument(kind.name, series.instrument)
        held = read_rows(home, market)
        steps = [(held.tick_size, series.instrument.tick_size), (held.lot_size, series.instrument.lot_size)]
        if any(Decimal(mine) != Decimal(ruled) for mine, ruled in steps):
            what = f"{market.symbol} is in steps of {held.tick_size} and {held.lot_size}, its rules are of others"
            raise DataRefused(what, where=str(market.path(home)), mend=f"move the folder aside, and {_AGAIN}")
        rows = held.rows[np.argsort(held.rows[at], kind="stable")]
        if (np.diff(rows["known_ns"]) < 0).any():
            what = f"{market.symbol}: recordings that overlap were made by clocks that differ, so something is known before what came first"
            raise DataRefused(what, where=str(market.path(home)), mend="move the day's files aside, and import one of the recordings")
        found.append(rows)
    return found[0], found[1]


def _folders(path: Path) -> list[Path]:
    """The folders of instruments below the folder of columns, or below that of one venue and market."""
    depth = "*/*" if path.name == "market" else "*" if path.parent.name == BARS.name else ""
    below = path / BARS.name if depth == "*/*" else path
    return [folder for folder in below.glob(depth) if _is_series(folder)] if depth and below.is_dir() else []


def _is_series(folder: Path) -> bool:
    return (folder / _TOLD).is_file()


def _told_path(home: Path, market: Market) -> Path:
    return market.path(home) / _TOLD


def _told(path: Path) -> Series:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Series)
    except (msgspec.MsgspecError, OSError) as error:
        raise StorageFailed(f"cannot be read: {error}", where=str(path), mend=f"it is damaged: move it aside, and {_AGAIN}") from error


def chosen(series: Sequence[Series], symbols: Sequence[str]) -> tuple[Series, ...]:
    """Those of these symbols, all where none is named; the order stays. The first unknown name is the error's, with those that there are."""
    known = [one.instrument.symbol for one in series]
    unknown = [name for name in symbols if name not in known]
    if unknown:
        raise NotFound(f"there are no columns of {unknown[0]}", where="--symbols", mend=f"there are {', '.join(known)}")
    return tuple(one for one in series if not symbols or one.instrument.symbol in symbols)
