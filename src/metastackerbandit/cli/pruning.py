"""`msb data prune`: the oldest segments of raw logs, or the inputs of the oldest runs, leave by age and by size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metastackerbandit.storage.leaving import Gone
    from metastackerbandit.storage.settings import InputLogSettings, RawLogSettings

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|B|KB|MB|GB|TB)", re.IGNORECASE)
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_Limits = TypeVar("_Limits", "RawLogSettings", "InputLogSettings")
_SHOWN = 20  # files that the text answer lists; --json has all


def bytes_of(text: str, flag: str) -> int:
    """A size such as 800000, 500MB or 1.5TB (units of a thousand) in bytes; UsageError otherwise."""
    from metastackerbandit.domain.errors import UsageError

    match = _SIZE.fullmatch(text.strip())
    size = round(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size < 1:
        raise UsageError(f"{text!r} is no size", where=flag, mend="write a number above 0 and nothing, KB, MB, GB or TB behind it, such as 50GB")
    return size


def limits_of(settings: _Limits, table: str, keep_days: float | None, keep_bytes: str | None) -> _Limits:
    """The settings with the flags over them; a flag alone sets the other limit aside, so that nothing leaves for a limit that nobody named."""
    from msgspec import structs

    from metastackerbandit.domain.errors import UsageError

    if keep_days is not None and not 0 < keep_days < float("inf"):
        raise UsageError(f"{keep_days:g} days", where="--keep-days", mend="give a number of days above 0")
    if keep_days is not None or keep_bytes is not None:
        size = bytes_of(keep_bytes, "--keep-bytes") if keep_bytes is not None else 0
        settings = structs.replace(settings, keep_days=keep_days or 0.0, keep_gb=size / 1e9)
    if not settings.keep_days and not settings.keep_gb:
        mend = f"give --keep-days or --keep-bytes, or set {table}.keep_days or keep_gb"
        raise UsageError("nothing says what leaves", where=table, mend=mend)
    return settings


def prune_payload(folder: Path, settings: RawLogSettings, archive: Path | None, *, dry_run: bool) -> dict[str, Any]:
    """Prune, and the shape of `msb data prune --json`."""
    import time

    from metastackerbandit.storage.raw_retention import prune

    named = archive if archive is not None else Path(settings.archive).expanduser() if settings.archive else None
    done = prune(folder, settings, time.time_ns(), named, dry_run=dry_run)
    return {
        "folder": folder,
        "dry_run": dry_run,
        "keep_days": settings.keep_days or None,
        "keep_bytes": round(settings.keep_gb * 1e9) or None,
        "removed": _removed(done.gone),
        "removed_bytes": sum(one.bytes for one in done.gone),
        "kept": {"segments": done.kept_segments, "bytes": done.kept_bytes},
        "being_written": list(done.being_written),
        "archive_deleted": list(done.archive_deleted),
    }


def prune_inputs_payload(
    folder: Path, settings: InputLogSettings, archive: Path | None, pins: Sequence[int], unpins: Sequence[int], *, dry_run: bool
) -> dict[str, Any]:
    """Prune the inputs of a home's runs, after pinning some and letting others go, in the shape of `msb data prune --json`."""
    import time

    from metastackerbandit.storage.input_retention import pin, prune_inputs
    from metastackerbandit.storage.journal import Journal

    for runs, is_pinned in ((pins, True), (unpins, False)):
        for run in runs:
            pin(folder, run, is_pinned=is_pinned)
    named = archive if archive is not None else Path(settings.archive).expanduser() if settings.archive else None
    with Journal.open(folder.parent, create=False) as journal:
        done = prune_inputs(folder, journal.runs(), settings, time.time_ns(), named, dry_run=dry_run)
    return {
        "folder": folder,
        "dry_run": dry_run,
        "keep_days": settings.keep_days or None,
        "keep_bytes": round(settings.keep_gb * 1e9) or None,
        "removed": _removed(done.gone),
        "removed_bytes": sum(one.bytes for one in done.gone),
        "kept": {"runs": done.kept_runs, "bytes": done.kept_bytes},
        "stays": {f"{run}": why for run, why in done.stays.items()},
    }


def prune_inputs_text(payload: dict[str, Any]) -> str:
    """The same for a reader."""
    kept, does = payload["kept"], "would leave" if payload["dry_run"] else "left"
    runs = len({one["log"] for one in payload["removed"]})
    lines = [f"inputs of {runs:,} runs ({payload['removed_bytes']:,} bytes) {does}; those of {kept['runs']:,} ({kept['bytes']:,} bytes) stay"]
    lines += _lines(payload["removed"])
    return "\n".join([*lines, *(f"run {run} stays: {why}" for run, why in payload["stays"].items())])


def _removed(gone: Sequence[Gone]) -> list[dict[str, Any]]:
    """What left, as JSON."""
    from datetime import UTC, datetime

    return [
        {
            "log": one.log,
            "segment": one.segment,
            "first": datetime.fromtimestamp(one.first_ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "bytes": one.bytes,
            "why": one.why,
            "to": one.to or None,
        }
        for one in gone
    ]


def _lines(removed: Sequence[dict[str, Any]]) -> list[str]:
    """A line a file, the first of them."""
    lines = []
    for one in removed[:_SHOWN]:
        where = f"to {one['to']}" if one["to"] else "deleted"
        lines.append(f"  {one['first']} {one['log']}{'/' if one['log'] else ''}{one['segment']}  {one['bytes']:,} bytes, by {one['why']}, {where}")
    if len(removed) > _SHOWN:
        lines.append(f"  and {len(removed) - _SHOWN:,} more (--json lists all)")
    return lines


def prune_text(payload: dict[str, Any]) -> str:
    """The same for a reader."""
    removed, kept = payload["removed"], payload["kept"]
    does = "would leave" if payload["dry_run"] else "left"
    lines = [f"{len(removed):,} segments ({payload['removed_bytes']:,} bytes) {does}; {kept['segments']:,} ({kept['bytes']:,} bytes) stay"]
    lines += _lines(removed)
    lines += [f"{name or payload['folder']} is being written: its newest segment stays" for name in payload["being_written"]]
    if payload["archive_deleted"]:
        lines.append(f"{len(payload['archive_deleted']):,} segments {'would be' if payload['dry_run'] else 'were'} deleted from the archive")
    return "\n".join(lines)
