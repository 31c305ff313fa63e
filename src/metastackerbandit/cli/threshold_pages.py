"""Thresholds as a reader sees them: profile, written, derived and effective limit side by side, and which of them decides."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metastackerbandit.config.loading import Loaded

_COLUMNS = ("threshold", "compares", "profile", "written", "derived", "effective", "decided by")


def threshold_rows(loaded: Loaded, symbol: str, frame: str, asked: Collection[str]) -> dict[str, Any] | None:
    """The thresholds among the keys that were asked for, with the circumstances of what is derived; None where there are none."""
    if not any(name.startswith("decision.") for name in asked):
        return None
    from metastackerbandit.config.books import profile_name, traded_frames
    from metastackerbandit.config.thresholds import thresholds, typical

    config = loaded.config
    on = frame or traded_frames(config)[0]
    rows = [row for row in thresholds(config, loaded.sources, symbol, on) if row.key in asked]
    if not rows:
        return None
    at = typical(config, symbol, on)
    note = f"derived limits marked ~ follow each prediction's own barrier and p_flat; shown at {at}"
    return {"frame": on, "symbol": symbol or None, "profile": profile_name(config, on)[0], "at": at, "note": note, "rows": rows}


def threshold_text(told: dict[str, Any] | None) -> str:
    """A table of them, and the note that explains the marks."""
    if told is None:
        return ""
    rows = [_COLUMNS, *(_cells(row) for row in told["rows"])]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    whose = " on ".join(part for part in (told["symbol"], told["frame"]) if part)
    heading = f"thresholds of {whose}, profile {told['profile']}; the stricter limit decides"
    return "\n".join([heading, *(f"  {line}" for line in lines), f"  {told['note']}"])


def _cells(row: Any) -> tuple[str, ...]:
    about = "" if row.varies is False else "~"
    derived = "-" if row.derived is None else f"{about}{row.derived:.4g}"
    domain = f"{row.quantity}, {_range(row.low, row.high)} {row.unit}"
    follows = row.derived is not None and row.source.startswith("derived")
    effective = "-" if row.effective is None else f"{about if follows else ''}{row.effective:.4g}"
    return (row.key, domain, _plain(row.profile), _plain(row.written), derived, effective, row.source)


def _range(low: float, high: float) -> str:
    if math.isinf(low):
        return "any"
    return f">= {low:.3g}" if math.isinf(high) else f"{low:.3g}..{high:.3g}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
