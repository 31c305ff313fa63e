"""The input log of a run: every input that the engine took, in order, written before the engine takes it; and beside it what the run was begun with.

What the engine is follows from its plan and this log, so it is what a killed run is taken up from and what proves that both drivers do the same.

    <home>/inputs/run=<n>.log         inputs (domain.inputs), as storage/record_log.py keeps records
    <home>/inputs/run=<n>.legs        orders at the venue by their names there, before they are sent (domain.leg_words)
    <home>/inputs/run=<n>.plan.json   the plan
    <home>/inputs/run=<n>.place.json  where it trades, and with what it began
    <home>/inputs/run=<n>.snapshot    the run as it stood a while ago, so that a start need not replay all of it (runtime/recovery.py)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from metastackerbandit.domain.inputs import Input
from metastackerbandit.domain.leg_words import LegWord
from metastackerbandit.storage.record_log import LogForm, RecordLog, Whole, beside, read_records, set_aside, whole_records

INPUTS = LogForm(b"MSBI", 2, "input", Input)  # 2: values without the names of their fields
LEGS = LogForm(b"MSBL", 1, "leg", LegWord)


class Place(Struct, frozen=True):
    """Where a live run trades: `at` tells one made exchange from another ("": the venue is what it always was), `has_account` whether orders go to an
    account there, and `wallet` what that had of the quote asset when the run began ("": it was not told yet)."""

    at: str
    has_account: bool
    wallet: str = ""


def input_log_path(home: Path, run: int) -> Path:
    """Where a run's inputs are."""
    return home / "inputs" / f"run={run}.log"


def leg_log_path(home: Path, run: int) -> Path:
    """Where the names of its orders at the venue are."""
    return home / "inputs" / f"run={run}.legs"


def plan_path(home: Path, run: int) -> Path:
    """Where the plan is that a run's inputs are for, as JSON."""
    return home / "inputs" / f"run={run}.plan.json"


def place_path(home: Path, run: int) -> Path:
    """Where it stands where a run trades."""
    return home / "inputs" / f"run={run}.place.json"


def aside_path(home: Path, run: int) -> Path:
    """Where inputs of a run are that ended the engine."""
    return beside(input_log_path(home, run))


def place_kept(home: Path, run: int) -> Place | None:
    """Where a run trades; None where that was not kept, or cannot be read."""
    try:
        return msgspec.json.decode(place_path(home, run).read_bytes(), type=Place)
    except (OSError, msgspec.DecodeError):
        return None


def snapshot_path(home: Path, run: int) -> Path:
    """Where the newest snapshot of a run is."""
    return home / "inputs" / f"run={run}.snapshot"


class InputLog(RecordLog[Input]):
    """A run's inputs, to be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, INPUTS)


def read_inputs(path: Path, start: int = 0, stop: int = 0, *, but_seconds: bool = False) -> Iterator[Input]:
    """The inputs of a log from byte `start` up to `stop` (0: all), as far as they are whole; `but_seconds`: those of the order book are left out.

    Raises as `read_records`.
    """
    return read_records(path, INPUTS, start, stop, b"second" if but_seconds else b"")


def whole_part(path: Path) -> Whole:
    """How much of a log is whole. Raises as `read_records`."""
    return whole_records(path, INPUTS)


def set_last_aside(path: Path) -> Path:
    """Take the newest input out of a log that nobody writes; the file beside it that has it now."""
    return set_aside(path, INPUTS, whole_part(path).records - 1)


class LegLog(RecordLog[LegWord]):
    """The names of a run's orders at the venue, to be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, LEGS)


def read_legs(path: Path) -> Iterator[LegWord]:
    """The words of a leg log, none where there is no such log."""
    return read_records(path, LEGS) if path.exists() else iter(())
