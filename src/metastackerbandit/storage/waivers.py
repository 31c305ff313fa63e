"""The waivers that were ever given, in one small file that is replaced whole: `<models>/waivers.json`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from metastackerbandit.domain.card import Waiver
from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.storage.whole_files import write_whole

_FILE = "waivers.json"


def read_waivers(models: Path) -> tuple[Waiver, ...]:
    """Every waiver, the oldest first; those that have ended stay as a record."""
    path = models / _FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Waiver, ...])
    except FileNotFoundError:
        return ()
    except (msgspec.DecodeError, OSError) as error:
        mend = "restore the file from a backup, or remove it: nothing is waived then"
        raise ModelRefused(f"the waivers cannot be read: {error}", where=str(path), mend=mend) from error


def write_waivers(models: Path, waivers: tuple[Waiver, ...]) -> None:
    """Replace the waivers: readers find the old ones or the new."""
    write_whole(models / _FILE, msgspec.json.format(msgspec.json.encode(waivers), indent=1) + b"\n")
