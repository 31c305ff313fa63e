"""What can be wrong with the blocks of a model input, each named with what was expected and what is there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.input_schema import Block
from metastackerbandit.domain.kernel import kernel

NAN_KNOWN, NUMBER_UNKNOWN, OUT_OF_RANGE = range(3)
BY_BUCKET = ("bucket", "price")  # axes of the consolidated book
SAID = ("predictions", "hidden")  # blocks of what other models said: known strictly before


def problems_of(
    blocks: Sequence[Block],
    values: Mapping[str, NDArray[np.float32]],
    valid: Mapping[str, NDArray[np.bool_]],
    known_ns: Mapping[str, int],
    at_ns: int,
    bucket: float,
) -> tuple[str, ...]:
    """Everything that is wrong with these blocks; `bucket` is the width of the consolidated book's, in quote currency."""
    found: list[str] = []
    for block in blocks:
        wrong = [*_forms(block, values.get(block.name), np.float32, ""), *_forms(block, valid.get(block.name), np.bool_, "'s mask")]
        if not wrong:
            wrong += _contents(block, values[block.name], valid[block.name])
            wrong += _buckets(block, valid[block.name], bucket)
        found += wrong
        found += _times(block, known_ns.get(block.name, 0), at_ns)
    return tuple(found)


def _forms(block: Block, array: Any, dtype: Any, which: str) -> Iterator[str]:
    """Its shape and type, and those of its mask."""
    if array is None:
        yield f"{block.name}{which} is absent: expected shape {block.shape}"
        return
    if array.shape != block.shape:
        yield f"{block.name}{which} has shape {array.shape}: expected {block.shape} ({', '.join(block.axes)})"
    if array.dtype != dtype:
        yield f"{block.name}{which} is of {array.dtype}: expected {np.dtype(dtype)}"


def _contents(block: Block, values: NDArray[np.float32], valid: NDArray[np.bool_]) -> Iterator[str]:
    """Numbers where the mask says so and nowhere else, each in its range."""
    counts = np.zeros(3, np.int64)
    count_faults(np.ascontiguousarray(values).reshape(-1), np.ascontiguousarray(valid).reshape(-1), block.low, block.high, counts)
    if counts[NAN_KNOWN]:
        yield f"{block.name} has {counts[NAN_KNOWN]} values that are not finite where its mask says that they are known: expected none"
    if counts[NUMBER_UNKNOWN]:
        yield f"{block.name} has {counts[NUMBER_UNKNOWN]} numbers where its mask says that nothing is known: expected NaN"
    if counts[OUT_OF_RANGE]:
        yield f"{block.name} has {counts[OUT_OF_RANGE]} values outside {block.low:g} to {block.high:g}: expected none"


def _buckets(block: Block, valid: NDArray[np.bool_], bucket: float) -> Iterator[str]:
    """Values by bucket mean nothing where nobody knows how wide one is."""
    if any(axis in BY_BUCKET for axis in block.axes) and not 0.0 < bucket < math.inf and valid.any():
        yield f"{block.name} is by buckets that are {bucket} wide, which is no bucket: expected a width above 0"


def _times(block: Block, known_ns: int, at_ns: int) -> Iterator[str]:
    """Nothing that was not known yet."""
    if block.name in SAID and known_ns >= at_ns:
        yield f"{block.name} was said at {known_ns}: expected before {at_ns}"
    elif known_ns > at_ns:
        yield f"{block.name} was known at {known_ns}: expected at or before {at_ns}"


@kernel
def count_faults(values: Any, valid: Any, low: float, high: float, counts: Any) -> None:
    """Count in values (N,) and mask (N,) what is not finite and yet known, what is a number and yet not known, and what is out of range."""
    broken, padded, stray = 0, 0, 0
    for n in range(len(values)):  # without a branch, so that the compiler takes several at once
        value, known = values[n], valid[n]
        is_finite = abs(value) < math.inf
        broken += known & (not is_finite)
        padded += (not known) & (value == value)
        stray += known & is_finite & ((value < low) | (value > high))
    counts[NAN_KNOWN] += broken
    counts[NUMBER_UNKNOWN] += padded
    counts[OUT_OF_RANGE] += stray
