"""What can be wrong with candles, found in their columns: what makes them unusable (critical), and what a reader should know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

FIRST_NS = 1_230_768_000 * SECOND_NS  # 2009-01-01, the year of the first coin: no candle is older
LAST_NS = 4_102_444_800 * SECOND_NS  # 2100-01-01: a stamp beyond is a mistaken unit
LISTED = 10  # findings of one kind told one by one; the rest share a line

MENDS = {
    "not_a_number": "write plain numbers, and UTC times",
    "bad_time": "open_time is UTC between 2009 and 2100: check the unit (ms) of the stamps",
    "bad_price": "remove the row or fetch the candle again",
    "price_order": "a candle has low <= open, close <= high: fetch it again",
    "bad_volume": "volume is base currency, 0 or more",
    "unsorted": "sort the file by open_time",
    "duplicate": "keep one row of each open_time",
    "misaligned": "candles open at multiples of their length on the UTC clock: check the time zone and the length",
}


class CandleColumns(Struct, frozen=True, eq=False):
    """Candles as columns (N,): opening time in UTC ns, prices in quote currency, volume in base units (None where absent, NaN where unknown)."""

    opened_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats | None = None

    def prices(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Open, high, low, close."""
        return self.open, self.high, self.low, self.close


def time_text(at_ns: int) -> str:
    """A time as people write it, such as 2024-01-01T00:05:00Z."""
    return f"{np.datetime64(int(at_ns) // SECOND_NS, 's')}Z"


def span_text(length_ns: int) -> str:
    """A length of time in its two largest units, such as 30d 20h."""
    parts = []
    for name, unit in (("d", DAY_NS), ("h", HOUR_NS), ("m", MINUTE_NS), ("s", SECOND_NS)):
        count, length_ns = divmod(int(length_ns), unit)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts[:2]) or "0s"


def defects(candles: CandleColumns, base_ns: int, known_bad: Mask | None = None) -> tuple[QualityIssue, ...]:
    """Everything that makes candles unusable; rows of `known_bad` were told already and are passed over. Empty: they are sound."""
    unread = np.zeros(len(candles.opened_ns), np.bool_) if known_bad is None else known_bad
    stray = ((candles.opened_ns < FIRST_NS) | (candles.opened_ns > LAST_NS)) & ~unread
    found = _told("bad_time", "critical", np.flatnonzero(stray), candles, lambda row: _stray(candles, row))
    found += _price_defects(candles, unread)
    found += _volume_defects(candles, unread)
    found += _time_defects(candles, base_ns, unread | stray)
    return tuple(found)


def findings(candles: CandleColumns, base_ns: int, outlier_return: float) -> tuple[QualityIssue, ...]:
    """What a reader of sound candles should know: gaps, outliers, stretches without a trade, volumes that are missing."""
    return (*gaps(candles.opened_ns, base_ns), *_outliers(candles, outlier_return), *_quiet(candles))


def gaps(opened_ns: Ints, base_ns: int) -> tuple[QualityIssue, ...]:
    """Absent candles between the first and the last, the longest gaps one by one; `count` is candles."""
    steps = np.diff(opened_ns) // base_ns
    rows = np.flatnonzero(steps > 1)
    longest = np.sort(rows[np.argsort(-steps[rows], kind="stable")[:LISTED]])
    told = [_gap(opened_ns, row, int(steps[row]) - 1, base_ns) for row in longest]
    if len(rows) > LISTED:
        count = int((steps[rows] - 1).sum()) - sum(issue.count for issue in told)
        what = f"{len(rows) - LISTED:,} shorter gaps, {count:,} candles absent"
        told.append(QualityIssue("gap", "low", time_text(opened_ns[rows[0]]), what, count))
    return tuple(told)


def missing(opened_ns: Ints, base_ns: int) -> tuple[int, int]:
    """How many gaps there are and how many candles are absent in them."""
    steps = np.diff(opened_ns) // base_ns
    holes = steps[steps > 1]
    return len(holes), int((holes - 1).sum())


def _gap(opened_ns: Ints, row: int, absent: int, base_ns: int) -> QualityIssue:
    length = absent * base_ns
    severity = "high" if length >= DAY_NS else "medium" if length >= HOUR_NS else "low"
    what = f"{_candles(absent)} absent ({span_text(length)}) before {time_text(opened_ns[row + 1])}"
    return QualityIssue("gap", severity, time_text(opened_ns[row] + base_ns), what, absent)


def _price_defects(candles: CandleColumns, unread: Mask) -> list[QualityIssue]:
    found: list[QualityIssue] = []
    bad = unread.copy()
    for name, column in zip(("open", "high", "low", "close"), candles.prices(), strict=True):
        wrong = ~(np.isfinite(column) & (column > 0)) & ~unread
        found += _told("bad_price", "critical", np.flatnonzero(wrong), candles, _saying(name, column, "not a positive price"))
        bad |= wrong
    top, bottom = np.maximum(candles.open, candles.close), np.minimum(candles.open, candles.close)
    crossed = ((candles.high < top) | (candles.low > bottom)) & ~bad
    found += _told("price_order", "critical", np.flatnonzero(crossed), candles, lambda row: _ohlc(candles, row))
    return found


def _volume_defects(candles: CandleColumns, unread: Mask) -> list[QualityIssue]:
    if candles.volume is None:
        return []
    wrong = (np.isinf(candles.volume) | (candles.volume < 0)) & ~unread
    return _told("bad_volume", "critical", np.flatnonzero(wrong), candles, _saying("volume", candles.volume, "not a volume"))


def _time_defects(candles: CandleColumns, base_ns: int, passed: Mask) -> list[QualityIssue]:
    rows = np.flatnonzero(~passed)
    times = candles.opened_ns[rows]
    steps = np.diff(times)
    found = _told("unsorted", "critical", rows[1:][steps < 0], candles, lambda row: "open_time is before that of the row above")
    found += _told("duplicate", "critical", rows[1:][steps == 0], candles, lambda row: "open_time is the same as in the row above")
    off = rows[times % base_ns != 0]
    found += _told("misaligned", "critical", off, candles, lambda row: f"open_time is not a multiple of {span_text(base_ns)}")
    return found


def _outliers(candles: CandleColumns, outlier_return: float) -> list[QualityIssue]:
    returns = candles.close[1:] / candles.close[:-1] - 1.0
    rows = np.flatnonzero(np.abs(returns) > outlier_return) + 1
    return _told("outlier", "medium", rows, candles, lambda row: f"close moved {returns[row - 1]:+.1%} in one candle")


def _quiet(candles: CandleColumns) -> list[QualityIssue]:
    if candles.volume is None:
        return []
    found: list[QualityIssue] = []
    starts, ends = runs(candles.volume == 0.0)
    for start, end in zip(starts[:LISTED], ends[:LISTED], strict=True):
        what = f"{_candles(end - start)} without volume, until {time_text(candles.opened_ns[end - 1])}"
        found.append(QualityIssue("zero_volume", "low", time_text(candles.opened_ns[start]), what, int(end - start)))
    if len(starts) > LISTED:
        count = int((ends[LISTED:] - starts[LISTED:]).sum())
        what = f"{len(starts) - LISTED:,} more stretches, {count:,} candles without volume"
        found.append(QualityIssue("zero_volume", "low", time_text(candles.opened_ns[starts[LISTED]]), what, count))
    unknown = np.flatnonzero(np.isnan(candles.volume))
    if len(unknown):
        where = time_text(candles.opened_ns[unknown[0]])
        found.append(QualityIssue("no_volume", "medium", where, f"{_candles(len(unknown))} without a known volume", len(unknown)))
    return found


def _candles(count: int) -> str:
    return "1 candle" if count == 1 else f"{count:,} candles"


def runs(mask: Mask) -> tuple[Ints, Ints]:
    """Starts and ends (one past the last) of the stretches of True in a mask (N,)."""
    edges = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _told(kind: str, severity: str, rows: Ints, candles: CandleColumns, say: Callable[[int], str]) -> list[QualityIssue]:
    """One issue a row for the first few, and one for all the rest."""
    found = [QualityIssue(kind, severity, row_text(candles, int(row)), say(int(row))) for row in rows[:LISTED]]
    if len(rows) > LISTED:
        rest = len(rows) - LISTED
        found.append(QualityIssue(kind, severity, row_text(candles, int(rows[LISTED])), f"{rest:,} more rows like this", rest))
    return found


def row_text(candles: CandleColumns, row: int) -> str:
    """Where a row is: its number (the first is 1) and its time, if it has one."""
    at_ns = int(candles.opened_ns[row])
    return f"row {row + 1} ({time_text(at_ns)})" if FIRST_NS <= at_ns <= LAST_NS else f"row {row + 1}"


def critical(issues: Iterable[QualityIssue]) -> tuple[QualityIssue, ...]:
    """Those that make the candles unusable."""
    return tuple(issue for issue in issues if issue.severity == "critical")


def _stray(candles: CandleColumns, row: int) -> str:
    return f"open_time {time_text(candles.opened_ns[row])} is not between 2009 and 2100"


def _saying(name: str, column: Floats, what: str) -> Callable[[int], str]:
    return lambda row: f"{name} is missing" if np.isnan(column[row]) else f"{name} {column[row]:g} is {what}"


def _ohlc(candles: CandleColumns, row: int) -> str:
    opened, high, low, close = (float(column[row]) for column in candles.prices())
    return f"high {high:g} and low {low:g} do not hold open {opened:g} and close {close:g}"
