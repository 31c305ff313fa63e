"""The last preflight of an installation, so that a readiness report can ask what it found and whether it was of this code and setup."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.whole_files import write_whole

_NAME = "preflight.json"


class PreflightRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What was replayed by which code and setup, and what stood against a start: ids of findings."""

    code: str
    setup: str
    at_ns: int
    from_ns: int
    to_ns: int
    is_ready: bool
    errors: tuple[str, ...]
    waived: tuple[str, ...]
    warnings: int


def keep_preflight(home: Path, record: PreflightRecord) -> None:
    """Keep it in place of the one before: a reader finds the old one or the new."""
    write_whole(home / _NAME, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def last_preflight(home: Path) -> PreflightRecord | None:
    """The last one; None where there was none."""
    path = home / _NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=PreflightRecord)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise StorageFailed(f"the last preflight cannot be read: {error}", where=str(path), mend="run `msb preflight` again") from error
