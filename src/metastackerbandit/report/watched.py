"""What watched the run: alarms of monitors, breakers and the operator's word, and the mirror twin."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.rows import CAUSES, CONTROLS
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.report.identity import minute
from metastackerbandit.report.reading import Reading

_HINT = " (`msb monitors`)"  # of each line in `msb status`; the page says it once
MOST = 40  # lines of each list; the rest is counted


class Watched(Struct, frozen=True):
    """In words: what monitors said (the worst of each about each book), controls in the order in which they came, what held at the end, the twin."""

    alarms: tuple[str, ...]
    halts: int
    controls: tuple[str, ...]
    more_controls: int
    in_force: tuple[str, ...]
    twin: str


def watched_of(reading: Reading) -> Watched:
    """From the journal's alarms and controls."""
    said = tuple(line.removesuffix(_HINT) for line in reading.alarmed)
    told = [_control(reading, control) for control in reading.controls]
    halts = sum("calls for a halt" in line for line in reading.alarmed)
    return Watched(said, halts, tuple(told[:MOST]), max(len(told) - MOST, 0), reading.in_force, _twin(reading.summary.get("twin")))


def _control(reading: Reading, control: Any) -> str:
    book = int(control["instrument"])
    where = f" for {reading.row.symbols[book]} {frame_name(reading.row.frame_of(book))}" if book >= 0 else ""
    what, cause = CONTROLS[int(control["kind"])], CAUSES[int(control["cause"])]
    numbers = f" at {float(control['observed']):.4g} against {float(control['limit']):.4g}" if what == "breaker tripped" else ""
    return f"{minute(int(control['at_ns']))}  {what}: {cause}{where}{numbers}"


def _twin(told: dict[str, Any] | None) -> str:
    """In a sentence; empty where no twin looked."""
    if told is None:
        return ""
    if not told["alarm"]:
        return f"A mirror twin looked at {told['decisions']:,} decisions: each is the mirror image of its mirror image's decision."
    return f"A mirror twin looked at {told['decisions']:,} decisions and alarmed: {told['alarm']}."
