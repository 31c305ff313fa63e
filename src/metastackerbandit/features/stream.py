"""Features as bars close: the step, once a bar, equal to the batch to the bit."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import ModelMismatch
from metastackerbandit.features.advance import COUNT, advance, hear, state_of
from metastackerbandit.features.batch import setup_of, too_many
from metastackerbandit.features.catalog import fingerprint
from metastackerbandit.features.funding import settle

_HEADER = struct.Struct("<16sq")  # fingerprint, bytes that follow


class FeatureStream:
    """Features of one instrument and frame, advanced by closed bars in order of time.

    Settlements may be told at any time before the first bar that is known after them, seconds of the book behind the last bar that was known
    before or with them. `settle`, `hear` and `advance` are compiled for the layouts that `on_bar` gives; `bars` must be contiguous rows in the
    layout of Bar, `seconds` in that of SecondRow.
    """

    def __init__(self, frame_ns: int, *, has_volume: bool, has_flow: bool, has_funding: bool, has_book: bool = False) -> None:
        self._state = state_of(setup_of(frame_ns, has_volume=has_volume, has_flow=has_flow, has_funding=has_funding, has_book=has_book))
        self._values = np.full((1, COUNT), np.nan)
        self._valid = np.zeros((1, COUNT), np.bool_)
        state = self._state
        self._arguments = (
            state.setup,
            state.memory,
            state.blank,
            state.past,
            state.reals,
            state.integers,
            state.settlements,
            state.hearing,
            state.cells,
            self._values,
            self._valid,
        )

    def on_funding(self, at_ns: int, rate: int) -> None:
        """A settlement at `at_ns` of `rate` (1e-8); counts for bars known after it."""
        if not settle(self._state.settlements, at_ns, rate):
            raise too_many(at_ns)

    def on_second(self, seconds: np.ndarray, place: int) -> None:
        """Take the closed second seconds[place] of the instrument's book; counts for bars known after it."""
        hear(seconds, place, self._state.hearing, self._state.silent, self._state.cells)

    def on_bar(self, bars: np.ndarray, place: int) -> None:
        """Take the closed bar bars[place]."""
        advance(bars, place, *self._arguments, 0)

    @property
    def values(self) -> NDArray[np.float64]:
        """Features (F,) at the last bar, NaN where not valid; yours to keep."""
        return self._values[0].copy()

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which features (F,) of the last bar are valid; yours to keep."""
        return self._valid[0].copy()

    @property
    def bars(self) -> int:
        """Bars taken since the start, or since the last hole that was too long."""
        return int(self._state.memory["seen"]["bars"][0])

    def state(self) -> bytes:
        """All that is remembered, the last row included."""
        parts = b"".join(array.tobytes() for array in self._kept())
        return _HEADER.pack(fingerprint().encode(), len(parts)) + parts

    def restore(self, state: bytes) -> None:
        """Go on from what `state()` gave, in this process or another; refuses what other features or another setup left."""
        kept = self._kept()
        due = sum(array.nbytes for array in kept)
        if len(state) != _HEADER.size + due or _HEADER.unpack_from(state) != (fingerprint().encode(), due):
            raise ModelMismatch("the state is of other features than these", where="features", mend="replay the bars into a new stream")
        setup: Any = self._state.setup
        if state[_HEADER.size : _HEADER.size + setup.nbytes] != setup.tobytes():
            raise ModelMismatch("the state is of another frame, or of other inputs", where="features", mend="restore it into a stream made alike")
        start = _HEADER.size
        for array in kept:
            array.view(np.uint8).reshape(-1)[:] = np.frombuffer(state, np.uint8, array.nbytes, start)
            start += array.nbytes

    def _kept(self) -> tuple[np.ndarray, ...]:
        """The arrays that make up the state, the setup first."""
        state = self._state
        return (
            state.setup,
            state.memory,
            state.past,
            state.reals,
            state.integers,
            state.settlements,
            state.hearing,
            state.cells,
            self._values,
            self._valid,
        )
