"""The schema of the standard model input: which blocks there are, what is in them, and the fingerprint by which a model knows that it is the same."""

from __future__ import annotations

import hashlib
from functools import cached_property
from math import inf, prod

from msgspec import Struct

from metastackerbandit.domain.errors import ModelMismatch

USABLE_FRAMES = 100  # of a block along time: fewer are too short a past to speak from
USABLE_COMPLETENESS = 0.8  # over the declared blocks


class Block(Struct, frozen=True):
    """One array of the input, float32, with a mask of the same shape: True where a value is known, NaN where it is not.

    `axes` are time, channel, bucket, price, level, model, feature or unit, `shape` their lengths. `frames` is how many frames a whole block has: its
    length in time, or 1 where it has none. A frame is there where `key` is known (a channel; "" for: any value of it). Values that are known
    lie in `low` .. `high`. Where the market is mirrored (prices p -> C / p, buyers and sellers exchanged) the channels in `odd` change sign, those in
    `partners` change places with each other, and buckets and prices change sides; `mirrors` is False where nobody knows what it would be.
    `revision` is raised by whoever changes what is in it.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    unit: str
    meaning: str
    absent: str  # when a value is not known
    channels: tuple[str, ...] = ()
    frames: int = 1
    key: str = ""
    odd: tuple[str, ...] = ()
    partners: tuple[tuple[str, str], ...] = ()
    low: float = -inf
    high: float = inf
    mirrors: bool = True
    revision: int = 1

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(self.shape)

    def axis(self, name: str) -> int | None:
        """Place of an axis; None where it has none of that name."""
        return self.axes.index(name) if name in self.axes else None


class InputSchema(Struct, frozen=True, dict=True):
    """Every block there is, in the order of the input. `version` is raised where a block comes, goes or changes its shape."""

    version: int
    blocks: tuple[Block, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The blocks' names."""
        return tuple(block.name for block in self.blocks)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex over version, blocks, shapes, channels, units, ranges, parities and revisions: what a model card must agree with."""
        lines = [f"{self.version}"]
        for one in self.blocks:
            shape = " ".join(f"{axis}={length}" for axis, length in zip(one.axes, one.shape, strict=True))
            parity = f"{one.odd} {one.partners} {one.mirrors}"
            lines.append(f"{one.name} {one.revision} {shape} {one.channels} {one.unit} {one.frames} {one.key} {one.low} {one.high} {parity}")
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def block(self, name: str) -> Block:
        """The block of that name.

        Raises:
            ModelMismatch: there is none.
        """
        if name not in self.names:
            raise ModelMismatch(f"the standard input has no block {name!r}", where="blocks", mend=f"declare some of {', '.join(self.names)}")
        return self.blocks[self.names.index(name)]

    def declared(self, names: tuple[str, ...]) -> tuple[Block, ...]:
        """The blocks of these names, in the order of the input."""
        wanted = {self.block(name).name for name in names}
        return tuple(block for block in self.blocks if block.name in wanted)


def refuse_other_schema(schema: InputSchema, declared: tuple[str, ...], schema_hash: str, where: str) -> None:
    """Refuse a model that was made for another input than this; `declared` and `schema_hash` are its card's, `where` names it.

    Raises:
        ModelMismatch: it was trained on a schema with another fingerprint, or needs a block that this one does not have.
    """
    if not declared:
        return
    if schema_hash != schema.fingerprint:
        was = schema_hash or "no schema"
        what = f"it was trained on input {was}, this is input {schema.fingerprint} (version {schema.version})"
        raise ModelMismatch(what, where=where, mend="train it again on the inputs of this version, or run the version that it was trained with")
    for name in declared:
        schema.block(name)
