"""Decisions as columns: `<home>/decisions/run=<n>/`, DecisionRow's columns, then <gate>.observed, <gate>.limit, <gate>.verdict (columns.py)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from metastackerbandit.domain.rows import DecisionRow
from metastackerbandit.storage.columns import ColumnWriter, Shape, Sizes, newest_blocks, read_columns

ROLL_ROWS = 8_192  # decisions in the tail before it becomes a part: a month of 5m bars, 5 MB
PART_ROWS = 65_536  # decisions in a part that a block driver writes whole

_TRACE = (("observed", np.float64), ("limit", np.float64), ("verdict", np.int8))


class Decisions(NamedTuple):
    """Rows (N,) in the layout of DecisionRow with their traces (N, G)."""

    rows: np.ndarray
    observed: np.ndarray
    limit: np.ndarray
    verdict: np.ndarray


class DecisionWriter(ColumnWriter):
    """Appends one run's decisions; each call is on disk (in the page cache) when it returns."""

    def __init__(self, folder: Path, gates: tuple[str, ...]) -> None:
        super().__init__(folder, _shape(gates), Sizes(ROLL_ROWS, PART_ROWS))
        self.make_folder()

    def append(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Keep decisions (N,) and traces (N, G); the arrays are copied."""
        given = (rows, observed, limit, verdict)
        if not self._shape.accepts(given):
            raise TypeError(f"decisions are rows of DecisionRow with {len(self._shape.gates)} verdicts each")
        self.keep(given)


def read_decisions(folder: Path, gates: tuple[str, ...]) -> Decisions:
    """Every decision that is on disk, in the order of writing; also of a run that is being written or was killed."""
    return Decisions(*read_columns(folder, _shape(gates)))


def newest_first(folder: Path, gates: tuple[str, ...]) -> Iterator[Decisions]:
    """The run's decisions block by block from the end, each block in the order of writing, so that a look at the last one reads little."""
    for block in newest_blocks(folder, _shape(gates)):
        yield Decisions(*block)


def _shape(gates: tuple[str, ...]) -> Shape:
    return Shape("decision", DecisionRow, gates, _TRACE)
