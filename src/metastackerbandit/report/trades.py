"""Prices with what was done on them, a picture a symbol: candles as coarse as a page bears, and fills with the decision behind each."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.gate import NA, PASS
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import REASONS
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, frame_name
from metastackerbandit.market.frames import frame_bars
from metastackerbandit.report.reading import Reading

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_CANDLES = 3_000  # of one symbol
ALL_CANDLES = 24_000  # of the page
MOST_FILLS = 1_200  # of one symbol
ALL_FILLS = 6_000  # of the page
_LENGTHS = tuple(
    length * unit
    for unit, lengths in ((MINUTE_NS, (1, 3, 5, 10, 15, 30)), (HOUR_NS, (1, 2, 3, 4, 6, 8, 12)), (DAY_NS, (1, 2, 7, 14, 28)))
    for length in lengths
)


class Prices(Struct, frozen=True, eq=False):
    """A symbol's prices over the run, all (T,), quote currency: candles that opened at `times` (ns); or, where `candles` is false, closes alone.

    `length_ns` is a candle's length; `digits` the decimals of a price.
    """

    times: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    candles: bool
    length_ns: int
    digits: int


class Mark(Struct, frozen=True):
    """One fill in words; `side` +1 bought, -1 sold; `opens` where it began or enlarged a position."""

    at_ns: int
    price: float
    side: int
    opens: bool
    text: str


class Trip(Struct, frozen=True):
    """One closed round trip as a line from its entry to its exit."""

    opened_ns: int
    closed_ns: int
    entry: float
    exit: float
    won: bool


class Traded(Struct, frozen=True, eq=False):
    """A symbol: its prices, marks and trips, and how many fills it had in all."""

    symbol: str
    prices: Prices
    marks: tuple[Mark, ...]
    trips: tuple[Trip, ...]
    fills: int


def traded_of(reading: Reading) -> tuple[Traded, ...]:
    """Every symbol, the one with the most fills first."""
    row = reading.row
    symbols = list(dict.fromkeys(row.symbols))
    books = {symbol: [book for book, name in enumerate(row.symbols) if name == symbol] for symbol in symbols}
    counts = {symbol: int(np.isin(reading.fills["instrument"], books[symbol]).sum()) for symbol in symbols}
    candles, fills = min(MOST_CANDLES, ALL_CANDLES // len(symbols)), min(MOST_FILLS, ALL_FILLS // len(symbols))
    ordered = sorted(symbols, key=lambda symbol: (-counts[symbol], symbols.index(symbol)))
    return tuple(
        Traded(symbol, _prices(reading, symbol, books[symbol], candles), *_acts(reading, books[symbol], fills), counts[symbol]) for symbol in ordered
    )


def digits_of(instrument: Instrument) -> int:
    """Decimals of a price."""
    exponent = Decimal(instrument.tick_size).normalize().as_tuple().exponent
    return max(-int(exponent), 0)


def candle_words(prices: Prices) -> str:
    """What a candle of a picture is."""
    for unit, name in ((DAY_NS, "day"), (HOUR_NS, "hour"), (MINUTE_NS, "minute"), (SECOND_NS, "second")):
        if prices.length_ns and prices.length_ns % unit == 0:
            count = prices.length_ns // unit
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{prices.length_ns} ns"


# -- prices --------------------------------------------------------------------------------------------------------------


def _prices(reading: Reading, symbol: str, books: list[int], most: int) -> Prices:
    """Candles of the run's time where they are at hand, else the closes that were decided on."""
    own = reading.decided[np.isin(reading.decided["instrument"], books)]
    if reading.beside.candles is None or not len(own):
        return _closes(reading, books, own, most)
    first, last = int((own["closed_ns"] - own["frame_ns"]).min()), int(own["closed_ns"].max())
    return _candles(reading.beside.candles, list(dict.fromkeys(reading.row.symbols)).index(symbol), first, last, most)


def _candles(recording: Recording, place: int, first_ns: int, last_ns: int, most: int) -> Prices:
    bars, instrument = recording.bars[place], recording.instruments[place]
    bars = bars[(bars["opened_ns"] >= first_ns) & (bars["closed_ns"] <= last_ns)]
    length = recording.base_ns
    if len(bars) > most:
        span = int(bars["closed_ns"][-1] - bars["opened_ns"][0])
        longer = [one for one in _LENGTHS if one % length == 0 and span // one + 1 <= most]
        length = longer[0] if longer else -(-span // most // DAY_NS + 1) * DAY_NS
        bars = frame_bars(bars, recording.base_ns, length)
    digits = digits_of(instrument)
    tick = float(instrument.tick_size)
    columns = {name: np.round(bars[name] * tick, digits) for name in ("open", "high", "low", "close")}
    return Prices(times=bars["opened_ns"].astype(np.int64), candles=True, length_ns=length, digits=digits, **columns)


def _closes(reading: Reading, books: list[int], own: np.ndarray, most: int) -> Prices:
    """The closes of the fastest book, thinned."""
    instrument = reading.row.instruments[books[0]]
    fastest = min(books, key=reading.row.frame_of)
    own = own[own["instrument"] == fastest]
    own = own[:: max(-(-len(own) // most), 1)]
    close = np.round(own["close"] * float(instrument.tick_size), digits_of(instrument))
    return Prices(own["closed_ns"].astype(np.int64), close, close, close, close, False, reading.row.frame_of(fastest), digits_of(instrument))


# -- what was done -------------------------------------------------------------------------------------------------------


def _acts(reading: Reading, books: list[int], most: int) -> tuple[tuple[Mark, ...], tuple[Trip, ...]]:
    """Marks and lines; of more than fit, those of the trips with the largest results and of the newest fills."""
    fills, trips = (rows[np.isin(rows["instrument"], books)] for rows in (reading.fills, reading.trips))
    if len(trips) > most // 2:
        trips = trips[np.sort(np.argsort(-np.abs(trips["net"]), kind="stable")[: most // 2])]
    opens = _opens(fills)
    if len(fills) > most:
        drawn = np.isin(fills["at_ns"], np.concatenate((trips["opened_ns"], trips["closed_ns"])))
        kept = np.flatnonzero(drawn)[-most:]
        fills, opens = fills[kept], opens[kept]
    asked = _asked(reading, fills)
    marks = tuple(_mark(reading, fill, bool(opened), asked.get(int(fill["decision"]), "")) for fill, opened in zip(fills, opens, strict=True))
    return marks, tuple(_trip(reading, one) for one in trips)


def _opens(fills: np.ndarray) -> NDArray[np.bool_]:
    """Which fills (N,) began or enlarged a position of their book."""
    found = np.zeros(len(fills), bool)
    for book in np.unique(fills["instrument"]):
        own = np.flatnonzero(fills["instrument"] == book)
        held = np.cumsum(fills["lots"][own])
        found[own] = np.abs(held) > np.abs(held - fills["lots"][own])
    return found


def _asked(reading: Reading, fills: np.ndarray) -> dict[int, str]:
    """By decision: how many gates let a wish for new risk pass."""
    rows, verdict = reading.signals.rows, reading.signals.verdict
    numbers = np.unique(fills["decision"])
    places = np.flatnonzero(np.isin(rows["decision"], numbers) & (rows["asks_risk"] != 0))
    passed, left = (verdict[places] == PASS).sum(axis=1), (verdict[places] == NA).sum(axis=1)
    gates = verdict.shape[1]
    return {
        int(rows["decision"][place]): f"{int(yes)} of {gates} gates passed it, {int(no)} had nothing to ask"
        for place, yes, no in zip(places, passed, left, strict=True)
    }


def _mark(reading: Reading, fill: np.ndarray, opens: bool, asked: str) -> Mark:
    row = reading.row
    book = int(fill["instrument"])
    instrument = row.instruments[book]
    side = 1 if fill["lots"] > 0 else -1
    what = f"{'bought' if side > 0 else 'sold'} {instrument.quantity_text(abs(int(fill['lots'])))} {instrument.base}"
    price = f"at {instrument.price_text(int(fill['ticks']))} {instrument.quote}"
    lines = [
        f"{what} {price}",
        f"{frame_name(row.frame_of(book))} book, {'entry' if opens else 'exit'} on {REASONS[int(fill['reason'])]}",
        f"decision {int(fill['decision'])}, order {int(fill['order'])}",
        *([asked] if asked and opens else []),
    ]
    return Mark(int(fill["at_ns"]), round(int(fill["ticks"]) * float(instrument.tick_size), digits_of(instrument)), side, opens, "\n".join(lines))


def _trip(reading: Reading, trip: np.ndarray) -> Trip:
    """Prices of entry and exit as values over quantity."""
    instrument = reading.row.instruments[int(trip["instrument"])]
    scale = float(instrument.tick_size) / (abs(int(trip["lots"])) * float(instrument.rules().unit))
    return Trip(
        int(trip["opened_ns"]),
        int(trip["closed_ns"]),
        round(float(trip["entry_value"]) * scale, digits_of(instrument) + 2),
        round(float(trip["exit_value"]) * scale, digits_of(instrument) + 2),
        bool(trip["net"] > 0),
    )
