"""Raw class scores become probabilities that may be scored: classes never seen keep a share, none is impossible, and they sum to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel

Floats = NDArray[np.float64]

FLOOR = 1e-6  # no sample here holds a million independent outcomes, so nothing smaller was learnt; and log loss stays finite


def settled(raw: Floats, unseen: Floats) -> Floats:
    """Probabilities (N, 3) from raw non-negative scores (N, 3), any scale a row; `unseen` (3,) as in `settle`."""
    out = np.empty_like(raw)
    settle(raw, unseen, FLOOR, out)
    return out


@kernel
def settle(raw: Floats, unseen: Floats, floor: float, out: Floats) -> None:
    """Settle raw (N, 3) into out (N, 3).

    A class k with unseen[k] > 0 was not in the sample: it gets that share, and the others divide the rest. Down and up are added first, so that
    mirrored scores give mirrored probabilities to the bit.
    """
    rest = 1.0 - ((unseen[0] + unseen[2]) + unseen[1])
    for i in range(raw.shape[0]):
        for k in range(3):
            out[i, k] = 0.0 if unseen[k] > 0.0 else raw[i, k]
        share = rest / ((out[i, 0] + out[i, 2]) + out[i, 1])
        for k in range(3):
            out[i, k] = max(floor, unseen[k] if unseen[k] > 0.0 else out[i, k] * share)
        total = (out[i, 0] + out[i, 2]) + out[i, 1]
        for k in range(3):
            out[i, k] = out[i, k] / total
