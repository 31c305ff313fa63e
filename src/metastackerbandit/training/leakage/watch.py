"""What is watched of a stage: its numbers as bits, with the moment from which each row counts as known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.training.leakage.pipeline import Features, Ints, Market, Pipeline

Bits = NDArray[np.uint64]

_AT_DECISION = ("volatility", "barrier")  # of a label: distances that a decision would already use


class Watched(Struct, frozen=True, eq=False):
    """Rows by `keys` (n,) in rising order, known at `known_ns` (n,), with `bits` (n, C) of the `columns`."""

    keys: Ints
    known_ns: Ints
    bits: Bits
    columns: tuple[str, ...]

    def until(self, cut_ns: int) -> Watched:
        """The rows known by then."""
        kept = self.known_ns <= cut_ns
        return Watched(self.keys[kept], self.known_ns[kept], self.bits[kept], self.columns)


class Watch(Struct, frozen=True):
    """One thing that is watched: the check it belongs to, what many and one of it are called, how it is computed, and its mend.

    `is_whole` says that rows may not come or go; else only rows that both markets have are compared. `may_end` says that it can be
    computed of a market that ends at the cut.
    """

    check: str
    many: str
    words: str
    of: Callable[[Pipeline, Market], Watched]
    mend: str
    is_whole: bool = True
    may_end: bool = True


def bits_of(values: np.ndarray[Any, Any]) -> Bits:
    """float64 (n, C) as bits, with one NaN for all."""
    return np.ascontiguousarray(np.where(np.isnan(values), np.nan, values)).view(np.uint64)


def of_structs(rows: np.ndarray[Any, Any], columns: tuple[str, ...]) -> Bits:
    """The named fields of rows (n,) as bits (n, C); every field of a layout has eight bytes."""
    fields = [rows[name].astype(np.float64) if rows[name].dtype.kind == "f" else rows[name].astype(np.int64) for name in columns]
    return np.column_stack([bits_of(field) if field.dtype.kind == "f" else field.view(np.uint64) for field in fields])


def of_features(features: Features) -> Watched:
    """Features as they are watched."""
    return Watched(features.closed_ns, features.known_ns, bits_of(features.values), features.names)


def _bars(pipeline: Pipeline, market: Market) -> Watched:
    bars = pipeline.bars(market)
    columns = tuple(bars.dtype.names or ())
    return Watched(bars["closed_ns"].astype(np.int64), bars["known_ns"].astype(np.int64), of_structs(bars, columns), columns)


def _features(pipeline: Pipeline, market: Market) -> Watched:
    return of_features(pipeline.features(market, pipeline.bars(market)))


def _labels(pipeline: Pipeline, market: Market) -> Watched:
    labels = pipeline.labels(market, pipeline.bars(market))
    labels = labels[labels["known"] == 1]
    columns = tuple(labels.dtype.names or ())
    return Watched(labels["closed_ns"].astype(np.int64), labels["exit_ns"].astype(np.int64), of_structs(labels, columns), columns)


def _distances(pipeline: Pipeline, market: Market) -> Watched:
    bars = pipeline.bars(market)
    labels = pipeline.labels(market, bars)
    kept = labels["known"] == 1
    return Watched(
        labels["closed_ns"][kept].astype(np.int64),
        bars["known_ns"][kept].astype(np.int64),
        of_structs(labels[kept], _AT_DECISION),
        _AT_DECISION,
    )


def _inputs(pipeline: Pipeline, market: Market) -> Watched:
    sample = pipeline.sample((market,))
    return Watched(sample.start_ns, sample.start_ns, bits_of(sample.rows), sample.names)


def _rows(pipeline: Pipeline, market: Market) -> Watched:
    sample = pipeline.sample((market,))
    return Watched(sample.start_ns, sample.end_ns, bits_of(sample.rows), sample.names)


BARS = Watch(
    "bars",
    "bars",
    "column {column} of the bar",
    _bars,
    "close a bar at its right edge, let it be known no earlier, and fill no gap from behind it",
)
FEATURES = Watch(
    "features",
    "features",
    "feature {column}",
    _features,
    "compute it from what was known by then: no shift into the future, longer bars merged when they are known, nothing filled backwards",
)
LABELS = Watch(
    "labels",
    "labels that had ended",
    "column {column} of the label",
    _labels,
    "let a label end, and be known, no earlier than the last candle that decides it",
)
DISTANCES = Watch(
    "labels",
    "distances of labels that had begun",
    "the label's {column}",
    _distances,
    "take a label's distances from bars known when it begins",
    is_whole=False,
)
INPUTS = Watch(
    "inputs",
    "model inputs of labels that had begun",
    "model input {column}",
    _inputs,
    "join features to labels by time alone, and keep columns of the label out of the rows",
    is_whole=False,
    may_end=False,
)
ROWS = Watch(
    "inputs",
    "rows of labels that had ended",
    "model input {column} of the label known",
    _rows,
    "choose the rows that are fitted on by what was known when their labels began",
    may_end=False,
)
