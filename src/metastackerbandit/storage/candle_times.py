"""Opening times from whatever a file holds, dates or whole numbers or text, to UTC nanoseconds; and the length of the candles."""

from __future__ import annotations

import numpy as np
import polars as pl

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.quality import FIRST_NS, LAST_NS, Ints, Mask, runs, span_text, time_text
from metastackerbandit.domain.timeframe import FRAMES, MINUTE_NS, SECOND_NS, frame_name, frame_ns

UNITS_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_WRITTEN = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(\.\d{1,9})?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$"
_LONG_RUN = 20  # equal longer steps in a row: another bar size, not candles that a quiet market left out
_RARE = 0.02  # share of steps: fewer that do not fit the rest are misplaced rows, not the candles' length


def times_of(column: pl.Series, where: str) -> tuple[Ints, Mask, tuple[str, ...]]:
    """A time column -> UTC ns (N,), which rows could not be read, and what was assumed about units or zone."""
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        whole = text.cast(pl.Int64, strict=False)
        if whole.null_count() * 2 > len(whole):
            return _from_text(text)
        return _from_counts(whole, where)
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("ms"))
    if isinstance(column.dtype, pl.Datetime):
        return _from_stamps(column, where)
    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        exact = (whole.cast(pl.Float64) == column.cast(pl.Float64)).fill_null(False)
        return _from_counts(whole.zip_with(exact, pl.Series(whole.name, [None], dtype=pl.Int64)), where)
    if column.dtype.is_integer():
        return _from_counts(column.cast(pl.Int64, strict=False), where)
    raise DataRefused(f"column {column.name} holds {column.dtype}, not times", where=where, mend="write UTC times or whole milliseconds")


def _from_stamps(column: pl.Series, where: str) -> tuple[Ints, Mask, tuple[str, ...]]:
    kind = column.dtype
    assert isinstance(kind, pl.Datetime)
    counts = column.to_physical()
    times, unread, _ = _scaled(counts, UNITS_NS[kind.time_unit])
    known = counts.drop_nulls()
    if len(known) and not unread.all() and ((times < FIRST_NS) | (times > LAST_NS))[~unread].all():
        meant = _unit_of(known.to_numpy())
        if meant:
            what = f"{column.name} runs from {_year(known, kind.time_unit)}: its stamps look like {meant} stored as {kind.time_unit}"
            raise DataRefused(what, where=where, mend=f"multiply the stamps, or store them as a timestamp in {meant}")
    return times, unread, () if kind.time_zone else (f"{column.name} has no time zone and is read as UTC",)


def _year(counts: pl.Series, unit: str) -> str:
    return str(counts[:1].to_numpy().astype(f"datetime64[{unit}]").astype("datetime64[D]")[0])


def _from_counts(counts: pl.Series, where: str) -> tuple[Ints, Mask, tuple[str, ...]]:
    known = counts.drop_nulls().to_numpy()
    unit = _unit_of(known)
    if unit is None:
        held = {name for name in UNITS_NS if len(known) and _plausible(known, name).any()}
        what = "mixes units: " + ", ".join(sorted(held)) if len(held) > 1 else "is in no unit that gives a year between 2009 and 2100"
        first = known[0] if len(known) else "empty"
        raise DataRefused(f"{counts.name} {what} (first value {first})", where=where, mend="write milliseconds since 1970 UTC")
    told = () if unit == "ms" else (f"{counts.name} is read as {unit} since 1970",)
    times, unread, _ = _scaled(counts, UNITS_NS[unit])
    return times, unread, told


def _unit_of(counts: Ints) -> str | None:
    """The one unit in which most stamps are plausible and none is plausible in another."""
    held = [name for name in UNITS_NS if len(counts) and _plausible(counts, name).any()]
    return held[0] if len(held) == 1 and _plausible(counts, held[0]).mean() > 0.5 else None


def _plausible(counts: Ints, unit: str) -> Mask:
    scale = UNITS_NS[unit]
    return (counts >= FIRST_NS // scale) & (counts <= LAST_NS // scale)


def _scaled(counts: pl.Series, scale: int) -> tuple[Ints, Mask, tuple[str, ...]]:
    unread = counts.is_null().to_numpy()
    filled = counts.fill_null(0).to_numpy().astype(np.int64)
    most = (2**63 - 1) // scale
    return np.clip(filled, -most, most) * scale, unread, ()


def _from_text(text: pl.Series) -> tuple[Ints, Mask, tuple[str, ...]]:
    parts = pl.DataFrame({"text": text}).select(
        *(pl.col("text").str.extract(_WRITTEN, place).alias(name) for place, name in enumerate(("day", "minute", "second", "part", "zone"), start=1))
    )
    clock = pl.col("day") + " " + pl.col("minute").fill_null("00:00") + ":" + pl.col("second").fill_null("00")
    zone = pl.col("zone").str.replace(":", "")
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    minutes = zone.str.slice(1, 2).cast(pl.Int64, strict=False) * 60 + zone.str.slice(3, 2).cast(pl.Int64, strict=False)
    read = parts.select(
        clock.str.strptime(pl.Datetime("ms"), "%Y-%m-%d %H:%M:%S", strict=False).to_physical().alias("ms"),
        pl.col("part").str.slice(1).str.pad_end(9, "0").cast(pl.Int64, strict=False).fill_null(0).alias("rest"),
        (sign * minutes).fill_null(0).alias("ahead"),
        pl.col("zone").is_null().any().alias("naive"),
    )
    times, unread, _ = _scaled(read["ms"], UNITS_NS["ms"])
    times = times + read["rest"].to_numpy() - read["ahead"].to_numpy() * 60 * UNITS_NS["s"]
    naive = len(read) > 0 and bool(read["naive"][0])
    return times, unread, (f"{text.name} has no time zone and is read as UTC",) if naive else ()


def length_of(opened_ns: Ints, frame: str | None, where: str) -> int:
    """Length of the candles in ns: the given frame, else the smallest common step of their times.

    Candles left out by a quiet market are fine; rows that do not fit, or stretches of another bar size, are refused.
    """
    if frame is not None:
        return frame_ns(frame)
    steps = np.diff(np.unique(opened_ns)).astype(np.int64)
    if not len(steps):
        raise DataRefused("one time alone does not say how long a candle is", where=where, mend="give --frame")
    common, usual = int(np.gcd.reduce(steps)), int(np.median(steps))
    if common != usual and usual in FRAMES.values() and (np.count_nonzero(steps % usual) <= max(2, _RARE * len(steps))):
        # A few rows off the others' step; with none of them a multiple the whole file would look finer than it is.
        return usual
    if common not in FRAMES.values() or (common == SECOND_NS and usual >= MINUTE_NS):  # odd seconds are no candles of one
        what = f"candles are {span_text(common)} apart, which is no bar size" if common >= UNITS_NS["s"] else "candles are less than a second apart"
        raise DataRefused(what, where=where, mend=f"use candles of {', '.join(FRAMES)}")
    _refuse_mixed(opened_ns, common, where)
    return common


def _refuse_mixed(opened_ns: Ints, common: int, where: str) -> None:
    steps = np.diff(opened_ns)
    for length in FRAMES.values():
        if length > common:
            starts, ends = runs(steps == length)
            long = np.flatnonzero(ends - starts >= _LONG_RUN)
            if len(long):
                at = time_text(int(opened_ns[starts[long[0]]]))
                what = f"mixes steps: candles of {frame_name(length)} from {at} among candles of {frame_name(common)}"
                raise DataRefused(what, where=where, mend="keep one bar size in a file")
