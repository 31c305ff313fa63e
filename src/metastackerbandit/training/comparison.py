"""Two series on the same bars: by how much one foresaw better, and how far they say the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval
from metastackerbandit.evaluation.skill import log_loss, row_gains
from metastackerbandit.evaluation.time_blocks import mean_around, time_blocks
from metastackerbandit.evaluation.uniqueness import average_uniqueness


class Comparison(Struct, frozen=True):
    """`bars` on which both spoke and the outcome is known, `outcomes` independent ones among them.

    `gain_mnats` is the first one's log loss less than the second's, paired bar by bar; `loss`, `other_loss` their log losses (nats).
    `agreement` is the share of bars on which both lean to the same side, `correlation` that of p_up - p_down (NaN: one never changes).
    """

    bars: int
    outcomes: float
    gain_mnats: Interval
    loss: float
    other_loss: float
    agreement: float
    correlation: float


def compared(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], grid_ns: int) -> Comparison:
    """Predictions of two series (layout of Prediction, one a bar) against labels (layout of LabelRow) of the same symbol and frame."""
    closed = labels["closed_ns"][labels["known"] == 1]
    for said in (one, other):
        closed = np.intersect1d(closed, said["closed_ns"][said["silence"] == 0])
    if not len(closed):
        return Comparison(0, 0.0, UNKNOWN, np.nan, np.nan, np.nan, np.nan)
    first, second, became = (rows[np.searchsorted(rows["closed_ns"], closed)] for rows in (one, other, labels))
    side = became["side"]
    own = average_uniqueness(became["entry_ns"], became["exit_ns"], grid_ns)
    chances = [np.column_stack([said["p_down"], said["p_flat"], said["p_up"]]) for said in (first, second)]
    block = time_blocks(became["entry_ns"], became["exit_ns"])
    leads = [said["p_up"] - said["p_down"] for said in (first, second)]
    moves = all(lead.min() < lead.max() for lead in leads)
    return Comparison(
        bars=len(closed),
        outcomes=float(own.sum()),
        gain_mnats=mean_around(row_gains(chances[0], side, chances[1]), own, block),
        loss=log_loss(chances[0], side, own),
        other_loss=log_loss(chances[1], side, own),
        agreement=float(np.mean(np.sign(leads[0]) == np.sign(leads[1]))),
        correlation=float(np.corrcoef(leads[0], leads[1])[0, 1]) if moves else float("nan"),
    )
