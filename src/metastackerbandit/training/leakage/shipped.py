"""The shipped pipeline as the leakage checks see it: every stage is the one that training and serving call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.evaluation.labels import label_bars
from metastackerbandit.evaluation.splits import Fold, purged_folds, walk_forward
from metastackerbandit.evaluation.uniqueness import average_uniqueness
from metastackerbandit.features.batch import FeatureTable, features_over
from metastackerbandit.features.catalog import NAMES
from metastackerbandit.features.stream import FeatureStream
from metastackerbandit.market.frames import frame_bars
from metastackerbandit.training.dataset import DataSet, dataset_of, sample_until
from metastackerbandit.training.fit import FittedStack, fit_stack, out_of_fold
from metastackerbandit.training.fitting.settings import BoosterSettings, FittingSettings
from metastackerbandit.training.leakage.pipeline import Features, Floats, Learnt, Market, Pipeline
from metastackerbandit.training.sample import Sample
from metastackerbandit.training.serving import Version as Serving
from metastackerbandit.training.serving import predictions_over
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.version import Recipe, Version, train_version

FAMILIES = ("logistic", "lightgbm")  # one learner of each kind: a scaled linear one, and trees
_SIGNED = "log_return_1"
_FOLDS = 3  # of the walk-forward
_LEAST_ROWS, _LEAST_OUTCOMES = 150, 100  # rows and independent outcomes: enough to fold, and to learn an oracle among all features
_FIRST_SHARE = 0.5  # of the rows, before the first of them
# Trees that split on the few outcomes of a short span; as shipped they would be stumps without a split, and nothing could leak through them.
_SMALL_TREES = BoosterSettings(most_rounds=40, outcomes_a_round=1.0, least_leaf=3.0, small_leaves=6)


def shipped_pipeline(frame: str, costs: CostSettings | None = None, settings: TrainingSettings | None = None) -> Pipeline:
    """Bars, features, labels, samples, folds and stacks of a frame as they are trained and served."""
    charged = CostSettings() if costs is None else costs
    shipped = TrainingSettings() if settings is None else settings
    trained = replace(shipped, fitting=_quick(shipped.fitting))
    spec, length = label_spec(frame), frame_ns(frame)
    embargo_ns = spec.horizon * length

    def labels(market: Market, bars: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return label_bars(bars, market.candles, market.base_ns, market.funding, spec, charged)

    def data_of(markets: Sequence[Market]) -> DataSet:
        recording = _recording(markets)
        return dataset_of(recording, tuple(market.symbol for market in markets), frame, trained, charged)

    def sample(markets: Sequence[Market]) -> Sample:
        data = data_of(markets)
        return sample_until(data, data.span_ns[1], trained)[0]

    def inner(training: Sample) -> tuple[Fold, ...]:
        return purged_folds(training.start_ns, training.end_ns, trained.folds, embargo_ns)

    def fitted(training: Sample, n_eff: float, seed: int) -> FittedStack:
        return fit_stack(training, FAMILIES, n_eff, embargo_ns, trained, seed)

    def learn(rows: Sample, fold: Fold, seed: int) -> Learnt:
        training = rows.taken(fold.train)
        stack = fitted(training, _outcomes(training, length), seed).stack
        return Learnt(_joined(stack.pack()), stack.predict(rows.rows[fold.test]).p)

    def stacked(rows: Sample, fold: Fold, seed: int) -> Floats:
        training = rows.taken(fold.train)
        return out_of_fold(training, FAMILIES, _outcomes(training, length), embargo_ns, trained, seed)[0]

    def version(markets: Sequence[Market], until_ns: int, seed: int) -> bytes:
        return _joined(_version(data_of(markets), until_ns, shipped, seed).files)

    def predict(market: Market, moments: Sequence[int], seed: int) -> np.ndarray[Any, Any]:
        data = data_of((market,))
        versions = [_awake(_version(data, until_ns, shipped, seed), place) for place, until_ns in enumerate(moments)]
        return predictions_over(_recording((market,)), 0, frame, versions, shipped)

    return Pipeline(
        bars=_bars,
        features=_features,
        labels=labels,
        sample=sample,
        folds=_walked,
        learn=learn,
        embargo_ns=embargo_ns,
        signed=_SIGNED,
        serve=_served,
        inner=inner,
        stacked=stacked,
        version=version,
        predict=predict,
    )


def refuse_short(pipeline: Pipeline, markets: Sequence[Market]) -> None:
    """Refuse markets with too few rows to fit anything on."""
    sample = pipeline.sample(markets)
    outcomes = _outcomes(sample, markets[0].frame_ns)
    if len(sample) < _LEAST_ROWS or outcomes < _LEAST_OUTCOMES:
        had = f"{len(sample)} bars have features, a label and an event, worth {outcomes:.0f} independent outcomes"
        what = f"{had}; {_LEAST_ROWS} and {_LEAST_OUTCOMES} are needed"
        raise TrainingRefused(what, where=", ".join(market.symbol for market in markets), mend="look at more bars (--bars), or a longer span")


def _quick(fitting: FittingSettings) -> FittingSettings:
    """Settings for the fits that are repeated most: a choice among the two weakest penalties, under which a short span still teaches, and trees that
    split."""
    penalties, ridges = sorted(fitting.logistic.inverse_penalties)[-2:], sorted(fitting.heads.ridges, reverse=True)[-2:]
    return replace(
        fitting,
        logistic=replace(fitting.logistic, inverse_penalties=tuple(penalties)),
        heads=replace(fitting.heads, ridges=tuple(ridges)),
        lightgbm=_SMALL_TREES,
    )


def market_of(recording: Recording, place: int, length_ns: int, bars: int) -> Market:
    """The newest `bars` bars of one symbol of a recording, as the pipeline reads it."""
    base_ns = recording.base_ns
    if length_ns < base_ns or length_ns % base_ns:
        what = f"bars of {frame_name(length_ns)} cannot be made from candles of {frame_name(base_ns)}"
        raise TrainingRefused(what, where="--frame", mend=f"ask for {frame_name(base_ns)} or a multiple of it")
    candles, funding = recording.bars[place][-bars * (length_ns // base_ns) :], recording.funding[place]
    if funding is not None:
        funding = funding[funding["at_ns"] >= candles["opened_ns"][0]]
    has_flow = recording.has_flow[place] if recording.has_flow else False
    return Market(recording.instruments[place], candles, base_ns, length_ns, funding, recording.has_volume[place], has_flow)


def _version(data: DataSet, until_ns: int, settings: TrainingSettings, seed: int) -> Version:
    """A version as a training run makes it, but for its place in a series."""
    recipe = Recipe(settings=replace(settings, seed=seed), code="", libraries={}, trials=1, created_ns=0)
    return train_version(data, recipe, "leakage", 0, until_ns, None, control_since_ns=None)


def _awake(version: Version, place: int) -> Serving:
    """The version as it is served, made to answer also where it has seen too few outcomes to trade: silence leaks nothing."""
    return Serving(card=replace(version.card, size=1.0, asleep=""), stack=version.stack, place=place)


def _recording(markets: Sequence[Market]) -> Recording:
    return Recording(
        instruments=tuple(market.instrument for market in markets),
        base_ns=markets[0].base_ns,
        bars=tuple(market.candles for market in markets),
        funding=tuple(market.funding for market in markets),
        has_volume=tuple(market.has_volume for market in markets),
        has_flow=tuple(market.has_flow for market in markets),
        source="leakage",
        digest="",
    )


def _bars(market: Market) -> np.ndarray[Any, Any]:
    return frame_bars(market.candles, market.base_ns, market.frame_ns)


def _features(market: Market, bars: np.ndarray[Any, Any]) -> Features:
    table: FeatureTable = features_over(bars, market.frame_ns, market.funding, has_volume=market.has_volume, has_flow=market.has_flow)
    return Features(table.closed_ns, table.known_ns, np.where(table.valid, table.values, np.nan), NAMES)


def _served(market: Market, bars: np.ndarray[Any, Any]) -> Features:
    """Features by the stream, told of each settlement when it has happened, and of each bar when it is known."""
    stream = FeatureStream(market.frame_ns, has_volume=market.has_volume, has_flow=market.has_flow, has_funding=market.funding is not None)
    values, told = np.empty((len(bars), len(NAMES))), 0
    settled = [] if market.funding is None else list(zip(market.funding["at_ns"].tolist(), market.funding["rate"].tolist(), strict=True))
    for place, known_ns in enumerate(bars["known_ns"].tolist()):
        while told < len(settled) and settled[told][0] < known_ns:
            stream.on_funding(*settled[told])
            told += 1
        stream.on_bar(bars, place)
        values[place] = np.where(stream.valid, stream.values, np.nan)
    return Features(bars["closed_ns"].astype(np.int64), bars["known_ns"].astype(np.int64), values, NAMES)


def _walked(sample: Sample) -> tuple[Fold, ...]:
    places = [int(len(sample) * (_FIRST_SHARE + (1.0 - _FIRST_SHARE) * fold / _FOLDS)) for fold in range(_FOLDS)]
    return walk_forward(sample.start_ns, sample.end_ns, [*sample.start_ns[places].tolist(), int(sample.start_ns[-1]) + 1])


def _outcomes(sample: Sample, length_ns: int) -> float:
    """Independent outcomes among the rows, each symbol's counted alone."""
    counts = []
    for place in np.unique(sample.symbol).tolist():
        own = sample.symbol == place
        counts.append(average_uniqueness(sample.start_ns[own], sample.end_ns[own], length_ns).sum())
    return float(sum(counts))


def _joined(files: dict[str, bytes]) -> bytes:
    """Files as one run of bytes, in the order of their names."""
    return b"".join(name.encode() + b"\0" + files[name] for name in sorted(files))
