"""Features over history: the step, repeated."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import kernel, layout, row, rows
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.features.advance import COUNT, advance, state_of
from metastackerbandit.features.funding import settle
from metastackerbandit.features.higher import higher_ns
from metastackerbandit.features.seen import Setup
from metastackerbandit.features.spans import LONGEST_HOLE


class FeatureTable(Struct, frozen=True, eq=False):
    """Rows of features at the closes of bars: `closed_ns`, `known_ns` (N,); `values` (N, F), NaN exactly where not `valid` (N, F)."""

    closed_ns: NDArray[np.int64]
    known_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    valid: NDArray[np.bool_]


def setup_of(frame_ns: int, *, has_volume: bool, has_flow: bool, has_funding: bool) -> np.ndarray:
    """A Setup (1,) for bars of a frame."""
    return row(
        Setup(
            frame_ns=frame_ns,
            higher_ns=higher_ns(frame_ns),
            longest_hole_ns=LONGEST_HOLE * frame_ns,
            has_volume=has_volume,
            has_flow=has_flow,
            has_funding=has_funding,
        )
    )


def features_over(bars: np.ndarray, frame_ns: int, funding: np.ndarray | None, *, has_volume: bool, has_flow: bool) -> FeatureTable:
    """Bars (N,) of a frame, funding (K,) in the layout of FundingRow (None: not known) -> FeatureTable.

    A settlement counts for bars known after it. Refuses bars out of order, of another length, or without a price.
    """
    bars = np.ascontiguousarray(bars).astype(layout(Bar), copy=False)
    _refuse_broken(bars, frame_ns)
    setup = setup_of(frame_ns, has_volume=has_volume, has_flow=has_flow, has_funding=funding is not None)
    state = state_of(setup)
    values = np.empty((len(bars), COUNT))
    valid = np.empty((len(bars), COUNT), np.bool_)
    settled = rows(FundingRow, 0) if funding is None else np.ascontiguousarray(funding).astype(layout(FundingRow), copy=False)
    if np.any(np.diff(settled["at_ns"]) < 0):
        raise DataRefused("funding settlements are out of order", where="funding", mend="sort them by time")
    stopped = _sweep(bars, settled, setup, state.memory, state.blank, state.past, state.reals, state.integers, state.settlements, values, valid)
    if stopped >= 0:
        raise too_many(int(settled["at_ns"][stopped]))
    return FeatureTable(bars["closed_ns"].copy(), bars["known_ns"].copy(), values, valid)


def too_many(at_ns: int) -> DataRefused:
    """More settlements in 72 hours than any venue makes."""
    return DataRefused(f"too many funding settlements before {at_ns}", where="funding", mend="give one row a settlement")


def _refuse_broken(bars: np.ndarray, frame_ns: int) -> None:
    """Bars must be in order, of the frame's length, with prices above zero."""
    if np.any(np.diff(bars["closed_ns"]) <= 0):
        raise DataRefused("bars are out of order or repeated", where="bars", mend="sort them by time and drop repeats")
    if np.any(bars["closed_ns"] - bars["opened_ns"] != frame_ns):
        raise DataRefused(f"bars do not last {frame_ns} ns each", where="bars", mend="resample them to the frame")
    if np.any(bars["low"] <= 0):
        raise DataRefused("bars have prices of zero or less", where="bars", mend="drop them at the source")


@kernel
def _sweep(
    bars: Any,
    settled: Any,
    setup: Any,
    memory: Any,
    blank: Any,
    past: Any,
    reals: Any,
    integers: Any,
    settlements: Any,
    values: Any,
    valid: Any,
) -> int:
    """Take all bars, each after the settlements before it was known; the place of a settlement that does not fit, else -1."""
    told = 0
    for place in range(len(bars)):
        while told < len(settled) and settled[told].at_ns < bars[place].known_ns:
            if not settle(settlements, settled[told].at_ns, settled[told].rate):
                return told
            told += 1
        advance(bars, place, setup, memory, blank, past, reals, integers, settlements, values, valid, place)
    return -1
