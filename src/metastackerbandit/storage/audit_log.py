"""The audit log of an installation: every control with who gave it and when, each entry chained to the one before by its hash.

<home>/audit.jsonl, one entry a line. An entry that is changed, left out or put between others breaks the chain from there on.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from metastackerbandit.domain.errors import StorageFailed

_FIRST = "0" * 64


class Entry(Struct, frozen=True):
    """One control: its number from 1 on, when (UTC ns), by whom, what, in words; `before` is the hash of the entry before, `hash` its own."""

    number: int
    at_ns: int
    who: str
    what: str
    words: str
    before: str
    hash: str


def audit_path(home: Path) -> Path:
    """Where the log is."""
    return home / "audit.jsonl"


def keep_audit(home: Path, at_ns: int, who: str, what: str, words: str) -> Entry:
    """Append an entry, forced down to the disk; several processes may.

    Raises:
        StorageFailed: it cannot be written, or the log that is there is broken.
    """
    path = audit_path(home)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            entries = read_audit(home)
            before = entries[-1].hash if entries else _FIRST
            open_entry = Entry(len(entries) + 1, at_ns, who, what, words, before, "")
            entry = msgspec.structs.replace(open_entry, hash=_hash_of(open_entry))
            file.write(msgspec.json.encode(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageFailed(f"the audit log: {error.strerror}", where=str(path), mend="check space and permissions") from error
    return entry


def read_audit(home: Path) -> tuple[Entry, ...]:
    """Every entry, none where nothing was ever controlled. Raises StorageFailed where the chain is broken, with the line."""
    path = audit_path(home)
    if not path.exists():
        return ()
    found: list[Entry] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _broken(path, number, f"it is no entry: {error}") from None
        before = found[-1].hash if found else _FIRST
        if (entry.number, entry.before) != (number, before) or entry.hash != _hash_of(msgspec.structs.replace(entry, hash="")):
            raise _broken(path, number, "it is not what was written, or the one before it is not")
        found.append(entry)
    return tuple(found)


def _hash_of(entry: Entry) -> str:
    return hashlib.sha256(msgspec.json.encode(entry)).hexdigest()


def _broken(path: Path, number: int, what: str) -> StorageFailed:
    return StorageFailed(f"the chain of the audit log is broken: {what}", where=f"{path}, line {number}", mend="keep the file aside and ask who did")
