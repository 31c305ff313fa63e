"""Any recorded market data as one capture: lines of frames, a raw log, or a table in one of the known layouts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused, UsageError
from metastackerbandit.runtime.recorded.bitstamp_orders import is_order_log, read_order_log
from metastackerbandit.runtime.recorded.catalog import CANDLES, LAYOUTS, layout_of
from metastackerbandit.runtime.recorded.tables import Told, columns_of, read_table
from metastackerbandit.storage.captures import is_capture, read_capture


def is_recorded(path: Path) -> bool:
    """Whether a path is a capture, a raw log, or a table of trades, quotes or books (not of candles)."""
    return (path.is_file() and layout_of(frozenset(columns_of(path))) is not None) or is_order_log(path) or is_capture(path)


def is_candles(path: Path) -> bool:
    """Whether a path is of candles, or of nothing else that is known: a folder without a raw log, a file with their columns."""
    if path.is_dir() or not path.exists():
        return not is_capture(path)
    names = frozenset(name.strip().lower() for name in columns_of(path))
    return names >= CANDLES or (not names and not is_recorded(path))


def layout_name(path: Path) -> str:
    """What a path is, in words; "" where nobody knows."""
    if is_order_log(path):
        return "log of Bitstamp's orders"
    layout = layout_of(frozenset(columns_of(path))) if path.is_file() else None
    return layout.name if layout else "capture" if is_capture(path) else ""


def read_recorded(paths: Sequence[Path], told: Told | None = None) -> Capture:
    """Files as one capture; several must be captures, a table stands alone.

    Raises:
        NotFound: a file is not there.
        DataRefused: a file is of no known layout, cannot be read, or nothing in it can be used.
        UsageError: several tables; or a table does not say what its symbol or market is, and nobody else does.
    """
    told = told or Told()
    first = paths[0]
    if is_order_log(first):
        _alone(paths)
        return read_order_log(first, told)
    columns = columns_of(first) if first.is_file() else ()
    layout = layout_of(frozenset(columns))
    if layout is not None:
        _alone(paths)
        return layout.read(read_table(first, told))
    if first.is_file() and columns and not is_capture(first):
        raise unknown_layout(first, columns)
    return read_capture(paths)


def unknown_layout(path: Path, columns: Sequence[str]) -> DataRefused:
    """The refusal of a table that nobody knows: its columns, and the layouts that are known."""
    shown = ", ".join(columns[:12]) + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")
    known = "; ".join([*(f"{one.name} ({', '.join(sorted(one.columns))})" for one in LAYOUTS), "candles (a time, open, high, low, close)"])
    return DataRefused(f"no known layout has the columns {shown}", where=str(path), mend=f"known are: {known}; captures of frames; raw logs")


def _alone(paths: Sequence[Path]) -> None:
    if len(paths) > 1:
        raise UsageError("a table is read alone", where=str(paths[0]), mend="name one file; several files can only be captures of one session")
