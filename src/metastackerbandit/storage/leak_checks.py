"""The last look for leaks in an installation, so that a verdict can ask whether this code's pipeline was shown to be clean."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.whole_files import write_whole

_NAME = "leakage.json"


class LeakCheck(Struct, frozen=True, forbid_unknown_fields=True):
    """What code was looked at and when, whether the shipped pipeline was clean, and how many of the planted leaks were found."""

    code: str
    at_ns: int
    clean: bool
    found: int
    planted: int

    @property
    def is_green(self) -> bool:
        """Clean, and the looking was proven by leaks that it found, all of them."""
        return self.clean and self.planted > 0 and self.found == self.planted


def keep_check(home: Path, check: LeakCheck) -> None:
    """Keep it in place of the one before."""
    write_whole(home / _NAME, msgspec.json.format(msgspec.json.encode(check), indent=1) + b"\n")


def green(home: Path, code: str) -> bool | None:
    """Whether this code was shown to be clean; None where this code was not looked at."""
    path = home / _NAME
    try:
        check = msgspec.json.decode(path.read_bytes(), type=LeakCheck)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise StorageFailed(f"the last look for leaks cannot be read: {error}", where=str(path), mend="run `msb leakage --canaries` again") from error
    return check.is_green if check.code == code else None
