"""Which series serves a slot: a small file a slot that remembers every promotion and rollback, and is replaced whole.

<models>/slots/<symbol>@<frame>.json
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from metastackerbandit.domain.card import Slot
from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.storage.whole_files import write_whole

FOLDER = "slots"  # a name that no series may have


class Promotion(Struct, frozen=True, forbid_unknown_fields=True):
    """One change of a slot: the series that serves from then on, how it came, by whom, when, and the checks that were waived for it."""

    series: str
    kind: Literal["promotion", "rollback"]
    who: str
    at_ns: int
    waived: tuple[str, ...] = ()


class SlotHistory(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that happened to a slot, oldest first."""

    symbol: str
    frame: str
    history: tuple[Promotion, ...]

    @property
    def slot(self) -> Slot:
        """Whose history it is."""
        return Slot(self.symbol, self.frame)


def champions(history: Sequence[Promotion]) -> list[str]:
    """The series that a slot would fall back through, the serving one last: a promotion puts one on, a rollback takes one off."""
    held: list[str] = []
    for change in history:
        if change.kind == "promotion":
            held.append(change.series)
        else:
            held.pop()
    return held


def read_slot(models: Path, slot: Slot) -> tuple[Promotion, ...]:
    """A slot's history; empty where nothing was ever promoted."""
    path = _path(models, slot)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ModelRefused(f"the slot cannot be read: {error.strerror}", where=str(path), mend="check its permissions") from error
    return _decoded(content, path, slot).history


def read_slots(models: Path) -> tuple[SlotHistory, ...]:
    """Every slot that has a history, in order of symbol and frame."""
    paths = sorted((models / FOLDER).glob("*.json"))
    found = [_decoded(path.read_bytes(), path, None) for path in paths if not path.name.startswith(".")]
    return tuple(sorted(found, key=lambda one: one.slot))


def write_slot(models: Path, slot: Slot, history: tuple[Promotion, ...]) -> None:
    """Replace a slot's history: readers find the old one or the new."""
    content = msgspec.json.format(msgspec.json.encode(SlotHistory(slot.symbol, slot.frame, history)), indent=1)
    write_whole(_path(models, slot), content + b"\n")


def _decoded(content: bytes, path: Path, slot: Slot | None) -> SlotHistory:
    mend = "restore the file from a backup, or remove it and promote again"
    try:
        found = msgspec.json.decode(content, type=SlotHistory)
        champions(found.history)
    except (msgspec.DecodeError, IndexError) as error:
        raise ModelRefused(f"the slot is damaged: {error}", where=str(path), mend=mend) from error
    if path.name != _name(found.slot) or slot not in (None, found.slot):
        raise ModelRefused(f"the slot is that of {found.slot}", where=str(path), mend=mend)
    return found


def _path(models: Path, slot: Slot) -> Path:
    return models / FOLDER / _name(slot)


def _name(slot: Slot) -> str:
    return f"{quote(slot.symbol, safe='')}@{slot.frame}.json"
