"""Recorded market data into the installation's columns: rows by kind and day, and bars made of the trades."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.market.bar_terms import bar_terms
from metastackerbandit.market.bars import BAR_FRAMES, empty_bars, take_all, tick
from metastackerbandit.market.settings import BarSettings, QualitySettings
from metastackerbandit.runtime.capture_check import check_capture
from metastackerbandit.runtime.capture_recording import gather as gather_bars
from metastackerbandit.runtime.capture_rules import instruments_in, is_inverse
from metastackerbandit.runtime.recorded.gathering import NAMES, rows_in
from metastackerbandit.runtime.recorded.replaying import store_replay
from metastackerbandit.runtime.second_feed import seconds_of
from metastackerbandit.storage.market_columns import DAY_NS, Stored, market_of_instrument, read_day, taken, write_rows
from metastackerbandit.storage.market_columns import Held as Rows
from metastackerbandit.storage.market_kinds import kind_of

_AT_ONCE = 1_000  # trades between looks at what they closed: fewer than a ring of bars holds


class Imported(Struct, frozen=True):
    """What an import did: rows by kind and symbol, and what was found wrong while reading."""

    stored: tuple[Stored, ...]
    issues: tuple[QualityIssue, ...]


def import_capture(home: Path, capture: Capture, settings: BarSettings, quality: QualitySettings) -> Imported:
    """All of a capture into columns, the bars of the days whose trades it has, and what a replay would hear of it; issues are those of its check."""
    instruments = instruments_in(capture)
    checked = check_capture(capture, instruments, quality)
    found = rows_in(capture, instruments)
    stored: list[Stored] = []
    columns = {name: getattr(found, name if name != "venue_bars" else "bars") for name in NAMES.values()}
    for place, one in enumerate(instruments):
        for name, values in columns.items():
            mine = values["instrument"] == place
            if not mine.any():
                continue
            part = taken(Rows(values, found.levels if name == "depth" else np.zeros((0, 2), np.int64), "", ""), mine)
            part.rows["instrument"] = 0
            done = write_rows(home, kind_of(name), one, part.rows, part.levels)
            stored.append(done)
            if name == "trades" and not is_inverse(one):
                stored += _bars(home, one, done.days, settings)
    unheard: list[QualityIssue] = []
    if len(found.depth):
        stored += _seconds(home, capture, instruments)
        dealt = {instruments[place].symbol for place in np.unique(found.trades["instrument"]).tolist()}
        heard, unheard = store_replay(home, capture, instruments, dealt, checked, quality)
        stored += heard
    issues = [QualityIssue("differs", "medium", f"{one.kind} {one.symbol}", _UNLIKE, one.differing) for one in stored if one.differing]
    return Imported(tuple(stored), (*checked.issues, *unheard, *issues))


def _seconds(home: Path, capture: Capture, instruments: Sequence[Instrument]) -> list[Stored]:
    """The seconds of the capture's books."""
    seconds = seconds_of(capture, instruments)
    made = []
    for place, one in enumerate(instruments):
        mine = seconds[seconds["instrument"] == place]
        mine["instrument"] = 0
        if len(mine):
            made.append(write_rows(home, kind_of("seconds"), one, mine))
    return made


_UNLIKE = "rows of the same number were there with other values; those that were there stay"


def _bars(home: Path, one: Instrument, days: Sequence[str], settings: BarSettings) -> list[Stored]:
    """Bars of these days of every frame, of all trades that the columns hold of them."""
    made = []
    for frame, frame_ns in BAR_FRAMES.items():
        parts = [bars_of_day(home, one, day, frame_ns, settings) for day in days]
        whole = np.concatenate(parts)
        if len(whole):
            made.append(write_rows(home, kind_of("bars"), one, whole, frame=frame, anew=True))
    return made


def bars_of_day(home: Path, one: Instrument, day: str, frame_ns: int, settings: BarSettings) -> np.ndarray:
    """The closed bars (N,) of a day's stored trades; what they did not close is closed where the day after has trades, and else left out."""
    kind, market = kind_of("trades"), market_of_instrument("trades", one)
    held = read_day(kind, market.path(home, day))
    fine = Instrument(one.symbol, one.base, one.quote, one.market, one.venue, held.tick_size, held.lot_size, "1", "1", "0", "inferred")
    bars = empty_bars([bar_terms(fine)], [frame_ns], settings)
    trades = held.rows[np.argsort(held.rows["traded_ns"], kind="stable")]
    done, gathered = rows(Bar, len(trades) + 2), np.zeros(1, np.int64)
    for start in range(0, len(trades), _AT_ONCE):
        part = trades[start : start + _AT_ONCE]
        take_all(bars, part, np.zeros(len(part), np.int64))
        gather_bars(bars, 0, gathered, done)
    ends = (int(np.datetime64(day, "D").astype(int)) + 1) * DAY_NS
    if market.path(home, str(np.datetime64(day, "D") + 1)).exists():
        tick(bars, ends + int(settings.grace_s * 1e9))
        gather_bars(bars, 0, gathered, done)
    return done[: int(gathered[0])]
