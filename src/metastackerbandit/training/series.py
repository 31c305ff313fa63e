"""Train a series: a version at each boundary, each judged on what comes after it; a version that is already there is not trained again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct, structs

from metastackerbandit.domain.card import ModelCard
from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.training.dataset import DataSet
from metastackerbandit.training.record import Record, answered, empty_record, joined
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.stack import Stack, unpack
from metastackerbandit.training.version import FAMILY, Recipe, train_version
from metastackerbandit.training.versions import boundaries


class Store(Protocol):
    """Where versions are kept."""

    def add(self, card: ModelCard, files: dict[str, bytes]) -> ModelCard:
        """Keep a version whole or not at all; the card as kept, with the hashes of its files."""

    def versions(self, series: str) -> Sequence[ModelCard]:
        """Cards of a series, oldest first; none where there is no such series."""

    def files(self, model_id: str) -> Mapping[str, bytes]:
        """Files of a version, hashes checked."""


class Step(Struct, frozen=True):
    """How far a job is: versions done of all, and what it does now."""

    symbols: tuple[str, ...]
    frame: str
    done: int
    total: int
    now: str


class Series(Struct, frozen=True, eq=False):
    """A finished series: its name, its cards, oldest first, and its walk-forward record.

    `reused` counts versions that were there before, `refused` says why boundaries have none.
    """

    name: str
    cards: tuple[ModelCard, ...]
    record: Record
    reused: int
    refused: tuple[str, ...]


def series_name(data: DataSet, recipe: Recipe) -> str:
    """Such as `stack-5m-BTCUSDT-<hash>`; the hash is over everything that its versions follow from."""
    neutral = TrainingSettings()
    counted = structs.replace(recipe.settings, frames=neutral.frames, processes=neutral.processes, least_gain_mnats=neutral.least_gain_mnats)
    made_by = (data.digest, data.label_hash, data.feature_hash, msgspec.json.encode(counted), recipe.code, sorted(recipe.libraries.items()))
    symbols = data.symbols[0] if len(data.symbols) == 1 else f"{len(data.symbols)}symbols"
    return f"{FAMILY}-{data.frame}-{symbols}-{hashlib.sha256(repr(made_by).encode()).hexdigest()[:10]}"


def train_series(data: DataSet, recipe: Recipe, store: Store, on_step: Callable[[Step], None]) -> Series:
    """Every version of a series, in order of time; each sees what was known at its boundary, the record of earlier versions included.

    A boundary at which nothing can be learnt yet has no version; where that is so of the last one, training is refused.
    """
    name, bounds = series_name(data, recipe), boundaries(data, recipe.settings)
    kept = {card.version: card for card in store.versions(name)}
    cards: list[ModelCard] = []
    records: list[Record] = []
    refused: list[str] = []
    for number, until_ns in enumerate(bounds):
        on_step(Step(data.symbols, data.frame, number, len(bounds), "already trained" if number in kept else "training"))
        is_last = number + 1 == len(bounds)
        try:
            card, stack = _kept(store, kept[number]) if number in kept else _trained(data, recipe, store, name, number, bounds, records)
        except TrainingRefused as error:
            if is_last:
                raise
            refused.append(str(error))
            continue
        cards.append(card)
        if not is_last:
            records.append(answered(data, stack, number, until_ns, bounds[number + 1], recipe.settings))
    on_step(Step(data.symbols, data.frame, len(bounds), len(bounds), "trained"))
    return Series(name=name, cards=tuple(cards), record=joined(records) if records else empty_record(), reused=len(kept), refused=tuple(refused))


def _kept(store: Store, card: ModelCard) -> tuple[ModelCard, Stack]:
    return card, unpack(store.files(card.model_id))


def _trained(
    data: DataSet, recipe: Recipe, store: Store, name: str, number: int, bounds: tuple[int, ...], records: list[Record]
) -> tuple[ModelCard, Stack]:
    until_ns = bounds[number]
    record = joined(records).until(until_ns) if records else None
    before_ns = bounds[number - 1] if number and number + 1 == len(bounds) else None
    made = train_version(data, recipe, name, number, until_ns, record, control_since_ns=before_ns)
    return store.add(made.card, made.files), made.stack
