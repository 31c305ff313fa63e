"""What became of a recording's bars, for monitors that hold predictions against it; handed on no earlier than it was known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.evaluation.labels import label_bars
from metastackerbandit.evaluation.monitors.matured import Matured, matured
from metastackerbandit.market.frames import frame_bars

Place = tuple[int, int]  # instrument, and length of the frame in ns


def labels_of(recording: Recording, places: Mapping[Place, int], costs: CostSettings) -> dict[Place, np.ndarray]:
    """Labels of every bar of each place, in the layout of LabelRow; `places` says which of the recording's symbols each is."""
    found: dict[Place, np.ndarray] = {}
    for (instrument, length), symbol in places.items():
        candles = recording.bars[symbol]
        bars = frame_bars(candles, recording.base_ns, length)
        spec = label_spec(frame_name(length))
        found[instrument, length] = label_bars(bars, candles, recording.base_ns, recording.funding[symbol], spec, costs)
    return found


def all_matured(predictions: np.ndarray, labels: Mapping[Place, np.ndarray], until_ns: int) -> np.ndarray:
    """Everything that matured by `until_ns`, in the order in which it was known."""
    parts = [matured(predictions, rows, *place) for place, rows in labels.items()]
    joined = np.concatenate([np.zeros(0, layout(Matured)), *parts])
    joined = joined[joined["at_ns"] <= until_ns]
    return joined[np.lexsort((joined["closed_ns"], joined["at_ns"]))]


class Maturing:
    """Keeps predictions until their bars' labels are known, one place at a time; memory is bounded by the labels' horizons."""

    def __init__(self, labels: Mapping[Place, np.ndarray]) -> None:
        self._due: dict[Place, tuple[np.ndarray, int]] = {}
        self._labelled: dict[Place, dict[int, int]] = {}
        for place, rows in labels.items():
            known = rows[rows["known"] != 0]
            self._due[place] = (known[np.lexsort((known["closed_ns"], known["exit_ns"]))], 0)
        self._waiting: dict[Place, dict[int, Any]] = {place: {} for place in labels}

    def hear(self, prediction: Any) -> None:
        """Remember an awake prediction of a place that has labels; a second one on the same bar is not a second forecast."""
        waiting = self._waiting.get((int(prediction["instrument"]), int(prediction["frame_ns"])))
        if waiting is not None and prediction["silence"] == 0:
            waiting.setdefault(int(prediction["closed_ns"]), prediction.copy())

    def until(self, now_ns: int) -> np.ndarray:
        """What became known by now, in the layout of Matured."""
        found = []
        for place, (rows, first) in self._due.items():
            last = first + int(np.searchsorted(rows["exit_ns"][first:], now_ns, side="right"))
            if last == first:
                continue
            self._due[place] = (rows, last)
            waiting = self._waiting[place]
            for label in rows[first:last]:
                told = waiting.pop(int(label["closed_ns"]), None)
                if told is not None and told["at_ns"] < label["exit_ns"]:
                    found.append((place, label, told))
        made = np.zeros(len(found), layout(Matured))
        for row, (place, label, told) in zip(made, found, strict=True):
            row["instrument"], row["frame_ns"] = place
            row["at_ns"], row["side"] = label["exit_ns"], label["side"]
            for name in ("closed_ns", "p_down", "p_flat", "p_up"):
                row[name] = told[name]
        return made[np.lexsort((made["closed_ns"], made["at_ns"]))]
