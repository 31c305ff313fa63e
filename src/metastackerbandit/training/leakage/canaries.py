"""Canaries: the pipeline with one part broken, each as people really write it; the checks must find every one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import layout
from metastackerbandit.evaluation.splits import Fold
from metastackerbandit.market.frames import frame_bars
from metastackerbandit.training.leakage.pipeline import Features, Floats, Learnt, Market, Pipeline
from metastackerbandit.training.sample import Sample

_HIGHER = 12  # bars of the frame in one of the longer bars that are merged
_FOLDS = 4  # of the K-fold that does not purge
_WEIGHTS = np.linspace(0.0, 1.0, 11)  # of the model against the base rate, among which the stack chooses


class Canary(Struct, frozen=True):
    """A leak that is planted: its name, the mistake in words, the checks of which one must find it, and how it is put in.

    `broken` takes the whole pipeline and the market it will be examined on.
    """

    name: str
    what: str
    expected: tuple[str, ...]
    broken: Callable[[Pipeline, Market], Pipeline]


def _one_bar_shift(pipeline: Pipeline, market: Market) -> Pipeline:
    def features(market: Market, bars: np.ndarray[Any, Any]) -> Features:
        table = pipeline.features(market, bars)
        values = table.values.copy()
        column = table.names.index(pipeline.signed)
        values[:-1, column] = values[1:, column]
        values[-1:, column] = np.nan
        return replace(table, values=values)

    return replace(pipeline, features=features)


def _future_scaler(pipeline: Pipeline, market: Market) -> Pipeline:
    def learn(sample: Sample, fold: Fold, seed: int) -> Learnt:
        known = np.isfinite(sample.rows)
        counts = np.maximum(known.sum(axis=0), 1)
        middle = np.where(known, sample.rows, 0.0).sum(axis=0) / counts
        spread = np.sqrt(np.where(known, (sample.rows - middle) ** 2, 0.0).sum(axis=0) / counts)
        spread = np.where(spread > 0.0, spread, 1.0)
        learnt = pipeline.learn(replace(sample, rows=(sample.rows - middle) / spread), fold, seed)
        return replace(learnt, files=middle.tobytes() + spread.tobytes() + learnt.files)

    return replace(pipeline, learn=learn)


def _higher_frame_merge(pipeline: Pipeline, market: Market) -> Pipeline:
    def features(market: Market, bars: np.ndarray[Any, Any]) -> Features:
        table = pipeline.features(market, bars)
        longer = frame_bars(market.candles, market.base_ns, _HIGHER * market.frame_ns)
        moves = np.log(longer["close"] / longer["open"])
        place = np.searchsorted(longer["opened_ns"], table.known_ns, side="left") - 1
        merged = np.where(place >= 0, moves[np.maximum(place, 0)] if len(moves) else np.nan, np.nan)
        return replace(table, values=np.column_stack((table.values, merged)), names=(*table.names, "higher_return"))

    return replace(pipeline, features=features)


def _label_overlap(pipeline: Pipeline, market: Market) -> Pipeline:
    def folds(sample: Sample) -> tuple[Fold, ...]:
        parts = np.array_split(np.arange(len(sample), dtype=np.int64), _FOLDS)
        return tuple(Fold(np.setdiff1d(np.arange(len(sample), dtype=np.int64), part), part) for part in parts)

    return replace(pipeline, folds=folds)


def _resample_edge(pipeline: Pipeline, market: Market) -> Pipeline:
    def bars(market: Market) -> np.ndarray[Any, Any]:
        made = pipeline.bars(market).copy()
        made["opened_ns"] -= market.frame_ns
        made["closed_ns"] -= market.frame_ns
        made["known_ns"] = made["closed_ns"]
        return made

    return replace(pipeline, bars=bars)


def _future_fill(pipeline: Pipeline, market: Market) -> Pipeline:
    def bars(market: Market) -> np.ndarray[Any, Any]:
        candles = market.candles
        opened = np.arange(int(candles["opened_ns"][0]), int(candles["opened_ns"][-1]) + 1, market.base_ns)
        whole = candles[np.searchsorted(candles["opened_ns"], opened)].astype(layout(Bar))
        whole["opened_ns"] = opened
        whole["closed_ns"] = whole["known_ns"] = opened + market.base_ns
        return pipeline.bars(replace(market, candles=whole))

    return replace(pipeline, bars=bars)


def _target_in_features(pipeline: Pipeline, market: Market) -> Pipeline:
    def sample(markets: Sequence[Market]) -> Sample:
        joined = pipeline.sample(markets)
        return replace(joined, rows=np.column_stack((joined.rows, joined.long)), names=(*joined.names, "return_to_exit"))

    return replace(pipeline, sample=sample)


def _in_sample_stack(pipeline: Pipeline, market: Market) -> Pipeline:
    def stacked(sample: Sample, fold: Fold, seed: int) -> Floats:
        return pipeline.learn(sample, Fold(fold.train, fold.train), seed).probabilities[None]

    def learn(sample: Sample, fold: Fold, seed: int) -> Learnt:
        outer, inside = pipeline.learn(sample, fold, seed), stacked(sample, fold, seed)[0]
        side = sample.side[fold.train]
        rate = np.bincount(side, minlength=3) / len(side)
        losses = [-np.log(_blended(inside, rate, weight)[np.arange(len(side)), side]).mean() for weight in _WEIGHTS[:-1]]
        weight = float(_WEIGHTS[int(np.argmin(losses))])
        files = outer.files + np.array([weight, *rate]).tobytes()
        return Learnt(files, _blended(outer.probabilities, rate, weight))

    return replace(pipeline, learn=learn, stacked=stacked)


def _blended(probabilities: Floats, rate: Floats, weight: float) -> Floats:
    return weight * probabilities + (1.0 - weight) * rate


CANARIES: tuple[Canary, ...] = (
    Canary("one_bar_shift", "a feature is shifted by one bar from the future", ("features",), _one_bar_shift),
    Canary("future_scaler", "the scaler is fitted on all rows before they are split", ("fitting",), _future_scaler),
    Canary("higher_frame_merge", "a longer bar is merged by the time it opened, before it has closed", ("features",), _higher_frame_merge),
    Canary("label_overlap", "K-fold without purge: training labels live into the tested span", ("folds",), _label_overlap),
    Canary("resample_edge", "bars are stamped with their left edge, and count as known there", ("bars",), _resample_edge),
    Canary("future_fill", "gaps of the candles are filled from behind", ("bars",), _future_fill),
    Canary("target_in_features", "a column of the label is joined to the features", ("target",), _target_in_features),
    Canary("in_sample_stack", "the stack is fitted on what its learners say of rows they were fitted on", ("stacking",), _in_sample_stack),
)
