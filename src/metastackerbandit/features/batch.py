"""Features over history: the step, repeated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import ConfigRefused, DataRefused
from metastackerbandit.domain.kernel import kernel, layout, row, rows, written
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.features.advance import advance_of, hear_of, state_of
from metastackerbandit.features.catalog import FAMILIES
from metastackerbandit.features.funding import settle
from metastackerbandit.features.higher import higher_ns
from metastackerbandit.features.seen import Setup
from metastackerbandit.features.spans import LONGEST_HOLE
from metastackerbandit.features.spec import Family


class FeatureTable(Struct, frozen=True, eq=False):
    """Rows of features at the closes of bars: `closed_ns`, `known_ns` (N,); `values` (N, F), NaN exactly where not `valid` (N, F)."""

    closed_ns: NDArray[np.int64]
    known_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    valid: NDArray[np.bool_]


def setup_of(frame_ns: int, *, has_volume: bool, has_flow: bool, has_funding: bool, has_book: bool = False) -> np.ndarray:
    """A Setup (1,) for bars of a frame."""
    return row(
        Setup(
            frame_ns=frame_ns,
            higher_ns=higher_ns(frame_ns),
            longest_hole_ns=LONGEST_HOLE * frame_ns,
            has_volume=has_volume,
            has_flow=has_flow,
            has_funding=has_funding,
            has_book=has_book,
        )
    )


def features_over(
    bars: np.ndarray,
    frame_ns: int,
    funding: np.ndarray | None,
    *,
    has_volume: bool,
    has_flow: bool,
    families: Sequence[str] = (),
    seconds: np.ndarray | None = None,
) -> FeatureTable:
    """Bars (N,) of a frame, funding (K,) in the layout of FundingRow (None: not known) -> FeatureTable.

    `seconds` (J,) are those of the instrument's book in the layout of SecondRow (None: there is no book). `families` names those whose columns are
    wanted (none: all), which come in the catalog's order; time falls with what is left out. A settlement counts for bars known after it, a second
    for bars known with it too. Refuses bars out of order, of another length, or without a price.
    """
    bars = np.ascontiguousarray(bars).astype(layout(Bar), copy=False)
    _refuse_broken(bars, frame_ns)
    setup = setup_of(frame_ns, has_volume=has_volume, has_flow=has_flow, has_funding=funding is not None, has_book=seconds is not None)
    state = state_of(setup)
    chosen = _chosen(families)
    count = sum(len(family.specs) for family in chosen)
    values = np.empty((len(bars), count))
    valid = np.empty((len(bars), count), np.bool_)
    settled = rows(FundingRow, 0) if funding is None else np.ascontiguousarray(funding).astype(layout(FundingRow), copy=False)
    if np.any(np.diff(settled["at_ns"]) < 0):
        raise DataRefused("funding settlements are out of order", where="funding", mend="sort them by time")
    heard = rows(SecondRow, 0) if seconds is None else _sound_seconds(seconds)
    sweep = _sweep_of(chosen)
    stopped = sweep(
        bars,
        settled,
        heard,
        setup,
        state.memory,
        state.blank,
        state.past,
        state.reals,
        state.integers,
        state.settlements,
        state.hearing,
        state.silent,
        state.cells,
        values,
        valid,
    )
    if stopped >= 0:
        raise too_many(int(settled["at_ns"][stopped]))
    return FeatureTable(bars["closed_ns"].copy(), bars["known_ns"].copy(), values, valid)


def _sound_seconds(seconds: np.ndarray) -> np.ndarray:
    """The seconds as kernels read them; they must be one instrument's, in the order in which they were known."""
    given = np.ascontiguousarray(seconds).astype(layout(SecondRow), copy=False)
    if np.any(np.diff(given["second"]) <= 0) or np.any(np.diff(given["known_ns"]) < 0):
        raise DataRefused("seconds of the book are out of order or repeated", where="seconds", mend="give one instrument's, sorted by time")
    return given


def too_many(at_ns: int) -> DataRefused:
    """More settlements in 72 hours than any venue makes."""
    return DataRefused(f"too many funding settlements before {at_ns}", where="funding", mend="give one row a settlement")


def _refuse_broken(bars: np.ndarray, frame_ns: int) -> None:
    """Bars must be in order, of the frame's length, with prices above zero."""
    wrong = _faults(bars, frame_ns)
    if wrong & 1:
        raise DataRefused("bars are out of order or repeated", where="bars", mend="sort them by time and drop repeats")
    if wrong & 2:
        raise DataRefused(f"bars do not last {frame_ns} ns each", where="bars", mend="resample them to the frame")
    if wrong & 4:
        raise DataRefused("bars have prices of zero or less", where="bars", mend="drop them at the source")


@kernel
def _faults(bars: Any, frame_ns: int) -> int:
    """What is wrong with any of the bars, as bits: 1 order, 2 length, 4 price."""
    wrong = 0
    before = bars[0].closed_ns - 1 if len(bars) > 0 else 0
    for place in range(len(bars)):
        closed = bars[place].closed_ns
        if closed <= before:
            wrong |= 1
        if closed - bars[place].opened_ns != frame_ns:
            wrong |= 2
        if bars[place].low <= 0:
            wrong |= 4
        before = closed
    return wrong


def columns_of(families: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the columns that `features_over` gives for these families."""
    return tuple(spec.name for family in _chosen(families) for spec in family.specs)


def _chosen(families: Sequence[str]) -> tuple[Family, ...]:
    """The families of these names in the catalog's order; all where none is named."""
    known = [family.name for family in FAMILIES]
    unknown = [name for name in families if name not in known]
    if unknown:
        raise ConfigRefused(f"there is no family of features {unknown[0]!r}", where="families", mend=f"name some of {', '.join(known)}")
    return tuple(family for family in FAMILIES if not families or family.name in families)


@cache
def _sweep_of(families: tuple[Family, ...]) -> Any:
    """The kernel that takes all bars through these families, each after the settlements and the seconds before it was known.

    It returns the place of a settlement that does not fit, else -1.
    """
    names = {"advance": advance_of(families), "hear": hear_of(families), "settle": settle}
    return kernel(written("sweep", _SWEEP, names, __name__))


_SWEEP = """def sweep(bars, settled, seconds, setup, memory, blank, past, reals, integers, settlements, hearing, silent, cells, values, valid):
    told = 0
    heard = 0
    for place in range(len(bars)):
        while told < len(settled) and settled[told].at_ns < bars[place].known_ns:
            if not settle(settlements, settled[told].at_ns, settled[told].rate):
                return told
            told += 1
        while heard < len(seconds) and seconds[heard].known_ns <= bars[place].known_ns:
            hear(seconds, heard, hearing, silent, cells)
            heard += 1
        advance(bars, place, setup, memory, blank, past, reals, integers, settlements, hearing, cells, values, valid, place)
    return -1
"""
