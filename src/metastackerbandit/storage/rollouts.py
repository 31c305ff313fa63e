"""Every staged rollout and what was done in it, by whom, when and why: one line an action, each sealed with the line before it.

<home>/rollouts.jsonl       the record; lines are only ever added; one that was changed, or taken from between, is noticed
<home>/rollouts/<n>/        champion.toml and challenger.toml as they were at the start
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from metastackerbandit.domain.errors import NotFound, StorageFailed
from metastackerbandit.storage.whole_files import locked, write_whole

Action = Literal["start", "observe", "advance", "rollback"]

_FILE = "rollouts.jsonl"
_MEND = "restore the file from a copy; the configurations of every rollout lie beside it, in rollouts/"


class RolloutEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One action: the rollout's number, the stage in which it left it, who did it when and why, and what belongs to it."""

    rollout: int
    action: Action
    stage: str
    at_ns: int
    who: str
    why: str
    about: dict[str, Any]


class RolloutStory(Struct, frozen=True):
    """One rollout: its actions, the oldest first."""

    entries: tuple[RolloutEntry, ...]

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return self.entries[0].rollout

    @property
    def stage(self) -> str:
        """Where it stands."""
        return self.entries[-1].stage

    @property
    def start(self) -> RolloutEntry:
        """How it began."""
        return self.entries[0]

    def of(self, action: Action) -> tuple[RolloutEntry, ...]:
        """Its actions of one kind."""
        return tuple(entry for entry in self.entries if entry.action == action)

    def since_advance(self) -> tuple[RolloutEntry, ...]:
        """What was observed in the present stage."""
        last = max((place for place, entry in enumerate(self.entries) if entry.action in ("start", "advance")), default=0)
        return tuple(entry for entry in self.entries[last + 1 :] if entry.action == "observe")


def read_rollouts(home: Path) -> tuple[RolloutStory, ...]:
    """Every rollout, the oldest first; refused where the record was damaged."""
    stories: dict[int, list[RolloutEntry]] = {}
    for entry in _read(home)[0]:
        stories.setdefault(entry.rollout, []).append(entry)
    return tuple(RolloutStory(tuple(entries)) for entries in stories.values())


def keep_entry(home: Path, entry: RolloutEntry, *, after: int) -> None:
    """Add an action; on disk when the call returns. `after` is how many there were when it was decided on: another one since is refused."""
    with locked(home / ".rollouts.lock"):
        entries, seal, content = _read(home)
        if len(entries) != after:
            raise StorageFailed(
                "somebody else changed the rollout meanwhile", where=str(home / _FILE), mend="look at `msb rollout status`, and repeat"
            )
        body = msgspec.json.encode(entry, order="sorted")
        line = msgspec.json.encode({"entry": msgspec.Raw(body), "seal": _seal(seal, body)}, order="sorted")
        write_whole(home / _FILE, content + line + b"\n")


def count_entries(home: Path) -> int:
    """How many actions there are."""
    return len(_read(home)[0])


def kept_file(home: Path, rollout: int, which: Literal["champion", "challenger"]) -> Path:
    """Where a configuration of a rollout lies."""
    return home / "rollouts" / str(rollout) / f"{which}.toml"


def keep_file(path: Path, content: bytes) -> str:
    """Keep a configuration of a rollout, and give its hash."""
    write_whole(path, content)
    return hashlib.sha256(content).hexdigest()


def checked_file(path: Path, sha256: str) -> bytes:
    """A configuration of a rollout as it was kept; refused where it was changed since."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotFound(f"the rollout's configuration is gone: {error.strerror}", where=str(path), mend=_MEND) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StorageFailed("the rollout's configuration was changed after it was kept", where=str(path), mend=_MEND)
    return content


def _read(home: Path) -> tuple[tuple[RolloutEntry, ...], str, bytes]:
    """Entries, the last seal, and the file."""
    path = home / _FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return (), "", b""
    except OSError as error:
        raise StorageFailed(f"the record of rollouts cannot be read: {error.strerror}", where=str(path), mend=_MEND) from error
    entries: list[RolloutEntry] = []
    seal = ""
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            held = msgspec.json.decode(line, type=_Line)
            entry = msgspec.json.decode(held.entry, type=RolloutEntry)
        except msgspec.DecodeError as error:
            raise StorageFailed(f"line {number} of the rollouts is damaged: {error}", where=str(path), mend=_MEND) from error
        if held.seal != _seal(seal, bytes(held.entry)):
            raise StorageFailed(f"line {number} of the rollouts was changed, or one before it was taken away", where=str(path), mend=_MEND)
        seal = held.seal
        entries.append(entry)
    return tuple(entries), seal, content


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    entry: msgspec.Raw
    seal: str


def _seal(before: str, body: bytes) -> str:
    return hashlib.sha256(before.encode() + body).hexdigest()
