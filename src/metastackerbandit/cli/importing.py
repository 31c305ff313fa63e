"""`msb data import`: candles into the store, everything else that was recorded into columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metastackerbandit.domain.errors import UsageError

if TYPE_CHECKING:
    from metastackerbandit.runtime.recorded.tables import Told

_SHOWN = 20  # issues that the text answer lists; --json has all


def import_candle_paths(home: Path, paths: Sequence[Path], told: Told, frame: str | None) -> tuple[dict[str, Any], str]:
    """Candle files or folders, each all or nothing."""
    from metastackerbandit.storage.store import import_candles

    if told.venue or told.symbol:
        raise UsageError(
            "candles say by their names of which symbol and venue they are", where="msb data import", mend="rename the file or its folder"
        )
    done = [one for path in paths for one in import_candles(home, path, told.market, frame)]
    lines = [f"{one.symbol} {one.market} {one.frame}: {one.added:,} candles added, {one.rows:,} held in {one.file}" for one in done]
    notices = [notice for one in done for notice in one.notices]
    return {"imported": done}, "\n".join([*lines, *(f"note: {notice}" for notice in notices)])


def import_recorded_paths(home: Path, paths: Sequence[Path], told: Told) -> tuple[dict[str, Any], str]:
    """Captures (several files are one), raw logs and tables (each by itself) into columns."""
    import os

    from metastackerbandit.config.loading import load_home
    from metastackerbandit.runtime.recorded.importing import import_capture
    from metastackerbandit.runtime.recorded.reading import layout_name, read_recorded

    names = [layout_name(path) for path in paths]
    groups = [paths] if set(names) == {"capture"} else [[path] for path in paths]
    captures = [read_recorded(group, told) for group in groups]  # all are read before anything is written
    config = load_home(home, os.environ, ()).config
    imported: list[dict[str, Any]] = []
    issues: list[dict[str, Any]] = []
    for group, capture in zip(groups, captures, strict=True):
        done = import_capture(home, capture, config.bars, config.quality)
        file, layout = ", ".join(path.name for path in group), names[paths.index(group[0])]
        imported += [
            {"file": file, "layout": layout, **{name: getattr(one, name) for name in ("kind", "symbol", "added", "shared", "differing", "days")}}
            for one in done.stored
        ]
        issues += [{"type": one.kind, "severity": one.severity, "where": one.where, "what": one.what, "count": one.count} for one in done.issues]
    return {"imported": imported, "issues": issues}, _text(imported, issues)


def _text(imported: list[dict[str, Any]], issues: list[dict[str, Any]]) -> str:
    lines = [
        f"{one['layout']}: {one['symbol']} {one['kind']}: {one['added']:,} added, {one['shared']:,} were there, {' to '.join(_ends(one['days']))}"
        for one in imported
    ]
    told = [f"{one['severity']:8} {one['type']}: {one['where']}: {one['what']}" for one in issues[:_SHOWN]]
    return "\n".join([*lines, *told, *([f"and {len(issues) - _SHOWN:,} more issues (--json has all)"] if len(issues) > _SHOWN else [])])


def _ends(days: Sequence[str]) -> list[str]:
    """The first and the last day."""
    return list(dict.fromkeys((days[0], days[-1])))
