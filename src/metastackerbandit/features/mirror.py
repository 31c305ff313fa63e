"""The mirrored market's features: what they would have been had prices been C / p and buyers sellers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.features.catalog import FEATURES, NAMES

_FROM = np.array([NAMES.index(spec.partner) if spec.parity == "swap" else place for place, spec in enumerate(FEATURES)])
_SIGN = np.array([-1.0 if spec.parity == "odd" else 1.0 for spec in FEATURES])


def mirrored(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features (N, F) -> (N, F): odd ones negated, partners exchanged, even ones kept; NaN stays with its partner's place. Its own inverse."""
    return values[:, _FROM] * _SIGN
