"""`msb data check` of a capture: what the venue's bytes came to when they were driven through scanner, continuity and book."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metastackerbandit.market.settings import QualitySettings
    from metastackerbandit.runtime.capture_check import CheckedCapture
    from metastackerbandit.runtime.recorded.tables import Told

GRAVE = ("high", "critical")
_SHOWN = 40  # issues that the text answer lists; --json has all


def capture_payload(paths: Sequence[Path], told: Told, settings: QualitySettings) -> dict[str, Any]:
    """The shape of `msb data check --json` for captures and tables; several files are one capture, in the order of their frames' arrival."""
    from metastackerbandit.runtime.capture_check import check_capture
    from metastackerbandit.runtime.capture_rules import instruments_in
    from metastackerbandit.runtime.recorded.reading import read_recorded

    capture = read_recorded(paths, told)
    found = check_capture(capture, instruments_in(capture), settings)
    return _payload(paths, found)


def _payload(paths: Sequence[Path], found: CheckedCapture) -> dict[str, Any]:
    low, middle, high = found.latency_ms or (None, None, None)
    return {
        "file": paths[0] if len(paths) == 1 else [str(path) for path in paths],
        "kind": "capture",
        "frames": found.frames,
        "gaps": found.gaps,
        "missing": None,
        "resyncs": found.resyncs,
        "crossed_while_live": found.crossed,
        "bookticker": {"compared": found.compared, "equal": found.equal},
        "issues": [
            {"type": issue.kind, "severity": issue.severity, "where": issue.where, "what": issue.what, "count": issue.count} for issue in found.issues
        ],
        "kinds": found.kinds,
        "faults": found.faults,
        "receive_less_event_ms": {"p1": low, "p50": middle, "p99": high},
        "books": list(found.books),
    }


def graves(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """The issues for which the capture is not to be trusted as it stands."""
    return [issue for issue in payload["issues"] if issue["severity"] in GRAVE]


def capture_text(payload: dict[str, Any]) -> str:
    """The same for a reader."""
    kinds = ", ".join(f"{count:,} {name}" for name, count in payload["kinds"].items())
    agreement = payload["bookticker"]
    lines = [f"{payload['frames']:,} frames: {kinds}"]
    if payload["faults"]:
        lines.append("set aside: " + ", ".join(f"{count:,} {name}" for name, count in payload["faults"].items()))
    lines.append(f"{payload['gaps']:,} gaps, {payload['resyncs']:,} resyncs, {payload['crossed_while_live']:,} crossed books while live")
    lines.append(f"best prices and sizes equal to the venue's own at {agreement['equal']:,} of {agreement['compared']:,} shared update ids")
    times = payload["receive_less_event_ms"]
    if times["p50"] is not None:
        spread = ", ".join(f"{name} {value:,.1f}" for name, value in times.items())
        lines.append(f"received less stamped by the venue, ms by both clocks as they were: {spread}")
    for book in payload["books"]:
        bid, ask = book["best"]
        at = f"{bid} / {ask}, {book['levels'][0]:,} and {book['levels'][1]:,} levels" if bid and ask else "no book"
        lines.append(f"{book['symbol']} {book['market']} {book['state']}: {at}; ticks of {book['tick_size']}, lots of {book['lot_size']} (as seen)")
        lines.append(f"{book['symbol']} quality {_quality_text(book['quality'])}")
    for issue in payload["issues"][:_SHOWN]:
        lines.append(f"{issue['severity']:8} {issue['type']}: {issue['where']}: {issue['what']}")
    if len(payload["issues"]) > _SHOWN:
        lines.append(f"and {len(payload['issues']) - _SHOWN:,} more (--json has all)")
    if not payload["issues"]:
        lines.append("nothing is wrong")
    return "\n".join(lines)


def _quality_text(quality: dict[str, Any]) -> str:
    """A score with its breakdown in one line."""
    mean = quality["time_weighted"]
    weighted = f"{mean:.2%} over {quality['seconds']:,.1f} s" if mean == mean else "n/a"
    parts = " x ".join(f"{name} {quality[name]:.3f}" for name in ("completeness", "freshness", "consistency"))
    issues = ", ".join(f"{count:,} {kind}" for kind, count in quality["issues"].items()) or "no issue"
    return f"{quality['score']:.3f} at the end ({parts}), time-weighted {weighted}; {issues}"
