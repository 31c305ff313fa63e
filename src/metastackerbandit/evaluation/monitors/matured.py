"""A prediction beside what became of its bar, once that is known."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import layout

LEAST_OUTCOMES = 30  # whose labels do not overlap; fewer say little of a mean, and cannot tell a gap of .08 from 0


class Matured(Struct, frozen=True):
    """Class probabilities and the class (DOWN, FLAT, UP) of one bar, known at `at_ns`."""

    instrument: int
    frame_ns: int
    at_ns: int
    closed_ns: int
    p_down: float
    p_flat: float
    p_up: float
    side: int


def matured(predictions: np.ndarray, labels: np.ndarray, instrument: int, frame_ns: int) -> np.ndarray:
    """What became of an instrument's awake predictions (N,) on a frame, from its bars' labels (M,) in the layout of LabelRow; in order of knowing."""
    mine = predictions[(predictions["instrument"] == instrument) & (predictions["frame_ns"] == frame_ns) & (predictions["silence"] == 0)]
    mine = mine[np.sort(np.unique(mine["closed_ns"], return_index=True)[1])]  # a second word on a bar is not a second forecast
    known = labels[labels["known"] != 0]
    place = np.searchsorted(known["closed_ns"], mine["closed_ns"])
    inside = place < len(known)
    mine, place = mine[inside], place[inside]
    same = (known["closed_ns"][place] == mine["closed_ns"]) & (known["exit_ns"][place] > mine["at_ns"])
    mine, place = mine[same], place[same]
    rows = np.zeros(len(mine), layout(Matured))
    rows["instrument"], rows["frame_ns"] = instrument, frame_ns
    for name in ("closed_ns", "p_down", "p_flat", "p_up"):
        rows[name] = mine[name]
    rows["at_ns"], rows["side"] = known["exit_ns"][place], known["side"][place]
    return rows[np.lexsort((rows["closed_ns"], rows["at_ns"]))]
