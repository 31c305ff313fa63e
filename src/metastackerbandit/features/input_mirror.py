"""The mirrored market's input: what it would have been had prices been C / p and buyers sellers. The order-book network trains on both."""

from __future__ import annotations

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from metastackerbandit.domain.input_schema import Block
from metastackerbandit.domain.model_input import ModelInput
from metastackerbandit.features.mirror import mirrored as mirrored_features

SIDED = ("bucket", "price")  # axes on which bids and asks face each other across the middle


def mirrored_input(given: ModelInput) -> ModelInput:
    """The input of the market mirrored at its newest middle price, its own inverse; hidden states, which nobody can mirror, are masked."""
    values = {block.name: _values(block, given.values[block.name]) for block in given.schema.blocks}
    valid = {name: ~np.isnan(array) for name, array in values.items()}
    return structs.replace(given, values=values, valid=valid)


def _values(block: Block, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """One block, mirrored."""
    if not block.mirrors:
        return np.full_like(values, np.nan)
    if block.name == "indicators":
        return mirrored_features(values[None].astype(np.float64))[0].astype(np.float32)
    turned = np.flip(values, tuple(place for place, axis in enumerate(block.axes) if axis in SIDED))
    channels = block.axis("channel")
    if channels is None:
        return -turned if block.odd else turned.copy()
    swapped = dict(block.partners) | {other: one for one, other in block.partners}
    source = [block.channels.index(swapped.get(name, name)) for name in block.channels]
    sign = np.array([-1.0 if name in block.odd else 1.0 for name in block.channels], np.float32)
    shape = [len(sign) if place == channels else 1 for place in range(values.ndim)]
    return turned.take(source, axis=channels) * sign.reshape(shape)
