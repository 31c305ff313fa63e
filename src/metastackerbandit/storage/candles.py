"""A leaf folder of candles becomes a recording: exact ticks, known rules, funding, and a digest of all of it."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import DataRefused, NotFound, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.quality import CandleColumns, Floats, Ints, findings, time_text
from metastackerbandit.domain.recording import QualityIssue, Recording
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.market.settings import MarketSettings
from metastackerbandit.storage.candle_files import CandleFile, read_candles, refused
from metastackerbandit.storage.candle_names import Market, did_you_mean, files_by_symbol, frame_of, market_of, venue_of
from metastackerbandit.storage.funding_files import beside as funding_beside
from metastackerbandit.storage.funding_files import funding_of
from metastackerbandit.storage.instruments import rules_beside, rules_for
from metastackerbandit.storage.mood_files import mood_of
from metastackerbandit.storage.price_grid import ticks_of

FLOW_COLUMNS = {"quote_volume": "quote_volume", "taker_volume": "taker_buy_volume", "trades": "count"}  # a bar's field -> the file's column
_QUOTE_VOLUME_VENUES = ("FTX",)  # their candles state volume in quote currency


class Candles(Struct, frozen=True, eq=False):
    """One symbol's candles, of one file or several joined; `shared` counts equal rows that files had in common."""

    columns: CandleColumns
    extras: dict[str, Floats]
    base_ns: int
    notices: tuple[str, ...]
    shared: int = 0


class Beside(Struct, frozen=True):
    """Files of what is recorded beside candles, by symbol."""

    funding: dict[str, tuple[Path, ...]]
    mood: dict[str, tuple[Path, ...]]


class _Loaded(Struct, frozen=True, eq=False):
    instrument: Instrument
    bars: np.ndarray[Any, Any]
    funding: np.ndarray[Any, Any] | None
    mood: np.ndarray[Any, Any] | None
    has_volume: bool
    has_flow: bool
    notices: tuple[str, ...]
    issues: tuple[QualityIssue, ...]


def load_recording(
    folder: Path,
    symbols: tuple[str, ...] | None,
    *,
    market: str | None,
    instruments_file: Path | None,
    base_frame: str | None = None,
    since_ns: int | None = None,
    until_ns: int | None = None,
    funding: Path | None = None,
    mood: Path | None = None,
    outlier_return: float = MarketSettings().outlier_return,
) -> Recording:
    """Candles of the given symbols (None: all) that open at or after `since_ns` and close by `until_ns`; broken ones are refused.

    Where no file of rules is given, that of the venue beside them counts, if there is one.
    """
    files = files_by_symbol(folder)
    instruments_file = instruments_file or rules_beside(folder)
    kind, venue = market_of(folder, market), venue_of(folder)
    chosen = _chosen(symbols, files, folder)
    beside = Beside(_funding_files(folder, kind, funding), files_by_symbol(mood) if mood is not None else {})
    joined = {symbol: joined_candles(symbol, files[symbol], base_frame) for symbol in chosen}
    base_ns = _one_length({symbol: candles.base_ns for symbol, candles in joined.items()}, folder)
    loaded = [
        _loaded(symbol, _within(joined[symbol], since_ns, until_ns, symbol, folder), kind, venue, instruments_file, beside, outlier_return)
        for symbol in chosen
    ]
    return Recording(
        instruments=tuple(one.instrument for one in loaded),
        base_ns=base_ns,
        bars=tuple(one.bars for one in loaded),
        funding=tuple(one.funding for one in loaded),
        has_volume=tuple(one.has_volume for one in loaded),
        has_flow=tuple(one.has_flow for one in loaded),
        mood=tuple(one.mood for one in loaded) if mood is not None else (),
        source=str(folder),
        digest=_digest(loaded, base_ns),
        notices=tuple(notice for one in loaded for notice in one.notices),
        issues=tuple(issue for one in loaded for issue in one.issues),
    )


def joined_candles(symbol: str, paths: tuple[Path, ...], frame: str | None) -> Candles:
    """A symbol's files as one series in time order; equal rows that they share count once, contradicting ones are refused."""
    read = [read_candles(path) for path in paths]
    base_ns = _length(read, frame)
    for file in read:
        problems = file.problems(base_ns)
        if problems:
            raise refused(problems, str(file.path))
    notices = tuple(notice for file in read for notice in file.notices)
    read.sort(key=lambda file: int(file.candles.opened_ns[0]))
    if len(read) == 1:
        return Candles(read[0].candles, read[0].extras, base_ns, notices)
    columns, extras, shared = _joined(read, symbol)
    if shared:
        names = ", ".join(file.path.name for file in read)
        notices = (*notices, f"{symbol}: {shared:,} equal candles that {names} share are counted once")
    return Candles(columns, extras, base_ns, notices, shared)


def _joined(read: list[CandleFile], symbol: str) -> tuple[CandleColumns, dict[str, Floats], int]:
    times = np.concatenate([file.candles.opened_ns for file in read])
    source = np.concatenate([np.full(len(file.candles.opened_ns), place) for place, file in enumerate(read)])
    order = np.argsort(times, kind="stable")
    times, source = times[order], source[order]
    columns = [np.concatenate([_column(file, name) for file in read])[order] for name in ("open", "high", "low", "close", "volume")]
    names = sorted({name for file in read for name in file.extras})
    extras = {name: np.concatenate([_column(file, name) for file in read])[order] for name in names}
    again = np.concatenate(([False], np.diff(times) == 0))
    for name, column in zip(("open", "high", "low", "close", "volume"), columns, strict=True):
        unlike = np.flatnonzero(again[1:] & (column[1:] != column[:-1]) & ~(np.isnan(column[1:]) & np.isnan(column[:-1])))
        if len(unlike):
            row = int(unlike[0])
            first, second = read[source[row]].path, read[source[row + 1]].path
            what = f"{symbol}: {first.name} has {name} {column[row]:g} and {second.name} {column[row + 1]:g} for the same candle"
            raise DataRefused(what, where=f"{first.parent}, {time_text(times[row])}", mend="keep the file that you trust")
    once = ~again
    opened, high, low, close, volume = (column[once] for column in columns)
    known = None if np.isnan(volume).all() else volume
    return CandleColumns(times[once], opened, high, low, close, known), {name: extras[name][once] for name in names}, int(again.sum())


def _column(file: CandleFile, name: str) -> Floats:
    column = file.extras.get(name) if name in file.extras else getattr(file.candles, name, None)
    return np.full(len(file.candles.opened_ns), np.nan) if column is None else column


def _chosen(symbols: tuple[str, ...] | None, files: dict[str, tuple[Path, ...]], folder: Path) -> tuple[str, ...]:
    if symbols is None:
        return tuple(files)
    wanted = tuple(symbol.upper() for symbol in symbols)
    for place, symbol in enumerate(wanted):
        if symbol not in files:
            raise NotFound(f"no candles of {symbol}", where=str(folder), mend=did_you_mean(symbol, files))
        if symbol in wanted[:place]:
            raise UsageError(f"{symbol} is named twice", where="--symbols", mend="name each symbol once")
    if not wanted:
        raise UsageError("no symbol is named", where="--symbols", mend=f"there are: {', '.join(files)}")
    return wanted


def _length(read: list[CandleFile], frame: str | None) -> int:
    """The files' common length; a file of one row has none of its own, and takes the others' or that of the folder's name."""
    telling = [file for file in read if file.tells_length()]
    if frame is None and not telling:
        frame = frame_of(read[0].path.absolute().parent)
    return _one_length({file.path.name: file.length(frame) for file in telling or read}, read[0].path.parent)


def _one_length(lengths: dict[str, int], folder: Path) -> int:
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {frame_name(length)}" for name, length in lengths.items())
        raise DataRefused(f"mixes steps: {told}", where=str(folder), mend="keep one bar size in a folder, or choose symbols of one size")
    return next(iter(lengths.values()))


def _within(candles: Candles, since_ns: int | None, until_ns: int | None, symbol: str, folder: Path) -> Candles:
    times = candles.columns.opened_ns
    first = 0 if since_ns is None else int(np.searchsorted(times, since_ns, "left"))
    last = len(times) if until_ns is None else int(np.searchsorted(times, until_ns - candles.base_ns, "right"))
    if first >= last:
        held = f"{time_text(times[0])} to {time_text(times[-1] + candles.base_ns)}"
        raise DataRefused("no candles in the span that was asked for", where=f"{folder}, {symbol}", mend=f"there are candles from {held}")
    cut = slice(first, last)
    one = candles.columns
    volume = None if one.volume is None else one.volume[cut]
    columns = CandleColumns(times[cut], one.open[cut], one.high[cut], one.low[cut], one.close[cut], volume)
    return msgspec.structs.replace(candles, columns=columns, extras={name: column[cut] for name, column in candles.extras.items()})


def _funding_files(folder: Path, market: Market, funding: Path | None) -> dict[str, tuple[Path, ...]]:
    if market == "spot":
        if funding is not None:
            raise UsageError("spot pays no funding", where="--funding", mend="leave it out, or give --market perp")
        return {}
    found = funding or funding_beside(folder)
    return files_by_symbol(found) if found is not None else {}


def _loaded(
    symbol: str,
    candles: Candles,
    market: Market,
    venue: str,
    instruments_file: Path | None,
    beside: Beside,
    outlier_return: float,
) -> _Loaded:
    columns, notices = candles.columns, candles.notices
    if venue in _QUOTE_VOLUME_VENUES and columns.volume is not None:
        columns = msgspec.structs.replace(columns, volume=columns.volume / columns.close)
        notices = (*notices, f"{symbol}: {venue} states volume in quote currency; it is divided by each candle's close")
    instrument, told = rules_for(symbol, market, venue, columns.prices(), instruments_file)
    bars = _bars(columns, candles.extras, candles.base_ns, instrument)
    first_ns, last_ns = int(bars["opened_ns"][0]), int(bars["closed_ns"][-1])
    rows, rounded = funding_of(beside.funding.get(symbol, ()), symbol, instrument.tick_size, first_ns, last_ns)
    if market == "perp" and rows is None:
        rounded = (*rounded, f"{symbol}: no funding series in this span, so none is charged")
    mood, assumed = mood_of(beside.mood.get(symbol, ()), symbol, first_ns, last_ns)
    issues = tuple(msgspec.structs.replace(issue, where=f"{symbol} {issue.where}") for issue in findings(columns, candles.base_ns, outlier_return))
    has_flow = columns.volume is not None and all(name in candles.extras for name in FLOW_COLUMNS.values())
    return _Loaded(instrument, bars, rows, mood, columns.volume is not None, has_flow, (*notices, *told, *rounded, *assumed), issues)


def _bars(columns: CandleColumns, extras: dict[str, Floats], base_ns: int, instrument: Instrument) -> np.ndarray[Any, Any]:
    bars = np.zeros(len(columns.opened_ns), layout(Bar))
    bars["opened_ns"] = columns.opened_ns
    bars["closed_ns"] = bars["known_ns"] = columns.opened_ns + base_ns
    for name, prices in zip(("open", "high", "low", "close"), columns.prices(), strict=True):
        bars[name] = _exact_ticks(prices, columns.opened_ns, instrument)
    bars["volume"] = np.nan if columns.volume is None else columns.volume
    for name, column in FLOW_COLUMNS.items():
        bars[name] = extras.get(column, np.nan)
    bars["parts"] = bars["parts_due"] = 1
    return bars


def _exact_ticks(prices: Floats, opened_ns: Ints, instrument: Instrument) -> Ints:
    ticks, off = ticks_of(prices, Decimal(instrument.tick_size))
    if off >= 0:
        what = f"price {prices[off]!r} is not a multiple of tick_size {instrument.tick_size}"
        raise DataRefused(what, where=f"{instrument.symbol}, {time_text(opened_ns[off])}", mend="mend the instrument's tick_size")
    return ticks


def _digest(loaded: list[_Loaded], base_ns: int) -> str:
    """Hash of everything that the engine reads: rules, length, candles, settlements, moods."""
    seen = hashlib.sha256(str(base_ns).encode())
    for one in loaded:
        seen.update(msgspec.json.encode(one.instrument))
        seen.update(np.ascontiguousarray(one.bars).data)
        seen.update(b"none" if one.funding is None else np.ascontiguousarray(one.funding).data)
        if one.mood is not None:
            seen.update(b"mood" + np.ascontiguousarray(one.mood).tobytes())
    return seen.hexdigest()[:24]
