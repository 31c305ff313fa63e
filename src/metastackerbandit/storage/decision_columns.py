"""Decisions as columns: `<home>/decisions/run=<n>/`, DecisionRow's columns, then <gate>.observed, <gate>.limit, <gate>.verdict (columns.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from metastackerbandit.domain.rows import DecisionRow
from metastackerbandit.storage.columns import ColumnWriter, Shape, Sizes, newest_chosen, read_columns

ROLL_ROWS = 8_192  # decisions in the tail before it becomes a part: a month of 5m bars, 5 MB
PART_ROWS = 65_536  # decisions in a part that a block driver writes whole

VERDICT_COLUMNS = (
    "decision",
    "instrument",
    "closed_ns",
    "frame_ns",
    "arm",
    "side",
    "kind",
    "sent",
    "asks_risk",
    "binding",
    "sole",
)  # what counting needs

_TRACE = (("observed", np.float64), ("limit", np.float64), ("verdict", np.int8))


class Decisions(NamedTuple):
    """Rows (N,) in the layout of DecisionRow with their traces (N, G)."""

    rows: np.ndarray
    observed: np.ndarray
    limit: np.ndarray
    verdict: np.ndarray


class DecisionWriter(ColumnWriter):
    """Appends one run's decisions; each call is on disk (in the page cache) when it returns."""

    def __init__(self, folder: Path, gates: tuple[str, ...], *, is_new: bool = True) -> None:
        super().__init__(folder, _shape(gates), Sizes(ROLL_ROWS, PART_ROWS))
        if is_new:
            self.make_folder()
        else:
            self.take_up()

    def append(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Keep decisions (N,) and traces (N, G); the arrays are copied."""
        given = (rows, observed, limit, verdict)
        if not self._shape.accepts(given):
            raise TypeError(f"decisions are rows of DecisionRow with {len(self._shape.gates)} verdicts each")
        self.keep(given)


def read_decisions(folder: Path, gates: tuple[str, ...]) -> Decisions:
    """Every decision that is on disk, in the order of writing; also of a run that is being written or was killed."""
    return Decisions(*read_columns(folder, _shape(gates)))


def chosen_decisions(folder: Path, gates: tuple[str, ...], names: tuple[str, ...], choose: Callable[[np.ndarray], np.ndarray]) -> Iterator[Decisions]:
    """From the end, of each block the decisions that `choose` picks by the columns `names`; little else is read."""
    for block in newest_chosen(folder, _shape(gates), names, choose):
        yield Decisions(*block)


def nothing_decided(gates: tuple[str, ...]) -> Decisions:
    """No decisions."""
    return Decisions(*_shape(gates).nothing())


def read_verdicts(folder: Path, gates: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Every decision's row (N,) in the columns VERDICT_COLUMNS, and its verdicts (N, G): a tenth of the whole."""
    rows, verdict = read_columns(folder, _shape(gates).only(VERDICT_COLUMNS, ("verdict",)))
    return rows, verdict


def read_rows(folder: Path, gates: tuple[str, ...]) -> np.ndarray:
    """Every decision's row (N,) in the layout of DecisionRow, without its trace."""
    shape = _shape(gates)
    (rows,) = read_columns(folder, shape.only(shape.columns))
    return rows


def _shape(gates: tuple[str, ...]) -> Shape:
    return Shape("decision", DecisionRow, gates, _TRACE)
