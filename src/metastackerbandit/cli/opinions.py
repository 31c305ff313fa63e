"""From trained series to what a run hears: which series answers for each symbol and frame, its versions, and their predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.config.books import engine_settings
from metastackerbandit.config.schema import Config
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.card import ModelCard, Waiver
from metastackerbandit.domain.errors import ModelRefused, NotFound
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.prediction import SILENCES
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import FRAMES, frame_name, frame_ns
from metastackerbandit.engine.plan import Book
from metastackerbandit.storage.fitness import Use, binding, raise_for
from metastackerbandit.storage.registry import Registry, Slot
from metastackerbandit.training.serving import Served, Version, predictions_over
from metastackerbandit.training.stack import unpack

HEARD_FRAMES = 2  # higher frames that `aligned` hears when none are named


class Voice(Struct, frozen=True, eq=False):
    """One symbol and frame: the versions that answer for it, in the order of their training, and whether they were trained on another frame.

    `place` is the symbol's in the recording; `hearers` are the books that hear it.
    """

    place: int
    frame: str
    hearers: tuple[int, ...]
    versions: tuple[Version, ...]
    is_frame_waived: bool


class Opinions(Struct, frozen=True, eq=False):
    """What a run hears: `models` is its list of versions, in which a prediction's `version` is a place."""

    voices: tuple[Voice, ...]
    models: tuple[str, ...]
    notices: tuple[str, ...]

    def predictions(self, recording: Recording, config: Config) -> tuple[np.ndarray, ...]:
        """Every prediction of a recording, one array a book, in the order in which they enter."""
        told: list[list[np.ndarray]] = [[] for _ in range(1 + max(book for voice in self.voices for book in voice.hearers))]
        for voice in self.voices:
            said = predictions_over(recording, voice.place, voice.frame, voice.versions, config.training, is_frame_waived=voice.is_frame_waived)
            for book in voice.hearers:
                heard = said.copy()
                heard["instrument"] = book
                told[book].append(heard)
        return tuple(_in_order(parts) for parts in told)

    def served(self, voice: Voice, config: Config) -> Served:
        """The same versions, one bar at a time."""
        return Served(voice.frame, voice.versions, config.training, is_frame_waived=voice.is_frame_waived)


def opinions_of(home: Path, recording: Recording, config: Config, books: Sequence[Book], now_ns: int) -> Opinions:
    """The voices that the books hear; refused where one is missing or does not fit, with the mend."""
    registry = Registry(home / "models")
    voices: list[Voice] = []
    models: list[str] = []
    notices: list[str] = []
    heard = {frame: None for book in books for frame in (book.frame, *book.higher)}
    for frame in sorted(heard, key=frame_ns):
        for place, instrument in enumerate(recording.instruments):
            hearers = tuple(b for b, book in enumerate(books) if book.place == place and frame in (book.frame, *book.higher))
            if not hearers:
                continue
            name = frame_name(frame_ns(frame))
            slot = Slot(instrument.symbol, name)
            promoted = registry.promoted(slot)
            series = promoted or _candidate(registry, slot, instrument.market)
            if series is None:
                raise NotFound(f"no model of {slot}", where=str(registry.folder), mend=f"msb train --symbols {slot.symbol} --frames {slot.frame}")
            spec = label_spec(name)
            labels = _label_hash(engine_settings(config, instrument.symbol, name).costs, name)
            use = Use(instrument.symbol, name, spec.horizon, _fingerprint(), labels, instrument.venue, instrument.market)
            newest = registry.newest(series)
            standing = binding(registry.refusals(newest, use, now_ns))
            tolerated = _ASLEEP if promoted else (*_ASLEEP, *_TRIED)
            raise_for(newest, tuple(refusal for refusal in standing if refusal.check not in tolerated))
            if promoted is None:
                notices.append(f"{slot}: {series} is a candidate, not promoted: what it does here is a trial (`msb models show {series}`)")
            notices += [f"{slot}: {newest.model_id} {refusal.what}" for refusal in standing]
            waived = _waived(registry, newest, use, now_ns)
            for waiver in waived:
                notices.append(f"{slot}: waiver in force on {waiver.check} until {_day(waiver.until_ns)}: {waiver.why}")
            is_frame_waived = any(waiver.check == "frame" for waiver in waived)
            voices.append(Voice(place, name, hearers, versions_of(registry, series, models), is_frame_waived))
    return Opinions(tuple(voices), tuple(models), tuple(dict.fromkeys(notices)))


def versions_of(registry: Registry, series: str, models: list[str] | None = None) -> tuple[Version, ...]:
    """A series' versions, loaded and checked; `models` is the run's list, to which they are added."""
    listed = [] if models is None else models
    versions = []
    for card in registry.versions(series):
        if card.model_id not in listed:
            listed.append(card.model_id)
        versions.append(Version(card, unpack(registry.files(card.model_id)), listed.index(card.model_id)))
    return tuple(versions)


def has_models(home: Path, recording: Recording, frame: str) -> bool:
    """Whether every symbol has a model, promoted or not, on a frame."""
    registry = Registry(home / "models")
    name = frame_name(frame_ns(frame))
    return all(registry.promoted(Slot(one.symbol, name)) or _candidate(registry, Slot(one.symbol, name), one.market) for one in recording.instruments)


def heard_frames(home: Path, recording: Recording, config: Config) -> tuple[str, ...]:
    """The frames above the fastest that `aligned` hears: those named, else the next two that every symbol has models on."""
    if config.run.higher_frames:
        return config.run.higher_frames
    fastest = min(config.run.frames, key=frame_ns)
    length = frame_ns(fastest)
    higher = [name for name, other in FRAMES.items() if other > length and has_models(home, recording, name)]
    if not higher:
        raise ModelRefused(
            f"no frame above {fastest} has models, so there is nothing to align",
            where="run.higher_frames",
            mend=f"msb train --frames {fastest},15m,1h",
        )
    return tuple(higher[:HEARD_FRAMES])


def served_counts(predictions: Sequence[np.ndarray], models: Sequence[str]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """How many bars each version answered, with the first and last of them; and why the others were met with silence."""
    told: list[dict[str, Any]] = []
    silent: dict[str, int] = {}
    if not predictions:
        return told, silent
    rows: np.ndarray[Any, Any] = np.concatenate(list(predictions))
    awake = rows["silence"] == 0
    for place, model in enumerate(models):
        mine = rows[awake & (rows["version"] == place)]
        if len(mine):
            told.append({"id": model, "bars": len(mine), "from_ns": int(mine["closed_ns"].min()), "to_ns": int(mine["closed_ns"].max())})
    for code, count in zip(*np.unique(rows["silence"][~awake], return_counts=True), strict=True):
        silent[SILENCES[int(code)]] = int(count)
    return told, silent


_ASLEEP = ("samples", "asleep")  # such a version answers with silence, and its reason
_TRIED = ("one_sided", "calibration")  # what a candidate may lack to be tried on paper; a promoted one has it, or a waiver


def _candidate(registry: Registry, slot: Slot, market: str) -> str | None:
    """The newest series that was trained for a slot, promoted or not."""
    cards = [registry.newest(series) for series in registry.series()]
    fitting = [card for card in cards if slot.symbol in card.symbols and card.frame == slot.frame and card.market == market]
    return max(fitting, key=lambda card: (card.created_ns, card.series)).series if fitting else None


def _waived(registry: Registry, card: ModelCard, use: Use, now_ns: int) -> list[Waiver]:
    return [refusal.waiver for refusal in registry.refusals(card, use, now_ns) if refusal.waiver is not None]


def _fingerprint() -> str:
    from metastackerbandit.features.catalog import fingerprint

    return fingerprint()


def _label_hash(costs: CostSettings, frame: str) -> str:
    from metastackerbandit.costs.rates import round_trip_bps

    return label_spec(frame).digest(round_trip_bps(costs))


def _in_order(parts: list[np.ndarray]) -> np.ndarray:
    rows = np.concatenate(parts)
    return rows[np.lexsort((-rows["frame_ns"], rows["at_ns"]))]


def _day(at_ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ns / 1e9, UTC).strftime("%Y-%m-%d")
