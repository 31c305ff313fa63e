"""Funding settlements of a perpetual, from a folder of parquet or csv files named by symbol."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.money import RATE_ONE
from metastackerbandit.domain.quality import FIRST_NS, LAST_NS, Floats, Ints, time_text
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.storage.candle_files import column_names, numbers, table_of
from metastackerbandit.storage.candle_names import did_you_mean
from metastackerbandit.storage.candle_times import times_of

_TIME_NAMES = ("time", "funding_time", "fundingtime", "timestamp", "calc_time", "open_time", "date")
_MOST_RATE = 0.5  # of notional in one settlement; venues cap it at a few percent, so more is a percentage by mistake


def beside(folder: Path) -> Path | None:
    """The funding folder beside candles, if there: .../funding/binance_usdm for .../klines/binance_usdm_5m (or binance_perp_5m) of recordings, and
    .../funding/loopback_perp for .../data/loopback_perp_5m of an installation's store."""
    beside_it = folder.absolute().parent.parent / "funding"
    venue, _, market = folder.name.rpartition("_")[0].rpartition("_")
    names = [f"{venue}_perp"] if market == "perp" else []
    if folder.name.startswith(("binance_usdm", "binance_perp")):
        names.append("binance_usdm")
    return next((beside_it / name for name in names if (beside_it / name).is_dir()), None)


def funding_of(
    files: tuple[Path, ...], symbol: str, tick_size: str, first_ns: int, last_ns: int
) -> tuple[np.ndarray[Any, Any] | None, tuple[str, ...]]:
    """Settlements at first_ns .. last_ns in the layout of FundingRow, None without any; and what was rounded."""
    parts = [_read(path) for path in files]
    if not parts:
        return None, ()
    times, rates, marks = (np.concatenate([part[place] for part in parts]) for place in range(3))
    times, rates, marks = _once(times, rates, marks, ", ".join(path.name for path in files))
    inside = (times >= first_ns) & (times <= last_ns)
    times, rates, marks = times[inside], rates[inside], marks[inside]
    if not len(times):
        return None, ()
    rows = np.zeros(len(times), layout(FundingRow))
    exact = rates * RATE_ONE
    rows["at_ns"], rows["rate"] = times, np.rint(exact)
    rows["mark"] = np.where(marks > 0, np.maximum(np.rint(marks / float(Decimal(tick_size))), 1), 0)
    rounded = int(np.count_nonzero(np.abs(exact - np.rint(exact)) > 1e-4))
    return rows, (f"{symbol}: {rounded:,} funding rates are finer than 1e-8 and were rounded",) if rounded else ()


def _read(path: Path) -> tuple[Ints, Floats, Floats]:
    table = table_of(path)
    names = column_names(table, path)
    time_name = next((names[name] for name in _TIME_NAMES if name in names), None)
    rate_name = names.get("funding_rate") or names.get("fundingrate")
    if time_name is None or rate_name is None:
        lacking = "time" if time_name is None else "funding_rate"
        raise DataRefused(f"lacks column {lacking}", where=str(path), mend=did_you_mean(lacking, names))
    times, unread, _ = times_of(table[time_name], str(path))
    rates, bad = numbers(table[rate_name], str(path))
    marks = numbers(table[names["mark_price"]], str(path))[0] if "mark_price" in names else np.zeros(len(times))
    marks = np.nan_to_num(marks, nan=0.0)
    _refuse(unread | bad | (times < FIRST_NS) | (times > LAST_NS), path, "has no readable time or rate", "write UTC milliseconds and plain numbers")
    _refuse(~(np.abs(rates) <= _MOST_RATE), path, "has a rate above 50 % of notional, or none", "rates are fractions: 0.0001 is 1 bp")
    _refuse(~np.isfinite(marks) | (marks < 0), path, "has a mark price that is no price", "leave an unknown mark empty")
    _refuse(np.concatenate(([False], np.diff(times) <= 0)), path, "is not after the row above", "sort the file and keep one row of each time")
    return times, rates, marks


def _refuse(bad: np.ndarray[Any, Any], path: Path, what: str, mend: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        raise DataRefused(f"row {rows[0] + 1} {what}", where=str(path), mend=mend)


def _once(times: Ints, rates: Floats, marks: Floats, where: str) -> tuple[Ints, Floats, Floats]:
    """Settlements that several files share, once; a mark that one of them knows is kept, rates must agree."""
    order = np.lexsort((-marks, times))
    times, rates, marks = times[order], rates[order], marks[order]
    again = np.concatenate(([False], np.diff(times) == 0))
    unlike = np.flatnonzero(again & (rates != np.concatenate((rates[:1], rates[:-1]))))
    if len(unlike):
        raise DataRefused(f"files disagree about the funding rate at {time_text(times[unlike[0]])}", where=where, mend="remove one of the files")
    return times[~again], rates[~again], marks[~again]
