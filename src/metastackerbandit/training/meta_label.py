"""The meta-label model of one version as it serves: the chance that the trade which the stack proposes ends with a positive net return."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.domain.label import DOWN, UP
from metastackerbandit.features.catalog import FEATURES
from metastackerbandit.models.catalog import unpack as unpack_learner
from metastackerbandit.models.learner import Learner
from metastackerbandit.stacking.worth import TRAITS, Line, proposed_sides, traits_into, worth_into

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BASE_RATE = "base rate"  # in place of a family, where every proposed trade gets the same chance
_FACTS, _LEARNER = "worth.json", "worth_learner."
_EVEN = frozenset(spec.name for spec in FEATURES if spec.parity == "even")


class Said(Struct, frozen=True, eq=False):
    """What a stack says of N rows: learners' probabilities `parts` (L, N, 3) and their `weights` (L,), calibrated `p` (N, 3), expected gross
    returns `long` and `short` (N,) in horizon volatilities."""

    parts: Floats
    weights: Floats
    p: Floats
    long: Floats
    short: Floats

    def sides(self) -> Ints:
        """The sides (N,) that it proposes."""
        return proposed_sides(self.p, self.long, self.short)

    def taken(self, places: NDArray[np.integer]) -> Said:
        """The rows at `places`."""
        return Said(self.parts[:, places], self.weights, self.p[places], self.long[places], self.short[places])


class MetaLabelFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """The model's own numbers: the features that it reads besides TRAITS, the family of its learner, the base rate of the proposed trades and the
    independent outcomes behind it, and the line that calibrates it (None at the base rate)."""

    features: tuple[str, ...]
    family: str
    base: float
    n_eff: float
    line: Line | None = None


class MetaLabelModel(Struct, frozen=True, eq=False):
    """A learner that knows two of the three classes, a trade that pays (UP) and one that does not (DOWN); without one, the base rate."""

    facts: MetaLabelFacts
    learner: Learner | None

    def worth(self, rows: Floats, names: tuple[str, ...], said: Said) -> Floats:
        """Chances (N,) for rows (N, F) of the stack's features by name; NaN where no side is proposed. No row's answer depends on another."""
        sides, line = said.sides(), self.facts.line
        if self.learner is None or line is None:
            return np.where(sides == 0, np.nan, self.facts.base)
        raw = chances_of(self.learner, inputs_of(rows, names, self.facts.features, sides, said))
        return finished(sides, raw, line, self.facts.base, self.facts.n_eff)

    def pack(self) -> dict[str, bytes]:
        """Its files, the same for the same model."""
        files = {_FACTS: msgspec.json.format(msgspec.json.encode(self.facts), indent=1)}
        if self.learner is not None:
            files |= {_LEARNER + name: content for name, content in self.learner.pack().items()}
        return files


def unpack(files: Mapping[str, bytes]) -> MetaLabelModel | None:
    """The model among a version's files, None where it has none; ModelRefused where they are not whole."""
    if _FACTS not in files:
        if any(name.startswith(_LEARNER) for name in files):
            raise ModelRefused(f"the stack's file {_FACTS!r} is missing", where="worth", mend="train it again, or restore its folder")
        return None
    try:
        facts = msgspec.json.decode(files[_FACTS], type=MetaLabelFacts)
    except msgspec.DecodeError as error:
        raise ModelRefused(f"the file {_FACTS!r} is damaged: {error}", where="worth", mend="train it again, or restore its folder") from error
    if (facts.family == BASE_RATE) != (facts.line is None):
        raise ModelRefused(f"the file {_FACTS!r} contradicts itself", where="worth", mend="train it again, or restore its folder")
    if facts.family == BASE_RATE:
        return MetaLabelModel(facts, None)
    own = {name.removeprefix(_LEARNER): content for name, content in files.items() if name.startswith(_LEARNER)}
    return MetaLabelModel(facts, unpack_learner(facts.family, own))


def even_features(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those among the stack's features that a mirrored market leaves as they are: the only ones that the model may read."""
    return tuple(name for name in names if name in _EVEN)


def inputs_of(rows: Floats, names: tuple[str, ...], features: tuple[str, ...], sides: Ints, said: Said) -> Floats:
    """The model's inputs (N, T + E): TRAITS, then the named features of rows (N, F)."""
    out = np.empty((len(rows), len(TRAITS) + len(features)))
    traits_into(out, sides, *(np.ascontiguousarray(part) for part in (said.p, said.parts, said.weights, said.long, said.short)))
    out[:, len(TRAITS) :] = rows[:, _places(names, features)]
    return out


@cache
def _places(names: tuple[str, ...], features: tuple[str, ...]) -> Ints:
    """Where the named features stand."""
    return np.array([names.index(name) for name in features], np.int64)


def chances_of(learner: Learner, inputs: Floats) -> Floats:
    """Raw chances (N,) that a trade pays: of the two classes that the learner knows."""
    p = learner.predict(inputs)
    return np.ascontiguousarray(p[:, UP] / (p[:, UP] + p[:, DOWN]))


def finished(sides: Ints, raw: Floats, line: Line, base: float, n_eff: float) -> Floats:
    """Raw chances (N,) calibrated by a line and shrunk to the base rate; NaN where no side (N,) is proposed."""
    out = np.empty(len(raw))
    worth_into(out, sides, raw, line.slope, line.centre, line.level, base, n_eff)
    return out
