"""The installation's own candles: <home>/data/<venue>_<market>_<frame>/<SYMBOL>.parquet, whole and sound or not written at all."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from msgspec import Struct

from metastackerbandit.domain.errors import DataRefused, NotFound, StorageFailed
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.money import RATE_ONE
from metastackerbandit.domain.quality import CandleColumns
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.storage.candle_names import SUFFIXES, Market, files_by_symbol, market_of, symbol_of, venue_of
from metastackerbandit.storage.candles import FLOW_COLUMNS, Candles, joined_candles
from metastackerbandit.storage.instruments import RULES, keep_rules, rules_beside, rules_for
from metastackerbandit.storage.whole_files import write_whole


class Imported(Struct, frozen=True):
    """What an import did for one symbol: rows that the store holds now, how many of them are new, how many it had already."""

    symbol: str
    market: str
    frame: str
    file: Path
    rows: int
    added: int
    shared: int
    notices: tuple[str, ...]


class _Staged(Struct, frozen=True, eq=False):
    report: Imported
    candles: Candles


def store_folder(home: Path) -> Path:
    """Where an installation keeps its candles."""
    return home / "data"


def leaf_folder(home: Path, venue: str, market: Market, base_ns: int) -> Path:
    """The store's folder of one venue, market and bar size, in the naming that loading understands."""
    return store_folder(home) / f"{venue.lower()}_{market}_{frame_name(base_ns)}"


def leaf_folders(folder: Path) -> tuple[Path, ...]:
    """The folder itself if it holds candle files, else those of its folders that do."""
    if not folder.is_dir():
        return ()
    if _holds_candles(folder):
        return (folder,)
    return tuple(inner for inner in sorted(folder.iterdir()) if inner.is_dir() and _holds_candles(inner))


def import_candles(home: Path, path: Path, market: str | None, frame: str | None) -> tuple[Imported, ...]:
    """Take a file or a leaf folder into the store: all of it is read, joined with what is there and checked before anything is written."""
    files, folder = candle_sources(path)
    kind, venue = market_of(folder, market), venue_of(folder)
    staged = [_staged(home, symbol, paths, kind, venue, frame) for symbol, paths in files.items()]
    _write_all(staged)
    return tuple(one.report for one in staged)


def keep_candles(home: Path, instrument: Instrument, base_ns: int, bars: np.ndarray) -> Imported:
    """Put a venue's whole candles (N,), in the layout of Bar, beside those that the store has of an instrument; its rules stand beside them.

    Raises:
        DataRefused: a candle says something else than the one that is kept.
    """
    tick = float(instrument.tick_size)
    prices = {name: bars[name] * tick for name in ("open", "high", "low", "close")}
    columns = CandleColumns(opened_ns=bars["opened_ns"].copy(), **prices, volume=bars["volume"].copy())
    extras = {file: bars[field].copy() for field, file in FLOW_COLUMNS.items()}
    target = leaf_folder(home, instrument.venue, instrument.market, base_ns) / f"{instrument.symbol}.parquet"
    given = Candles(columns, extras, base_ns, ())
    keep_rules(target.parent / RULES, instrument)
    with TemporaryDirectory() as folder:
        fresh = Path(folder) / target.parent.name / target.name
        fresh.parent.mkdir()
        _write(given, fresh)
        (report,) = import_candles(home, fresh, instrument.market, frame_name(base_ns))
    return report


def keep_funding(home: Path, instrument: Instrument, settled: np.ndarray) -> Path | None:
    """Put settlements (K,), in the layout of FundingRow, beside those that are kept of an instrument; the file, None where there are none.

    It lies where loading looks for it: <home>/funding/<venue>_perp/<SYMBOL>.parquet.
    """
    if not len(settled):
        return None
    path = home / "funding" / f"{instrument.venue.lower()}_perp" / f"{instrument.symbol}.parquet"
    tick = float(instrument.tick_size)
    fresh = pl.DataFrame(
        {
            "time": pl.Series(settled["at_ns"] // 1_000_000).cast(pl.Datetime("ms", "UTC")),
            "funding_rate": settled["rate"] / RATE_ONE,
            "mark_price": settled["mark"] * tick,
        }
    )
    whole = pl.concat([pl.read_parquet(path), fresh]) if path.exists() else fresh
    content = io.BytesIO()
    whole.unique("time", keep="last").sort("time").write_parquet(content, compression="zstd")
    write_whole(path, content.getvalue())
    return path


def forget_candles(home: Path, venue: str, market: Market, source: str) -> bool:
    """Let go what the store has of a venue's market, every bar size, unless it came from this very `source`; whether anything went.

    For made markets, of which another one has another past under the same names. Which it came from stands beside the candles.
    """
    named = store_folder(home) / f".{venue.lower()}_{market}.source"
    if named.exists() and named.read_text(encoding="utf-8") == source:
        return False
    gone = False
    funding = home / "funding" / f"{venue.lower()}_{market}"
    for folder in [*store_folder(home).glob(f"{venue.lower()}_{market}_*"), *([funding] if funding.is_dir() else [])]:
        for path in folder.iterdir():
            path.unlink()
            gone = True
    write_whole(named, source.encode())
    return gone


def candle_sources(path: Path) -> tuple[dict[str, tuple[Path, ...]], Path]:
    """The candle files of a path under their symbols, and the folder whose name tells market and venue."""
    if path.is_file():
        if not path.name.endswith(SUFFIXES):
            raise DataRefused("is no candle file", where=str(path), mend=f"give a file that ends with one of {', '.join(SUFFIXES)}")
        return {symbol_of(path): (path,)}, path.absolute().parent
    if not path.exists():
        raise NotFound("there is no such file or folder", where=str(path), mend="check the path")
    return files_by_symbol(path), path


def _holds_candles(folder: Path) -> bool:
    return any(path.is_file() and path.name.endswith(SUFFIXES) and not path.name.startswith(".") for path in folder.iterdir())


def _staged(home: Path, symbol: str, paths: tuple[Path, ...], market: Market, venue: str, frame: str | None) -> _Staged:
    given = joined_candles(symbol, paths, frame)
    # Rules are asked for here so that the store holds nothing that a run would refuse.
    target = leaf_folder(home, venue, market, given.base_ns) / f"{symbol}.parquet"
    rules_for(symbol, market, venue, given.columns.prices(), rules_beside(target.parent))
    rows = len(given.columns.opened_ns)
    if not target.exists():
        report = Imported(symbol, market, frame_name(given.base_ns), target, rows, rows, 0, given.notices)
        return _Staged(report, given)
    held = joined_candles(symbol, (target,), frame_name(given.base_ns))
    merged = joined_candles(symbol, (target, *paths), frame_name(given.base_ns))
    total = len(merged.columns.opened_ns)
    added = total - len(held.columns.opened_ns)
    return _Staged(Imported(symbol, market, frame_name(given.base_ns), target, total, added, rows - added, given.notices), merged)


def _write_all(staged: list[_Staged]) -> None:
    """Write every file beside its target, and only when all are whole move them into place."""
    written: list[tuple[Path, Path]] = []
    try:
        for one in staged:
            target = one.report.file
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{target.name}.{os.getpid()}.new")
            written.append((beside, target))
            _write(one.candles, beside)
        for beside, target in written:
            os.replace(beside, target)
    except OSError as error:
        raise StorageFailed(f"cannot write candles: {error}", where=str(staged[0].report.file.parent), mend="check space and permissions") from None
    finally:
        for beside, _ in written:
            with suppress(OSError):
                beside.unlink(missing_ok=True)


def _write(candles: Candles, path: Path) -> None:
    """The layout that recordings come in; unknown volumes are null."""
    columns = candles.columns
    table = pl.DataFrame(
        {
            "open_time": pl.Series(columns.opened_ns // 1_000_000).cast(pl.Datetime("ms", "UTC")),
            "open": columns.open,
            "high": columns.high,
            "low": columns.low,
            "close": columns.close,
        }
    )
    more = {"volume": columns.volume, **candles.extras}
    table = table.with_columns(pl.Series(name, column).fill_nan(None) for name, column in more.items() if column is not None)
    if "count" in candles.extras and not np.isnan(candles.extras["count"]).any():
        table = table.with_columns(pl.col("count").cast(pl.Int64))
    with path.open("wb") as file:
        table.write_parquet(file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
