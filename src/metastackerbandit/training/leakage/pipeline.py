"""A pipeline as the leakage checks see it: its stages as callables, from candles to probabilities, judged by what they do and never by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.evaluation.splits import Fold
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Market(Struct, frozen=True, eq=False):
    """What a pipeline reads of one symbol.

    `candles` (M,) in the layout of Bar, of `base_ns`, in time order; `funding` (K,) in the layout of FundingRow, None where there is
    no series; bars are wanted of `frame_ns`. `has_volume` and `has_flow` say what of the candles' volumes is known.
    """

    instrument: Instrument
    candles: np.ndarray[Any, Any]
    base_ns: int
    frame_ns: int
    funding: np.ndarray[Any, Any] | None
    has_volume: bool
    has_flow: bool

    @property
    def symbol(self) -> str:
        """The instrument's name."""
        return self.instrument.symbol


class Features(Struct, frozen=True, eq=False):
    """Rows of features: `values` (N, F), NaN where invalid, of the bars that closed at `closed_ns` (N,), known at `known_ns` (N,)."""

    closed_ns: Ints
    known_ns: Ints
    values: Floats
    names: tuple[str, ...]


class Learnt(Struct, frozen=True, eq=False):
    """What came of fitting on a fold's training rows.

    `files` is everything that was learnt, as bytes; `probabilities` (m, 3) are of the fold's test rows.
    """

    files: bytes
    probabilities: Floats


class Pipeline(Struct, frozen=True, eq=False):
    """The stages of a pipeline.

    `bars` makes the frame's bars (N,) in the layout of Bar, `features` their rows, `labels` what became of them (N,) in the layout of
    LabelRow, `sample` the rows that are fitted on, of all markets; `folds` splits a sample and `inner` splits the training rows of a fold
    for the stack, both with an embargo of `embargo_ns` behind the tested rows; `learn` fits on a fold with a seed, and `stacked` gives what
    its stack is fitted on: base learners' probabilities (L, n, 3) of the fold's training rows. Without a stack these two are None.
    `serve` computes the features one bar at a time, as a live run does; `version` fits on what was known by a moment, as a refit does,
    and gives all that was learnt as bytes. `predict` says what versions fitted at such moments answer to all bars (N,), in the layout of
    Prediction. Where a pipeline has none of these, they are None. `signed` names a feature that turns its sign with the market.
    """

    bars: Callable[[Market], np.ndarray[Any, Any]]
    features: Callable[[Market, np.ndarray[Any, Any]], Features]
    labels: Callable[[Market, np.ndarray[Any, Any]], np.ndarray[Any, Any]]
    sample: Callable[[Sequence[Market]], Sample]
    folds: Callable[[Sample], tuple[Fold, ...]]
    learn: Callable[[Sample, Fold, int], Learnt]
    embargo_ns: int
    signed: str
    serve: Callable[[Market, np.ndarray[Any, Any]], Features] | None = None
    inner: Callable[[Sample], tuple[Fold, ...]] | None = None
    stacked: Callable[[Sample, Fold, int], Floats] | None = None
    version: Callable[[Sequence[Market], int, int], bytes] | None = None
    predict: Callable[[Market, Sequence[int], int], np.ndarray[Any, Any]] | None = None
