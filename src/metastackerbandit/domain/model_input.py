"""The standard model input: what every model may know of one symbol at one time, the same in training and live, and whether it is fit to be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.completeness import completeness_of
from metastackerbandit.domain.errors import InputUnusable
from metastackerbandit.domain.input_checks import problems_of
from metastackerbandit.domain.input_schema import USABLE_COMPLETENESS, USABLE_FRAMES, Block, InputSchema
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.timeframe import SECOND_NS

Lineage = Literal["live", "recorded", "backfill", "simulated"]


class LastWord(Struct, frozen=True, eq=False):
    """The newest prediction of another model, and the hidden state (H,) float32 that it exported with it (None: it exports none)."""

    prediction: Prediction
    hidden: NDArray[np.float32] | None = None


class InputScore(Struct, frozen=True):
    """How good an input is for a reader: completeness x freshness x consistency, each 0 .. 1, as market/quality.py scores a feed.

    Freshness and consistency are the feed's, NaN where nobody watches it; so is the score then.
    """

    score: float
    completeness: float
    freshness: float
    consistency: float


class ModelInput(Struct, frozen=True, eq=False):
    """What is known of `symbol` at `at_ns` (UTC ns), in the blocks of `schema`.

    `values` are float32 arrays by block, `valid` masks of the same shapes; a value that is not known is NaN, and never filled. `known_ns` says by
    block when the newest thing in it became known (0: nothing is in it): not after `at_ns`, and before it for what other models said, whose slots
    `models` names. A bucket of the consolidated book is `bucket` of the quote currency wide (NaN: not known), `price` the newest middle price,
    which `mids` are told from. `notes` say in words what could not be had.
    """

    symbol: str
    at_ns: int
    schema: InputSchema
    values: dict[str, NDArray[np.float32]]
    valid: dict[str, NDArray[np.bool_]]
    known_ns: dict[str, int]
    models: tuple[str, ...]
    bucket: float
    price: float
    freshness: float
    consistency: float
    lineage: Lineage
    notes: tuple[str, ...] = ()

    def seconds(self, name: str = "mids") -> NDArray[np.int64]:
        """Unix seconds (T,) of the frames of a block by the second: a frame is [second, second + 1), the last one ends at or before `at_ns`."""
        newest = self.at_ns // SECOND_NS - 1
        return np.arange(newest - self.schema.block(name).frames + 1, newest + 1)

    def frames(self, name: str) -> int:
        """How many frames of a block are there."""
        return frames_there(self.schema.block(name), self.valid[name])

    def completeness(self, declared: Sequence[str]) -> float:
        """Mean over the declared blocks of the share of their frames that is there; 1 where none is declared."""
        blocks = self.schema.declared(tuple(declared))
        return _completeness(blocks, [self.frames(block.name) for block in blocks])

    def score(self, declared: Sequence[str]) -> InputScore:
        """Its quality for a reader of these blocks, with what it is made of."""
        completeness = self.completeness(declared)
        return InputScore(completeness * self.freshness * self.consistency, completeness, self.freshness, self.consistency)

    def problems(self, declared: Sequence[str]) -> tuple[str, ...]:
        """Everything that is wrong with the declared blocks, each with what was expected and what is there; empty: they are sound."""
        blocks = self.schema.declared(tuple(declared))
        return problems_of(blocks, self.values, self.valid, self.known_ns, self.at_ns, self.bucket)

    def lacking(self, declared: Sequence[str]) -> tuple[str, ...]:
        """What keeps the declared blocks from being usable: those with too few frames, and a completeness that is too low; empty: usable."""
        found = []
        blocks = self.schema.declared(tuple(declared))
        there = [self.frames(block.name) for block in blocks]
        for block, frames in zip(blocks, there, strict=True):
            if frames < least_frames(block):
                found.append(f"{block.name} has {frames} of {block.frames} frames, {least_frames(block)} are needed")
        completeness = _completeness(blocks, there)
        if completeness < USABLE_COMPLETENESS:
            found.append(f"completeness is {completeness:.3f}, {USABLE_COMPLETENESS} is needed")
        return tuple(found)

    def usable(self, declared: Sequence[str]) -> bool:
        """Whether a model that declares these blocks may be asked: each has enough frames, and completeness is high enough."""
        return not self.lacking(declared)

    def complete(self, declared: Sequence[str]) -> bool:
        """Whether every frame of the declared blocks is there."""
        return all(self.frames(block.name) == block.frames for block in self.schema.declared(tuple(declared)))


def _completeness(blocks: Sequence[Block], there: Sequence[int]) -> float:
    """Mean share of these frames among those that whole blocks have."""
    return float(completeness_of(np.array(there, np.int64), np.array([block.frames for block in blocks], np.int64)))


def least_frames(block: Block) -> int:
    """Frames that a block must have to be usable."""
    return min(block.frames, USABLE_FRAMES)


def frames_there(block: Block, valid: NDArray[np.bool_]) -> int:
    """Frames of a block's mask in which its key is known, or anything where it has none."""
    axes = block.axes
    if block.key:
        valid = np.moveaxis(valid, axes.index("channel"), 0)[block.channels.index(block.key)]
        axes = tuple(axis for axis in axes if axis != "channel")
    others = tuple(place for place, axis in enumerate(axes) if axis != "time")
    return int(np.count_nonzero(np.any(valid, axis=others)))


def refuse_unusable(given: ModelInput, declared: Sequence[str]) -> None:
    """Refuse to infer from an input that is wrong or too thin.

    Raises:
        InputUnusable: it names each problem and each block that lacks frames.
    """
    problems = given.problems(declared)
    lacking = () if problems else given.lacking(declared)
    if problems or lacking:
        mend = "report it: an input is built whole" if problems else "wait until the blocks have filled, or see in its notes what is absent"
        raise InputUnusable("; ".join(problems or lacking), where=f"{given.symbol} at {given.at_ns}", mend=mend)
