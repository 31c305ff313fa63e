"""The registry of models: every version that was trained, which series serves which slot, and what was waived; plain files in one folder.

<home>/models/<series>/<version>/   a version (version_folder.py)
<home>/models/slots/                which series serves (promotions.py)
<home>/models/waivers.json          permissions, each with its end (waivers.py)
<home>/models/.lock                 held by whoever changes something; readers need none, since everything appears whole
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from metastackerbandit.domain.card import MOST_VERSIONS, ModelCard, Waiver, check_card, hashes_of, is_name, model_id, parts_of
from metastackerbandit.domain.card import Slot as Slot
from metastackerbandit.domain.errors import ModelRefused, NotFound
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.storage.fitness import Refusal, Use, binding, checked_waiver, raise_for, refusals
from metastackerbandit.storage.promotions import FOLDER as SLOTS
from metastackerbandit.storage.promotions import Promotion, SlotHistory, champions, read_slot, read_slots, write_slot
from metastackerbandit.storage.version_folder import read_card, read_files, write_version
from metastackerbandit.storage.waivers import read_waivers, write_waivers
from metastackerbandit.storage.whole_files import locked, writing

_SAME = ("family", "symbols", "venue", "market", "frame", "horizon", "width", "label_hash", "feature_hash", "features")  # in all of a series
_UNFINISHED = (".adding-", ".removing-")


class Chosen(Struct, frozen=True):
    """The version that serves a bar, or why none does."""

    card: ModelCard | None
    reason: str = ""


class Registry:
    """The models of one installation. Looking changes nothing; a folder that is not there holds no models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cards: dict[str, tuple[tuple[int, int, int], ModelCard]] = {}

    # -- versions ----------------------------------------------------------------------------------------------------

    def series(self) -> tuple[str, ...]:
        """Every series that has a version, by name."""
        return tuple(name for name in _names(self.folder) if name != SLOTS and self._numbers(name))

    def ids(self, series: str) -> tuple[str, ...]:
        """Names of a series' versions, the oldest first; empty for a series that is not there."""
        return tuple(model_id(series, number) for number in self._numbers(series))

    def versions(self, series: str) -> tuple[ModelCard, ...]:
        """Cards of a series' versions, the oldest first."""
        return tuple(self.card(name) for name in self.ids(series))

    def newest(self, series: str) -> ModelCard:
        """Card of a series' newest version; NotFound where there is no such series."""
        names = self.ids(series)
        if not names:
            raise NotFound(f"there is no series {series!r}", where=str(self.folder), mend="`msb models list` names those there are")
        return self.card(names[-1])

    def has(self, name: str) -> bool:
        """Whether a version is there."""
        parts = parts_of(name)
        return parts is not None and name in self.ids(parts[0])

    def card(self, name: str) -> ModelCard:
        """A version's card. It is read again only where the file has changed; NotFound and ModelRefused otherwise say what is wrong."""
        folder = self.path(name)
        try:
            found = (folder / "card.json").stat()
        except OSError:
            return read_card(folder)
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        if name not in self._cards or self._cards[name][0] != seen:
            self._cards[name] = (seen, read_card(folder))
        return self._cards[name][1]

    def files(self, name: str) -> dict[str, bytes]:
        """A version's files; each is what its card says, or ModelRefused."""
        return read_files(self.path(name), self.card(name))

    def path(self, name: str) -> Path:
        """Where a version lies."""
        parts = parts_of(name)
        if parts is None or not is_name(parts[0]):
            raise NotFound(f"{name!r} is no version", where=str(self.folder), mend="`msb models list` names those there are")
        return self.folder / parts[0] / f"{parts[1]:04d}"

    def add(self, card: ModelCard, files: Mapping[str, bytes]) -> ModelCard:
        """Keep a version and its files, whole or not at all; on disk when the call returns.

        Hashes are put on the card where it has none. A version of the same files that is there already stays as it is and is
        given back; one of other files is refused, as is a version that was made for something else than its series.
        """
        card = card if card.files else msgspec.structs.replace(card, files=hashes_of(files))
        check_card(card, card.model_id)
        if card.series == SLOTS:
            raise ModelRefused(f"no series may be called {SLOTS}", where=card.model_id, mend="name it otherwise")
        with self.changing():
            if self.has(card.model_id):
                return self._same(card)
            self._check_series(card)
            write_version(self.folder / f"{_UNFINISHED[0]}{card.model_id}", self.path(card.model_id), card, files)
        return self.card(card.model_id)

    # -- serving -----------------------------------------------------------------------------------------------------

    def slots(self) -> tuple[SlotHistory, ...]:
        """Every slot to which something was ever promoted."""
        return read_slots(self.folder)

    def promoted(self, slot: Slot) -> str | None:
        """The series that serves a slot."""
        held = champions(read_slot(self.folder, _plain(slot)))
        return held[-1] if held else None

    def history(self, slot: Slot) -> tuple[Promotion, ...]:
        """A slot's promotions and rollbacks, the oldest first."""
        return read_slot(self.folder, _plain(slot))

    def serving(self, slot: Slot, known_ns: int) -> ModelCard | None:
        """The version that may answer a bar known at `known_ns`: the newest awake one of the promoted series that was trained before it."""
        return self.chosen(slot, known_ns).card

    def chosen(self, slot: Slot, known_ns: int) -> Chosen:
        """The same, with the reason where there is none."""
        series = self.promoted(slot)
        if series is None:
            return Chosen(None, f"no model is promoted for {slot}")
        trained = [card for card in self.versions(series) if card.trained_until_ns <= known_ns]
        if not trained:
            return Chosen(None, f"no version of {series} was trained before this bar")
        awake = [card for card in trained if not card.asleep]
        if not awake:
            return Chosen(None, f"{trained[-1].model_id} is asleep: {trained[-1].asleep}")
        return Chosen(awake[-1])

    def refusals(self, card: ModelCard, use: Use, now_ns: int) -> tuple[Refusal, ...]:
        """Everything that speaks against a version, its files and those it depends on included."""
        damage = self._damage(card, set())
        return (*refusals(card, use, now_ns, self.waivers()), *((damage,) if damage else ()))

    def promote(self, slot: Slot, series: str, use: Use, *, who: str, now_ns: int, allow_waivers: bool = True) -> Promotion:
        """Let a series serve a slot, if its newest version fits the use; refused otherwise, and nothing changes."""
        slot = _plain(slot)
        if (use.symbol, frame_name(frame_ns(use.frame))) != (slot.symbol, slot.frame):
            raise ModelRefused(f"a use of {use.symbol} {use.frame} is no promotion to {slot}", where=str(slot), mend="ask for the slot's own use")
        with self.changing():
            card = self.newest(series)
            found = self.refusals(card, use, now_ns)
            raise_for(card, binding(found, allow_waivers=allow_waivers))
            history = read_slot(self.folder, slot)
            if champions(history)[-1:] == [series]:
                return next(change for change in reversed(history) if change.series == series)
            change = Promotion(series, "promotion", who, now_ns, tuple(refusal.check for refusal in found))
            write_slot(self.folder, slot, (*history, change))
        return change

    def rollback(self, slot: Slot, *, who: str, now_ns: int) -> Promotion:
        """Let the series that served before serve again; its files are checked first."""
        slot = _plain(slot)
        with self.changing():
            history = read_slot(self.folder, slot)
            held = champions(history)
            if len(held) < 2:
                what = f"nothing served {slot} before {held[0]}" if held else f"nothing was ever promoted for {slot}"
                raise NotFound(what, where=str(self.folder), mend="`msb models promote SERIES`")
            card = self.newest(held[-2])
            damage = self._damage(card, set())
            raise_for(card, (damage,) if damage else ())
            change = Promotion(held[-2], "rollback", who, now_ns)
            write_slot(self.folder, slot, (*history, change))
        return change

    # -- waivers -----------------------------------------------------------------------------------------------------

    def waivers(self) -> tuple[Waiver, ...]:
        """Every waiver that was ever given, the oldest first."""
        return read_waivers(self.folder)

    def waive(self, waiver: Waiver) -> Waiver:
        """Give a waiver for a version or a series that is there."""
        checked_waiver(waiver)
        with self.changing():
            if not self.ids(waiver.model_id):
                self.card(waiver.model_id)
            write_waivers(self.folder, (*self.waivers(), waiver))
        return waiver

    # -- changing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Be the only one who changes something; what an interrupted change left is dropped."""
        with locked(self.folder / ".lock"):
            for name in os.listdir(self.folder):
                if name.startswith(_UNFINISHED):
                    shutil.rmtree(self.folder / name, ignore_errors=True)
            yield

    def remove(self, series: str) -> None:
        """Take a series out of sight at once, then off the disk; for those who hold `changing`, and know that nothing needs it."""
        gone = self.folder / f"{_UNFINISHED[1]}{series}"
        with writing(self.folder / series):
            os.rename(self.folder / series, gone)
        shutil.rmtree(gone, ignore_errors=True)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _numbers(self, series: str) -> list[int]:
        names = _names(self.folder / series) if is_name(series) else []
        return sorted(int(name) for name in names if len(name) == len(str(MOST_VERSIONS)) and name.isascii() and name.isdecimal())

    def _same(self, card: ModelCard) -> ModelCard:
        """The version that is there, if it is the one given; when it was made is no difference."""
        there = self.card(card.model_id)
        if there.files != card.files:
            mend = "the same settings gave other bytes: train under another series, or remove the version"
            raise ModelRefused(f"{card.model_id} is there with other files", where=str(self.path(card.model_id)), mend=mend)
        return there

    def _check_series(self, card: ModelCard) -> None:
        """A series is one thing made again and again: refuse a version made for something else, or out of order."""
        for other in self.versions(card.series):
            differing = [name for name in _SAME if getattr(other, name) != getattr(card, name)]
            if differing:
                what = f"{card.model_id} differs from {other.model_id} in {', '.join(differing)}"
                raise ModelRefused(what, where=card.series, mend="give what differs a series of its own")
            if (other.version < card.version) != (other.trained_until_ns < card.trained_until_ns):
                what = f"{card.model_id} and {other.model_id} were not trained in the order of their versions"
                raise ModelRefused(what, where=card.series, mend="number versions by the time that they were trained until")

    def _damage(self, card: ModelCard, seen: set[str]) -> Refusal | None:
        """The first file, of the version or of one it depends on, that is missing or not what it was."""
        seen.add(card.model_id)
        try:
            self.files(card.model_id)
            needed = [self.card(name) for name in card.depends_on if name not in seen]
        except (ModelRefused, NotFound) as error:
            return Refusal("files", f"cannot be loaded: {error.where}: {error.what}", error.mend)
        return next((damage for one in needed if (damage := self._damage(one, seen))), None)


def _plain(slot: Slot) -> Slot:
    """The slot with its frame as cards name it."""
    return Slot(slot.symbol, frame_name(frame_ns(slot.frame)))


def _names(folder: Path) -> list[str]:
    """Names of the folders in a folder that are not hidden, in order."""
    try:
        with os.scandir(folder) as found:
            return sorted(entry.name for entry in found if entry.is_dir() and not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
