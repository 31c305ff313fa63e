"""The mirrored market: rows whose direction is turned, so that a sample that mostly rose teaches no side (method 1.7)."""

from __future__ import annotations

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from metastackerbandit.domain.label import DOWN, UP
from metastackerbandit.features.mirror import mirrored
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]


def averaged(straight: Floats, turned: Floats) -> Floats:
    """The mean of answers (N, 3) to rows and of the turned answers (N, 3) to their images: mirrored rows get mirrored answers, to the bit."""
    return 0.5 * (straight + turned[..., ::-1])


def with_mirror(sample: Sample) -> Sample:
    """Every row and its mirror image (2N rows), each with half the weight; a row's image stands right after it."""
    image = structs.replace(
        sample,
        rows=mirrored(sample.rows),
        side=(DOWN + UP - sample.side).astype(np.int8),
        long=sample.short,
        short=sample.long,
        net_long=sample.net_short,
        net_short=sample.net_long,
        residual=None if sample.residual is None else -sample.residual,
    )
    columns, images = sample.columns(), image.columns()
    for name, own in columns.items():
        columns[name] = np.stack((own, images[name]), axis=1).reshape(2 * len(own), *own.shape[1:])
    columns["weight"] = columns["weight"] * 0.5
    return Sample(**columns, names=sample.names)
