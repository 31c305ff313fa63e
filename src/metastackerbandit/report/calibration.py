"""Whether the models of a run meant what they said: the chance they gave to UP and to DOWN against how often it came, by frame."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.label import DOWN, UP
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.evaluation.reliability import Reliability, reliability
from metastackerbandit.evaluation.uniqueness import average_uniqueness
from metastackerbandit.report.reading import Place, Reading

CLASSES = (("up", UP), ("down", DOWN))


class Bin(Struct, frozen=True):
    """Bars that were given about the same chance: the mean of it, the share that came with its 95 % interval (null: too
    little time), and how many."""

    said: float
    came: float
    low: float | None
    high: float | None
    bars: int


class Calibration(Struct, frozen=True):
    """One frame's answers about one class: bars awake, of these with a known outcome, independent ones among them, bins and the
    error beyond chance."""

    frame: str
    of: str
    awake: int
    bars: int
    outcomes: float
    bins: tuple[Bin, ...]
    error: float | None
    slope: float | None
    slope_low: float | None
    slope_high: float | None


def calibrations_of(reading: Reading) -> tuple[Calibration, ...]:
    """A frame and class each, of frames on which a model was awake; what is known by the run's end alone, so that no page sees further."""
    said = reading.predictions
    awake = said[said["silence"] == 0]
    until_ns = int(reading.decided["at_ns"].max()) if len(reading.decided) else 0
    found = []
    for length in np.unique(awake["frame_ns"]).tolist():
        joined = [_joined(awake, place, reading, until_ns) for place in _places(awake, int(length), reading)]
        p = np.concatenate([one[0] for one in joined])
        label = np.concatenate([one[1] for one in joined])
        weight = np.concatenate([one[2] for one in joined])
        for name, which in CLASSES:
            column = "p_up" if which == UP else "p_down"
            fit = reliability(
                np.ascontiguousarray(p[column], np.float64), label["side"] == which, weight, label["entry_ns"].copy(), label["exit_ns"].copy()
            )
            found.append(_told(frame_name(int(length)), name, int(np.count_nonzero(awake["frame_ns"] == length)), weight, fit))
    return tuple(found)


def _places(awake: np.ndarray, length: int, reading: Reading) -> list[Place]:
    """The books that heard this frame, one a symbol: a second book hears the same words."""
    books = np.unique(awake["instrument"][awake["frame_ns"] == length]).tolist()
    first = {reading.row.symbols[book]: book for book in reversed(books)}
    return [(book, length) for book in sorted(first.values())]


def _joined(awake: np.ndarray, place: Place, reading: Reading, until_ns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-> (predictions, labels, weights) of the bars of a place whose outcome was known by then."""
    own = awake[(awake["instrument"] == place[0]) & (awake["frame_ns"] == place[1])]
    labels = reading.beside.labels.get(place)
    if labels is None:
        return own[:0], _no_labels(), np.zeros(0)
    known = labels[(labels["known"] != 0) & (labels["exit_ns"] <= until_ns)]
    closed, said_at, came_at = np.intersect1d(own["closed_ns"], known["closed_ns"], return_indices=True)
    label = known[came_at]
    return own[said_at], label, average_uniqueness(label["entry_ns"].copy(), label["exit_ns"].copy(), place[1]) if len(closed) else np.zeros(0)


def _no_labels() -> np.ndarray:
    from metastackerbandit.domain.kernel import rows
    from metastackerbandit.domain.label import LabelRow

    return rows(LabelRow, 0)


def _told(frame: str, name: str, awake: int, weight: np.ndarray, fit: Reliability) -> Calibration:
    low, high = fit.low or (math.nan,) * len(fit.rows), fit.high or (math.nan,) * len(fit.rows)
    bins = zip(fit.predicted, fit.observed, low, high, fit.rows, strict=True)
    return Calibration(
        frame=frame,
        of=name,
        awake=awake,
        bars=sum(fit.rows),
        outcomes=float(weight.sum()),
        bins=tuple(Bin(said, came, _known(below), _known(above), bars) for said, came, below, above, bars in bins),
        error=_known(fit.error),
        slope=_known(fit.slope.value),
        slope_low=_known(fit.slope.low),
        slope_high=_known(fit.slope.high),
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
