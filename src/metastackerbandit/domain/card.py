"""A model card: what a version was made for, from what, and how good it was; it travels with the weights."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.domain.timeframe import FRAMES

MOST_VERSIONS = 9_999  # of a series: a version has four digits

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of series and files: what every file system can hold
_LONGEST_NAME = 120  # characters
_MEND = "restore the version from a backup, or train it again"


class Slot(Struct, frozen=True, order=True):
    """Where a series is promoted to: one symbol on one frame."""

    symbol: str
    frame: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.frame}"


class FileHash(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the version: its name in the version's folder, its SHA-256, its length."""

    name: str
    sha256: str
    length: int


class Score(Struct, frozen=True, forbid_unknown_fields=True):
    """A measured figure out of sample with its 95 % interval (NaN where there is none)."""

    name: str
    unit: str
    value: float
    low: float
    high: float


class MetaLabel(Struct, frozen=True, forbid_unknown_fields=True):
    """The version's second model, which says how likely the trade that the first proposes is to pay.

    `model` is its family, "base rate" where every trade gets the same chance, "none" where it has no say; `forced` says why. `n_rows` trades were
    proposed out of fold, `n_eff` independent ones, of which a share `base_rate` paid. `scores` are out of fold.
    """

    model: str
    n_rows: int
    n_eff: float
    base_rate: float
    scores: tuple[Score, ...]
    forced: str


class ModelCard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trained version.

    A series (`stack-5m-BTCUSDT-<hash>`) is one training run's versions, oldest first; `model_id` is `<series>-<version, 4 digits>`.
    A version may serve bars known at or after `trained_until_ns`, the time at which the last of its labels was known.
    `n_rows` counts training rows, `n_eff` independent outcomes among them (sum of uniqueness, after the design effect of pooled
    symbols). `size` is what the ladder allows for that n_eff; 0 means that it does not trade. `share_up` is the share of UP among
    the directional out-of-fold predictions, `parity` the largest difference between what training computed and what serving
    computes, `mirror_error` the largest failure to mirror. `asleep` says why the version may not answer ("" when it may).
    `meta_label` is None on cards from before there was one. `input_blocks` are those of the standard model input (domain/input_schema.py) that it
    must be given, `input_hash` the fingerprint of the schema that it was trained on; both are empty where it asks for features alone. A number that
    could not be measured is NaN.
    """

    model_id: str
    series: str
    version: int
    family: str
    symbols: tuple[str, ...]
    venue: str
    market: str
    frame: str
    horizon: int
    width: float
    label_hash: str
    feature_hash: str
    features: tuple[str, ...]
    data_digest: str
    trained_from_ns: int
    trained_until_ns: int
    n_rows: int
    n_eff: float
    rung: str
    size: float
    effective_dof: float
    dof_budget: float
    share_up: float
    parity: float
    mirror_error: float
    is_mirrored: bool
    calibrator: str
    calibration_slope: float
    scores: tuple[Score, ...]
    learners: tuple[str, ...]
    weights: tuple[float, ...]
    seed: int
    trials: int
    created_ns: int
    code: str
    libraries: dict[str, str]
    files: tuple[FileHash, ...]
    depends_on: tuple[str, ...] = ()
    meta_label: MetaLabel | None = None
    asleep: str = ""
    input_blocks: tuple[str, ...] = ()
    input_hash: str = ""


class Waiver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Permission to use a version (or every version of a series) where one named check refuses it: until when, by whom, why.

    Never valid in live mode.
    """

    model_id: str
    check: str
    until_ns: int
    who: str
    why: str
    given_ns: int


def model_id(series: str, version: int) -> str:
    """Name of a series' version."""
    return f"{series}-{version:04d}"


def parts_of(name: str) -> tuple[str, int] | None:
    """Series and version that a model_id names; None where it is no model_id."""
    series, _, digits = name.rpartition("-")
    return (series, int(digits)) if series and len(digits) == 4 and digits.isascii() and digits.isdecimal() else None


def is_name(text: str) -> bool:
    """Whether a series or file may be called so."""
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


def hashes_of(files: Mapping[str, bytes]) -> tuple[FileHash, ...]:
    """Hashes of files, by name."""
    return tuple(FileHash(name, hashlib.sha256(files[name]).hexdigest(), len(files[name])) for name in sorted(files))


def skill(card: ModelCard) -> Score | None:
    """Its gain over the base rate, the first score in mnats; None where it was not measured."""
    return next((score for score in card.scores if score.unit == "mnats"), None)


# -- as a file -------------------------------------------------------------------------------------------------------


def card_bytes(card: ModelCard) -> bytes:
    """The card as strict JSON, indented for people; NaN is null, infinities are refused."""
    plain: dict[str, Any] = msgspec.to_builtins(card)
    for name, value in _numbers(plain):
        if math.isinf(value):
            raise ModelRefused(f"{name} is infinite", where=card.model_id, mend="write NaN for what is not known")
    return msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n"


def card_from(content: bytes, where: str) -> ModelCard:
    """The card in a file; ModelRefused where it is no card, has a field too many or too few, or contradicts itself."""
    try:
        plain = msgspec.json.decode(content)
        card = msgspec.convert(_with_unknowns(plain), ModelCard)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelRefused(f"the card cannot be read: {error}", where=where, mend=_MEND) from error
    check_card(card, where)
    return card


def check_card(card: ModelCard, where: str) -> None:
    """Refuse a card that contradicts itself, naming everything that does."""
    found = contradictions(card)
    if found:
        raise ModelRefused(f"the card contradicts itself: {'; '.join(found)}", where=where, mend=_MEND)


def contradictions(card: ModelCard) -> tuple[str, ...]:
    """What in a card cannot be."""
    names = [file.name for file in card.files]
    wrong = {
        f"series {card.series!r} is no name": not is_name(card.series),
        f"version {card.version} is not in 0 to {MOST_VERSIONS}": not 0 <= card.version <= MOST_VERSIONS,
        f"model_id {card.model_id!r} is not {model_id(card.series, card.version)!r}": card.model_id != model_id(card.series, card.version),
        "no symbol is named": not card.symbols,
        "a symbol is named twice": len(set(card.symbols)) < len(card.symbols),
        f"frame {card.frame!r} is unknown": card.frame not in FRAMES,
        f"horizon {card.horizon} is no number of bars": card.horizon < 1,
        f"{len(card.learners)} learners have {len(card.weights)} weights": len(card.learners) != len(card.weights),
        "training ends before it begins": card.trained_until_ns < card.trained_from_ns,
        f"size {card.size} is not in 0 to 1": not 0.0 <= card.size <= 1.0,
        f"n_eff {card.n_eff} is not in 0 to the {card.n_rows} rows": not 0.0 <= card.n_eff < card.n_rows + 1,
        "a weight is no number of 0 or more": not all(0.0 <= weight < math.inf for weight in card.weights),
        "a file has a name that no file may have": not all(is_name(name) for name in names),
        "a file is named twice": len(set(names)) < len(names),
        "it depends on itself": card.model_id in card.depends_on,
        "a block of the input is named twice": len(set(card.input_blocks)) < len(card.input_blocks),
        "blocks of the input and the hash of its schema come together": bool(card.input_blocks) != bool(card.input_hash),
    }
    return tuple(what for what, is_so in wrong.items() if is_so)


def _with_unknowns(plain: Any, kind: type[Struct] = ModelCard) -> Any:
    """JSON has no NaN: a null where a number belongs is one."""
    if not isinstance(plain, dict):
        return plain
    floats = [field.name for field in msgspec.structs.fields(kind) if field.type is float]
    changed: dict[str, Any] = {name: math.nan if value is None and name in floats else value for name, value in plain.items()}
    if isinstance(changed.get("scores"), list):
        changed["scores"] = [_with_unknowns(score, Score) for score in changed["scores"]]
    if isinstance(changed.get("meta_label"), dict):
        changed["meta_label"] = _with_unknowns(changed["meta_label"], MetaLabel)
    return changed


def _numbers(plain: object, name: str = "card") -> list[tuple[str, float]]:
    """Every float in nested values, with its place."""
    if isinstance(plain, float):
        return [(name, plain)]
    inside: list[tuple[str, object]] = []
    if isinstance(plain, dict):
        inside = [(str(key), value) for key, value in plain.items()]
    elif isinstance(plain, (list, tuple)):
        inside = [(name, value) for value in plain]
    return [found for key, value in inside for found in _numbers(value, key)]
