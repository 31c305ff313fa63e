"""Predictions as columns: `<home>/predictions/run=<n>/`, the columns of Prediction, a row for each that entered (columns.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.storage.columns import ColumnWriter, Shape, Sizes, count_rows, newest_chosen, read_columns

ROLL_ROWS = 8_192  # predictions in the tail before it becomes a part: a month of 5m bars, 1.2 MB
SIDE_COLUMNS = ("instrument", "frame_ns", "closed_ns", "silence", "p_down", "p_up", "long_bps", "short_bps")
PART_ROWS = 262_144  # predictions in a part that a block driver writes whole, 38 MB in memory


class PredictionWriter(ColumnWriter):
    """Appends one run's predictions; each call is on disk (in the page cache) when it returns. A run without models has no folder."""

    def __init__(self, folder: Path, *, is_new: bool = True) -> None:
        super().__init__(folder, _SHAPE, Sizes(ROLL_ROWS, PART_ROWS))
        if not is_new:
            self.take_up()

    def append(self, rows: np.ndarray) -> None:
        """Keep predictions (N,), asleep ones too; the array is copied."""
        if not self._shape.accepts((rows,)):
            raise TypeError(f"predictions are rows of Prediction, not {rows.dtype}")
        self.keep((rows,))


def read_predictions(folder: Path) -> np.ndarray:
    """Every prediction that is on disk, in the order of writing; also of a run that is being written or was killed."""
    (rows,) = read_columns(folder, _SHAPE)
    return rows


def count_predictions(folder: Path) -> int:
    """How many predictions are on disk."""
    return count_rows(folder, _SHAPE)


def read_sides(folder: Path) -> np.ndarray:
    """Every prediction in the columns that tell its side and when it was said (SIDE_COLUMNS), in the order of writing."""
    (rows,) = read_columns(folder, _SHAPE.only(SIDE_COLUMNS))
    return rows


def standing_predictions(folder: Path, instrument: int, at_ns: int) -> np.ndarray:
    """The newest word on an instrument that was known by then, one row a frame, the lowest frame first.

    Three columns are searched from the newest part on; whole rows are read only of parts that hold a word still missing.
    """
    found: dict[int, np.ndarray] = {}

    def unheard(rows: np.ndarray) -> np.ndarray:
        known = np.flatnonzero((rows["instrument"] == instrument) & (rows["at_ns"] <= at_ns))
        frames = rows["frame_ns"][known]
        return np.array([known[np.flatnonzero(frames == frame)[-1]] for frame in np.unique(frames) if int(frame) not in found], np.int64)

    for (rows,) in newest_chosen(folder, _SHAPE, ("instrument", "frame_ns", "at_ns"), unheard):
        found |= {int(rows["frame_ns"][place]): rows[place : place + 1] for place in range(len(rows))}
    return np.concatenate([found[frame] for frame in sorted(found)]) if found else _SHAPE.nothing()[0]


_SHAPE = Shape("prediction", Prediction)
