"""Predictions as columns: `<home>/predictions/run=<n>/`, the columns of Prediction, a row for each that entered (columns.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.storage.columns import ColumnWriter, Shape, Sizes, read_columns

ROLL_ROWS = 8_192  # predictions in the tail before it becomes a part: a month of 5m bars, 1.2 MB
PART_ROWS = 262_144  # predictions in a part that a block driver writes whole, 38 MB in memory


class PredictionWriter(ColumnWriter):
    """Appends one run's predictions; each call is on disk (in the page cache) when it returns. A run without models has no folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _SHAPE, Sizes(ROLL_ROWS, PART_ROWS))

    def append(self, rows: np.ndarray) -> None:
        """Keep predictions (N,), asleep ones too; the array is copied."""
        if not self._shape.accepts((rows,)):
            raise TypeError(f"predictions are rows of Prediction, not {rows.dtype}")
        self.keep((rows,))


def read_predictions(folder: Path) -> np.ndarray:
    """Every prediction that is on disk, in the order of writing; also of a run that is being written or was killed."""
    (rows,) = read_columns(folder, _SHAPE)
    return rows


_SHAPE = Shape("prediction", Prediction)
