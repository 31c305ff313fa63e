"""The stack of one version as it serves: feature rows in, calibrated probabilities and expected returns out; every row for itself, to the bit."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.domain.label import CLASSES, DOWN, UP
from metastackerbandit.features.mirror import mirrored
from metastackerbandit.models.catalog import unpack as unpack_learner
from metastackerbandit.models.heads import Heads
from metastackerbandit.models.learner import Learner
from metastackerbandit.stacking.calibration import Calibrator
from metastackerbandit.stacking.conformal import Conformal
from metastackerbandit.stacking.ladder import shrink_to_prior
from metastackerbandit.stacking.meta import blend
from metastackerbandit.training import meta_label
from metastackerbandit.training.expectation import Expectation
from metastackerbandit.training.meta_label import MetaLabelModel, Said
from metastackerbandit.training.mirroring import averaged

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FACTS, _CALIBRATOR, _CONFORMAL, _HEADS = "stack.json", "calibrator.base64", "conformal.base64", "heads"


class StackAnswer(Struct, frozen=True, eq=False):
    """Answers to N rows: calibrated `p` (N, 3); expected gross returns of a `long` and a `short` (N,) with their standard `error` (N,), in horizon
    volatilities; conformal `p_values` (N, 3), the classes that cannot be excluded (bits of domain.prediction) and the largest p-value; the chance
    (N,) that the proposed trade pays, NaN where there is no side or no meta-label model."""

    p: Floats
    long: Floats
    short: Floats
    error: Floats
    p_values: Floats
    conformal_set: Ints
    credibility: Floats
    worth: Floats


class StackFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """The stack's own numbers: its features by name, its learners' families and weights, what it shrinks to and by how many outcomes.

    `expected` names the features that its sample had: the others cannot be missed.
    """

    names: tuple[str, ...]
    expected: tuple[str, ...]
    families: tuple[str, ...]
    weights: tuple[float, ...]
    prior: tuple[float, float, float]
    n_eff: float
    is_mirrored: bool
    expectation: Expectation


class Stack(Struct, frozen=True, eq=False):
    """Base learners, their weights, a calibrator, a conformal predictor, heads, and what says which of its trades are worth taking."""

    facts: StackFacts
    learners: tuple[Learner, ...]
    calibrator: Calibrator
    conformal: Conformal
    heads: Heads
    meta_label: MetaLabelModel | None = None

    def expects(self) -> NDArray[np.bool_]:
        """Which features (F,) its sample had."""
        return np.isin(self.facts.names, self.facts.expected)

    def predict(self, rows: Floats) -> StackAnswer:
        """Answers to rows (N, F) of the stack's features, NaN where invalid; no row's answer depends on another."""
        rows = self._checked(rows)
        images = mirrored(rows) if self.facts.is_mirrored else None
        return self.answer(rows, self.heard(rows, images), self.lean(rows, images))

    def heard(self, rows: Floats, images: Floats | None) -> Floats:
        """The same as `parts` for a blend, without asking learners that have no weight: their place holds even chances, which count nothing."""
        parts = np.full((len(self.learners), len(rows), len(CLASSES)), 1.0 / len(CLASSES))
        for place, learner in enumerate(self.learners):
            if self.facts.weights[place] > 0.0:
                parts[place] = probabilities_of(learner, rows, images)
        return parts

    def parts(self, rows: Floats, images: Floats | None) -> Floats:
        """Every base learner's probabilities (L, N, 3), averaged with what it says of the mirror images."""
        return np.stack([probabilities_of(learner, rows, images) for learner in self.learners])

    def lean(self, rows: Floats, images: Floats | None) -> Floats:
        """What the heads expect of a long above a flat market (N,), in horizon volatilities."""
        return lean_of(self.heads, rows, images)

    def answer(self, rows: Floats, parts: Floats, head: Floats) -> StackAnswer:
        """From rows (N, F), their base probabilities (L, N, 3) and heads (N,) to the answer."""
        said = self.said(parts, head)
        p_values = self.conformal.p_values(said.p)
        return StackAnswer(
            p=said.p,
            long=said.long,
            short=said.short,
            error=self.facts.expectation.error(said.p[:, UP] - said.p[:, DOWN], head),
            p_values=p_values,
            conformal_set=self.conformal.sets_of(p_values),
            credibility=p_values.max(axis=1),
            worth=self.worth(rows, said),
        )

    def said(self, parts: Floats, head: Floats) -> Said:
        """From base probabilities (L, N, 3) and heads (N,) to calibrated probabilities and expected returns."""
        p = self.probabilities(parts)
        long, short = self.facts.expectation.long_short(p[:, UP] - p[:, DOWN], head)
        return Said(parts, np.asarray(self.facts.weights), p, long, short)

    def worth(self, rows: Floats, said: Said) -> Floats:
        """The chance (N,) that the trade proposed for each row pays."""
        return np.full(len(rows), np.nan) if self.meta_label is None else self.meta_label.worth(rows, self.facts.names, said)

    def probabilities(self, parts: Floats) -> Floats:
        """From base probabilities (L, N, 3) to the calibrated ones (N, 3)."""
        return finished(parts, self.calibrator, self.facts)

    def pack(self) -> dict[str, bytes]:
        """Files of the stack, the same for the same stack."""
        files = {_FACTS: msgspec.json.format(msgspec.json.encode(self.facts), indent=1)}
        files[_CALIBRATOR] = b64encode(self.calibrator.pack())  # as text: bytes that begin with a hash may look like anything
        files[_CONFORMAL] = b64encode(self.conformal.pack())
        packed = [(_HEADS, self.heads.pack()), *((family, part.pack()) for family, part in zip(self.facts.families, self.learners, strict=True))]
        for prefix, contents in packed:
            files |= {f"{prefix}.{name}": content for name, content in contents.items()}
        return files if self.meta_label is None else files | self.meta_label.pack()

    def _checked(self, rows: Floats) -> Floats:
        if rows.ndim != 2 or rows.shape[1] != len(self.facts.names):
            raise ModelRefused(
                f"rows of shape {rows.shape} where (N, {len(self.facts.names)}) is expected", where="stack", mend="serve the features of its card"
            )
        return np.ascontiguousarray(rows, np.float64)


def unpack(files: Mapping[str, bytes]) -> Stack:
    """A stack from its files; ModelRefused where they are not whole."""
    try:
        facts = msgspec.json.decode(files[_FACTS], type=StackFacts)
        return Stack(
            facts=facts,
            learners=tuple(unpack_learner(family, _of(files, family)) for family in facts.families),
            calibrator=Calibrator.unpack(b64decode(files[_CALIBRATOR], validate=True)),
            conformal=Conformal.unpack(b64decode(files[_CONFORMAL], validate=True)),
            heads=Heads.unpack(_of(files, _HEADS)),
            meta_label=meta_label.unpack(files),
        )
    except KeyError as error:
        raise ModelRefused(f"the stack's file {error} is missing", where="stack", mend="train it again, or restore its folder") from error
    except (msgspec.DecodeError, NotBase64) as error:
        raise ModelRefused(f"the stack's files are damaged: {error}", where="stack", mend="train it again, or restore its folder") from error


def finished(parts: Floats, calibrator: Calibrator, facts: StackFacts) -> Floats:
    """Base probabilities (L, N, 3) -> blended, calibrated, shrunk towards the prior by the number of outcomes behind them (N, 3)."""
    return shrink_to_prior(calibrator.apply(blend(parts, np.asarray(facts.weights))), np.asarray(facts.prior), facts.n_eff)


def probabilities_of(learner: Learner, rows: Floats, images: Floats | None) -> Floats:
    """One learner's probabilities (N, 3) of rows, averaged with what it says, turned, of their mirror images."""
    straight = learner.predict(rows)
    return straight if images is None else averaged(straight, learner.predict(images))


def lean_of(heads: Heads, rows: Floats, images: Floats | None) -> Floats:
    """Half the difference of the heads' long and short (N,), of rows and, turned, of their images."""
    said = heads.predict(rows)
    lean = 0.5 * (said[:, 0] - said[:, 1])
    if images is None:
        return lean
    turned = heads.predict(images)
    return 0.5 * (lean - 0.5 * (turned[:, 0] - turned[:, 1]))


def _of(files: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    return {name.removeprefix(f"{prefix}."): content for name, content in files.items() if name.startswith(f"{prefix}.")}
