"""Market data as columns: rows of a kind, venue, symbol and UTC day in one Parquet file, whole or not there; the same rows twice are there once.

    <home>/market/<kind>/<venue>_<market>/<SYMBOL>/<YYYY-MM-DD>.parquet          bars: <kind> is bars_1m, bars_5m ...

Numbers are the Struct's own: ticks and lots stay whole, with the steps in the file's metadata (tick_size, lot_size) and each column's unit beside it.
Levels of book messages stand in lists: bid_ticks, bid_lots, ask_ticks, ask_lots. Rows stand by time of arrival.
"""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet

from metastackerbandit.domain.errors import DataRefused, StorageFailed
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.storage.market_kinds import Kind, kind_of, unit_of
from metastackerbandit.storage.whole_files import locked, write_whole

DAY_NS = 86_400_000_000_000
LISTS = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
_VERSION = "1"


class Market(NamedTuple):
    """What a series is of: venue and market (binance_perp), symbol, and the folder of its kind (trades, bars_1m)."""

    folder: str
    source: str
    symbol: str

    def path(self, home: Path, day: str = "") -> Path:
        """The folder of its days, or the file of one (2024-08-08)."""
        leaf = market_folder(home) / self.folder / self.source / self.symbol
        return leaf / f"{day}.parquet" if day else leaf


class Held(NamedTuple):
    """Rows (N,) of a kind in the layout of its Struct, and the levels (L, 2) of book messages one after another, bids before asks."""

    rows: np.ndarray
    levels: np.ndarray
    tick_size: str
    lot_size: str


class Stored(Struct, frozen=True):
    """What a write did: rows that were new, that were there already, and that were there with other values (the old ones stay)."""

    kind: str
    symbol: str
    added: int
    shared: int
    differing: int
    days: tuple[str, ...]


def market_folder(home: Path) -> Path:
    """Where an installation keeps columns of market data."""
    return home / "market"


def market_of_instrument(kind: str, instrument: Instrument, frame: str = "") -> Market:
    """Where rows of an instrument belong; bars by their frame."""
    safe = instrument.symbol.replace("/", "-")
    return Market(f"{kind}_{frame}" if frame else kind, f"{instrument.venue.lower()}_{instrument.market}", safe)


def days_of(kind: Kind, rows: np.ndarray) -> np.ndarray:
    """The UTC day (N,) of each row, counted from 1970."""
    at = rows[kind.days[0]].copy()
    for name in kind.days[1:]:
        at = np.where(at > 0, at, rows[name])
    return np.asarray(at // DAY_NS)


def write_rows(
    home: Path, kind: Kind, instrument: Instrument, rows: np.ndarray, levels: np.ndarray | None = None, frame: str = "", *, anew: bool = False
) -> Stored:
    """Add rows (N,) of one instrument to the days that they are of, each day's file whole or untouched; `anew` puts them in the place of those days.

    Raises:
        DataRefused: the files there are in steps that do not go into each other.
        StorageFailed: a file cannot be written; days that were written stay, and writing again completes the rest.
    """
    market = market_of_instrument(kind.name, instrument, frame)
    given = Held(rows, np.zeros((0, 2), np.int64) if levels is None else levels, instrument.tick_size, instrument.lot_size)
    added = shared = differing = 0
    days = days_of(kind, rows)
    with locked(market_folder(home) / ".lock"):
        for day in np.unique(days).tolist():
            name = str(np.datetime64(day, "D"))
            part = taken(given, days == day)
            held = read_day(kind, market.path(home, name)) if market.path(home, name).exists() else None
            whole, new, unlike = (part, len(part.rows), 0) if held is None else _merged(kind, held, part, str(market.path(home, name)))
            if anew:
                whole, new, unlike = part, new + unlike, 0
            if new or held is None or (anew and len(held.rows) != len(part.rows)):
                write_whole(market.path(home, name), _encoded(kind, market, _by_arrival(whole)))
            added, shared, differing = added + new, shared + len(part.rows) - new - unlike, differing + unlike
    return Stored(market.folder, market.symbol, added, shared, differing, tuple(str(np.datetime64(day, "D")) for day in np.unique(days).tolist()))


def read_rows(home: Path, market: Market, first_day: str = "", last_day: str = "9999") -> Held:
    """The rows of a series, oldest day first, days included; DataRefused where there is none, or its days are in different steps."""
    files = [path for path in sorted(market.path(home).glob("*.parquet")) if first_day <= path.name.removesuffix(".parquet") <= last_day]
    if not files:
        raise DataRefused(f"there are no {market.folder} of {market.symbol}", where=str(market.path(home)), mend="`msb data import` takes some in")
    kind = kind_of(market.folder.split("_")[0] if market.folder.startswith("bars_") else market.folder)
    days = [read_day(kind, path) for path in files]
    tick, lot = _common([day.tick_size for day in days]), _common([day.lot_size for day in days])
    days = [_rescaled(kind, day, tick, lot, str(path)) for day, path in zip(days, files, strict=True)]
    return Held(np.concatenate([day.rows for day in days]), np.concatenate([day.levels for day in days]), tick, lot)


def read_day(kind: Kind, path: Path) -> Held:
    """One day's file; StorageFailed where it is not of this kind or damaged."""
    try:
        table = parquet.ParquetFile(BytesIO(path.read_bytes())).read(use_threads=False)
        told = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        rows = np.zeros(table.num_rows, kind.dtype())
        for name in kind.columns():
            rows[name] = table.column(name).to_numpy()
        return Held(rows, _levels_in(table, kind, rows), told["tick_size"], told["lot_size"])
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        what = f"cannot be read as {kind.name}: {str(error).splitlines()[0]}"
        raise StorageFailed(what, where=str(path), mend="it is damaged or of other code: move it aside and import its day again") from error


def taken(held: Held, chosen: np.ndarray) -> Held:
    """Some rows (N,) with their levels."""
    counts = held.rows["bids"] + held.rows["asks"] if "bids" in (held.rows.dtype.names or ()) and len(held.levels) else None
    levels = held.levels if counts is None else held.levels[np.repeat(chosen, counts)]
    return held._replace(rows=held.rows[chosen], levels=levels)


def _by_arrival(held: Held) -> Held:
    """Rows in the order of their arrival, those of one time as they stood."""
    names = held.rows.dtype.names or ()
    at = held.rows[next(name for name in ("received_ns", "known_ns", "opened_ns") if name in names)]
    if (np.diff(at) >= 0).all():
        return held
    order = np.argsort(at, kind="stable")
    return held._replace(rows=held.rows[order], levels=_levels_in_order(held, order))


def _levels_in_order(held: Held, order: np.ndarray) -> np.ndarray:
    if not len(held.levels):
        return held.levels
    counts = (held.rows["bids"] + held.rows["asks"]).astype(np.int64)
    starts = np.cumsum(counts) - counts
    places = np.concatenate([np.arange(starts[row], starts[row] + counts[row]) for row in order.tolist()])
    return np.asarray(held.levels[places.astype(np.int64)])


def _merged(kind: Kind, held: Held, given: Held, where: str) -> tuple[Held, int, int]:
    """The rows of both, once; how many of the given are new, and how many are there with other values."""
    tick, lot = _common([held.tick_size, given.tick_size]), _common([held.lot_size, given.lot_size])
    held, given = _rescaled(kind, held, tick, lot, where), _rescaled(kind, given, tick, lot, where)
    known = _names_of(kind, held.rows)
    is_new, unlike = np.zeros(len(given.rows), np.bool_), 0
    values = {name: place for place, name in enumerate(known)}
    plain_held, plain_given = _plain(held.rows), _plain(given.rows)
    for place, name in enumerate(_names_of(kind, given.rows)):
        at = values.setdefault(name, -1 - place)
        is_new[place] = at == -1 - place
        unlike += at >= 0 and plain_held[at] != plain_given[place]
    extra = taken(given, is_new)
    whole = Held(np.concatenate((held.rows, extra.rows)), np.concatenate((held.levels, extra.levels)), tick, lot)
    return whole, int(is_new.sum()), unlike


def _names_of(kind: Kind, rows: np.ndarray) -> list[bytes]:
    """What names each row: its key where that is told, else all its values and the how-manieth of these it is."""
    keys = np.stack([rows[name].astype(np.int64) for name in kind.key], axis=1) if kind.key else np.full((len(rows), 1), -1)
    told = keys[:, 0] >= 0
    seen: dict[bytes, int] = {}
    names = []
    for place, is_told in enumerate(told.tolist()):
        if is_told:
            names.append(b"k" + keys[place].tobytes())
        else:
            content = rows[place].tobytes()
            seen[content] = seen.get(content, 0) + 1
            names.append(b"r" + content + seen[content].to_bytes(4, "little"))
    return names


def _plain(rows: np.ndarray) -> list[bytes]:
    """Each row's values but when it came, which two recorders do not share."""
    bare = rows.copy()
    for name in ("received_ns", "known_ns"):
        if name in (rows.dtype.names or ()):
            bare[name] = 0
    return [row.tobytes() for row in bare]


def _common(sizes: list[str]) -> str:
    """The largest step that goes into all of these."""
    steps = [Decimal(size) for size in dict.fromkeys(sizes)]
    finest = min(step.normalize().as_tuple().exponent for step in steps)
    scale = Decimal(1).scaleb(int(finest))
    whole = np.gcd.reduce([int(step / scale) for step in steps])
    return f"{int(whole) * scale:f}"


def _rescaled(kind: Kind, held: Held, tick: str, lot: str, where: str) -> Held:
    """The same prices and sizes in finer steps."""
    by_tick, by_lot = int(Decimal(held.tick_size) / Decimal(tick)), int(Decimal(held.lot_size) / Decimal(lot))
    if by_tick == 1 and by_lot == 1:
        return held._replace(tick_size=tick, lot_size=lot)
    if kind.row is SecondRow:
        what = f"the seconds there are in steps of {held.tick_size} and {held.lot_size}, others in {tick} and {lot}"
        raise DataRefused(what, where=where, mend="make them of one recording, or move the file aside")
    rows, levels = held.rows.copy(), held.levels * np.array([by_tick, by_lot])
    for names, by in ((kind.ticks, by_tick), (kind.lots, by_lot)):
        for name in names:
            rows[name] *= by
    return Held(rows, levels, tick, lot)


def _encoded(kind: Kind, market: Market, held: Held) -> bytes:
    """A day's file."""
    arrays = [pa.array(np.ascontiguousarray(held.rows[name])) for name in kind.columns()]
    fields = [pa.field(name, array.type, False, {"unit": unit_of(kind, name)}) for name, array in zip(kind.columns(), arrays, strict=True)]
    if kind.has_levels:
        for name, values in zip(LISTS, _lists_of(held), strict=True):
            arrays.append(values)
            fields.append(pa.field(name, values.type, False, {"unit": name.split("_")[1]}))
    venue, _, place = market.source.rpartition("_")
    told = {"kind": market.folder, "venue": venue, "market": place, "symbol": market.symbol, "version": _VERSION}
    schema = pa.schema(fields, metadata={**told, "tick_size": held.tick_size, "lot_size": held.lot_size})
    out = BytesIO()
    parquet.write_table(pa.table(arrays, schema=schema), out, compression="zstd", use_dictionary=False)
    return out.getvalue()


def _lists_of(held: Held) -> list[pa.ListArray]:
    """Levels as one list a message: bid ticks, bid lots, ask ticks, ask lots."""
    bids, asks = held.rows["bids"].astype(np.int64), held.rows["asks"].astype(np.int64)
    is_ask = np.repeat(np.tile([False, True], len(bids)), np.stack((bids, asks), axis=1).ravel())
    made = []
    for counts, of_side in ((bids, ~is_ask), (asks, is_ask)):
        offsets = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
        made += [pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(held.levels[of_side][:, place]))) for place in (0, 1)]
    return made


def _levels_in(table: pa.Table, kind: Kind, rows: np.ndarray) -> np.ndarray:
    """The levels (L, 2) of a table's messages one after another, bids before asks."""
    if not kind.has_levels:
        return np.zeros((0, 2), np.int64)
    flat = [table.column(name).combine_chunks().flatten().to_numpy() for name in LISTS]
    bids, asks = rows["bids"].astype(np.int64), rows["asks"].astype(np.int64)
    is_ask = np.repeat(np.tile([False, True], len(rows)), np.stack((bids, asks), axis=1).ravel())
    levels = np.zeros((len(is_ask), 2), np.int64)
    for place in (0, 1):
        levels[~is_ask, place], levels[is_ask, place] = flat[place], flat[2 + place]
    return levels
