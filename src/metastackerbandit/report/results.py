"""What round trips came to: one by one, by side, symbol and frame, and by month or week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.money import money_digits
from metastackerbandit.domain.timeframe import DAY_NS, SECOND_NS, frame_name
from metastackerbandit.report.account import Account
from metastackerbandit.report.reading import Reading

Floats = NDArray[np.float64]

SIDES = (("BUY", 1), ("SELL", -1))
MONTHS_FROM_DAYS = 62  # a shorter run is told by weeks
_BPS = 1e4


class Line(Struct, frozen=True):
    """Closed round trips of one group: how many, how many won, their net result after fees and funding (account currency).

    `mean_bps` is the mean net result over the entry's value, `mean_bars` the mean time held; null where there was no trip.
    """

    symbol: str
    frame: str
    side: str
    trips: int
    won: int
    net: float
    fees: float
    funding: float
    mean_bps: float | None
    mean_bars: float | None


class Period(Struct, frozen=True):
    """A month or week (UTC): return on the equity that it began with (null where that was none), trips closed in it, and their net result."""

    name: str
    net_return: float | None
    trips: int
    net: float


def lines_of(reading: Reading) -> tuple[Line, ...]:
    """A line a book and side that closed anything, then by side, then all."""
    trips, row = reading.trips, reading.row
    lines = []
    for book, symbol in enumerate(row.symbols):
        for side, sign in SIDES:
            own = trips[(trips["instrument"] == book) & (trips["side"] == sign)]
            if len(own):
                lines.append(_line(own, symbol, frame_name(row.frame_of(book)), side, reading.currency))
    lines += [_line(trips[trips["side"] == sign], "all", "all", side, reading.currency) for side, sign in SIDES]
    return (*lines, _line(trips, "all", "all", "both", reading.currency))


def trip_bps(trips: np.ndarray) -> Floats:
    """Net results (N,) over the entries' values, basis points."""
    value = trips["entry_value"].astype(np.float64)
    return np.divide(trips["net"] * _BPS, value, out=np.zeros(len(trips)), where=value != 0.0)


def periods_of(reading: Reading, account: Account) -> tuple[str, tuple[Period, ...]]:
    """-> ("month" or "week", one period each, from the first close to the last)."""
    if not len(account.times):
        return "month", ()
    days = (int(account.times[-1]) - int(account.times[0])) / DAY_NS
    kind = "month" if days >= MONTHS_FROM_DAYS else "week"
    edges = _edges(int(account.times[0]), int(account.times[-1]), kind)
    digits = money_digits(reading.currency)
    level, found = account.capital, []
    for (name, start), (_, stop) in pairwise(edges):
        inside = (account.times > start) & (account.times <= stop)
        own = reading.trips[(reading.trips["closed_ns"] > start) & (reading.trips["closed_ns"] <= stop)]
        after = float(account.equity[inside][-1]) if inside.any() else level
        gain = after / level - 1.0 if level > 0.0 else None
        found.append(Period(name, gain, len(own), float(own["net"].sum()) / 10**digits))
        level = after
    return kind, tuple(found)


def _edges(first_ns: int, last_ns: int, kind: str) -> list[tuple[str, int]]:
    """Starts of the periods that hold (first, last], and the start after them; a close at midnight belongs to the day that ended."""
    at = datetime.fromtimestamp((first_ns - 1) // SECOND_NS, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = at.replace(day=1) if kind == "month" else at - timedelta(days=at.weekday())
    edges = []
    while True:
        start = int(at.timestamp()) * SECOND_NS
        edges.append((at.strftime("%Y-%m") if kind == "month" else at.strftime("%Y-%m-%d"), start))
        if start >= last_ns:
            return edges
        at = (at + timedelta(days=32)).replace(day=1) if kind == "month" else at + timedelta(days=7)


def _line(trips: np.ndarray, symbol: str, frame: str, side: str, currency: str) -> Line:
    unit = 10 ** money_digits(currency)
    count = len(trips)
    return Line(
        symbol=symbol,
        frame=frame,
        side=side,
        trips=count,
        won=int(np.count_nonzero(trips["net"] > 0)),
        net=float(trips["net"].sum()) / unit,
        fees=float(trips["fees"].sum()) / unit,
        funding=float(trips["funding"].sum()) / unit,
        mean_bps=float(trip_bps(trips).mean()) if count else None,
        mean_bars=float(trips["bars"].mean()) if count else None,
    )
