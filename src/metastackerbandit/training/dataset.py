"""A data set: one frame of one or several symbols as features and what became of each bar, and the sample that a moment may see of it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from metastackerbandit.costs.rates import round_trip_bps
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.label import CLASSES, LabelSpec, label_spec
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.evaluation.events import cusum_events
from metastackerbandit.evaluation.labels import label_bars
from metastackerbandit.evaluation.uniqueness import average_uniqueness, effective_count, sample_weights
from metastackerbandit.evaluation.volatility import horizon_volatility
from metastackerbandit.features.batch import FeatureTable, features_over
from metastackerbandit.features.catalog import FEATURES, NAMES
from metastackerbandit.features.catalog import fingerprint as features_fingerprint
from metastackerbandit.market.frames import frame_bars
from metastackerbandit.training.cadence import cadence_of
from metastackerbandit.training.pooling import pooled_effect
from metastackerbandit.training.residual import moment_ends, residuals
from metastackerbandit.training.sample import Sample
from metastackerbandit.training.settings import TrainingSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Market(Struct, frozen=True, eq=False):
    """One symbol on one frame, a row a closed bar (N,): features, label (layout of LabelRow), horizon volatility, and whether it is an event.

    `expected` (F,) are the features that its inputs can make: what a market does not have, such as the taker's side, is not missed.
    """

    instrument: Instrument
    known_ns: Ints
    closed_ns: Ints
    table: FeatureTable
    labels: np.ndarray[Any, Any]
    volatility: Floats
    is_event: Bools
    expected: Bools


class DataSet(Struct, frozen=True, eq=False):
    """Markets of one frame that share a model. `digest` is a hash of their candles and settlements, `cost_bps` the round trip in the labels."""

    frame: str
    spec: LabelSpec
    cost_bps: float
    markets: tuple[Market, ...]
    digest: str

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the symbols."""
        return tuple(market.instrument.symbol for market in self.markets)

    @property
    def label_hash(self) -> str:
        """What the labels were made by."""
        return self.spec.digest(self.cost_bps)

    @property
    def feature_hash(self) -> str:
        """What the features were made by."""
        return features_fingerprint()

    @property
    def span_ns(self) -> tuple[int, int]:
        """From the first bar to the last, as they were known."""
        known = [market.known_ns for market in self.markets if len(market.known_ns)]
        if not known:
            raise TrainingRefused(f"there is no whole bar of {self.frame}", where=", ".join(self.symbols), mend="give a longer span")
        return min(int(times[0]) for times in known), max(int(times[-1]) for times in known)


class SampleFacts(Struct, frozen=True):
    """What a sample was made of: bars seen, bars left out by reason, rows, independent outcomes, shares of the classes and of ambiguous labels, and
    rows whose learners are taught a residual."""

    bars: int
    dropped: dict[str, int]
    rows: int
    n_eff: float
    design_effect: float
    shares: dict[str, float]
    ambiguous: float
    residuals: int


def dataset_of(recording: Recording, symbols: tuple[str, ...], frame: str, settings: TrainingSettings, costs: CostSettings) -> DataSet:
    """Bars, features, labels and events of the symbols on a frame; candles too coarse for the frame are refused."""
    length = frame_ns(frame)
    if length < recording.base_ns or length % recording.base_ns:
        base = frame_name(recording.base_ns)
        raise TrainingRefused(f"bars of {frame} cannot be made from candles of {base}", where="--frames", mend=f"ask for {base} or a multiple of it")
    spec = label_spec(frame)
    names = [instrument.symbol for instrument in recording.instruments]
    places = [names.index(symbol) for symbol in symbols]
    return DataSet(
        frame=spec.frame,
        spec=spec,
        cost_bps=round_trip_bps(costs),
        markets=tuple(market_of(recording, place, spec, settings, costs) for place in places),
        digest=_digest(recording, places),
    )


def market_of(recording: Recording, place: int, spec: LabelSpec, settings: TrainingSettings, costs: CostSettings) -> Market:
    """One symbol of a recording on the label's frame."""
    length, candles, funding = frame_ns(spec.frame), recording.bars[place], recording.funding[place]
    bars = frame_bars(candles, recording.base_ns, length)
    has_flow, seconds = recording.has_flow[place] if recording.has_flow else False, recording.seconds_at(place)
    volatility = horizon_volatility(bars, spec)
    return Market(
        instrument=recording.instruments[place],
        known_ns=bars["known_ns"].astype(np.int64),
        closed_ns=bars["closed_ns"].astype(np.int64),
        table=features_over(bars, length, funding, has_volume=recording.has_volume[place], has_flow=has_flow, seconds=seconds),
        labels=label_bars(bars, candles, recording.base_ns, funding, spec, costs),
        volatility=volatility,
        is_event=_events(bars, volatility, spec, settings),
        expected=_expected(has_volume=recording.has_volume[place], has_flow=has_flow, has_funding=funding is not None, has_book=seconds is not None),
    )


def sample_until(data: DataSet, until_ns: int, settings: TrainingSettings) -> tuple[Sample, SampleFacts]:
    """The rows whose labels were known by `until_ns`, weighed as of then; nothing later is looked at."""
    cadence = cadence_of(data.frame, settings)
    since_ns = until_ns - cadence.window_ns
    taken = [_usable(market, since_ns, until_ns, settings) for market in data.markets]
    dropped: dict[str, int] = {}
    for _, counts in taken:
        for reason, count in counts.items():
            dropped[reason] = dropped.get(reason, 0) + count
    places = _newest([chosen for chosen, _ in taken], data.markets, settings.most_rows, dropped)
    uniqueness = [_uniqueness(market, chosen, frame_ns(data.frame)) for market, chosen in zip(data.markets, places, strict=True)]
    effect = pooled_effect(
        [market.closed_ns[chosen] for market, chosen in zip(data.markets, places, strict=True)],
        [market.labels["gross"][chosen].astype(np.float64) for market, chosen in zip(data.markets, places, strict=True)],
    )
    sample = _joined(data, places, uniqueness, until_ns, cadence.half_life_ns)
    if len(data.markets) >= settings.residual_from:
        sample = _with_residuals(sample, settings.residual_from)
    count = len(sample)
    ambiguous = sum(int(market.labels["ambiguous"][chosen].sum()) for market, chosen in zip(data.markets, places, strict=True))
    facts = SampleFacts(
        bars=sum(int((market.known_ns <= until_ns).sum()) for market in data.markets),
        dropped=dropped,
        rows=count,
        n_eff=effective_count(np.concatenate(uniqueness), effect) if count else 0.0,
        design_effect=effect,
        shares={name: float(np.mean(sample.side == place)) if count else float("nan") for place, name in enumerate(CLASSES)},
        ambiguous=ambiguous / count if count else float("nan"),
        residuals=0 if sample.residual is None else int(np.count_nonzero(~np.isnan(sample.residual))),
    )
    return sample, facts


def _expected(*, has_volume: bool, has_flow: bool, has_funding: bool, has_book: bool) -> Bools:
    """Which features (F,) these inputs can make."""
    had = {"price": True, "volume": has_volume, "flow": has_flow, "funding": has_funding, "book": has_book}
    return np.array([had[spec.needs] for spec in FEATURES], np.bool_)


def _events(bars: np.ndarray[Any, Any], volatility: Floats, spec: LabelSpec, settings: TrainingSettings) -> Bools:
    if spec.frame not in settings.event_frames or settings.event_threshold == 0.0:
        return np.ones(len(bars), np.bool_)
    return cusum_events(bars["close"].astype(np.float64), settings.event_threshold * volatility / np.sqrt(spec.horizon))


def _usable(market: Market, since_ns: int, until_ns: int, settings: TrainingSettings) -> tuple[Ints, dict[str, int]]:
    """Places of the rows to train on, and how many others fell to each reason, the first that applies."""
    labels = market.labels
    left = (market.known_ns > since_ns) & (market.known_ns <= until_ns)
    matured = (labels["known"] == 1) & (labels["exit_ns"] <= until_ns)
    tests = (
        ("warming up", np.isfinite(market.volatility)),
        ("label not known yet", matured),
        ("barrier nearer than the costs allow", labels["tradable"] == 1),
        ("no event", market.is_event),
        ("features incomplete", completeness(market.table.valid, market.expected) >= settings.min_valid),
    )
    counts: dict[str, int] = {}
    for reason, kept in tests:
        counts[reason] = int((left & ~kept).sum())
        left = left & kept
    return np.flatnonzero(left), counts


def completeness(valid: Bools, expected: Bools) -> Floats:
    """Share of each row's expected features that is known: valid (N, F), expected (F,) -> (N,); 0 where nothing is expected."""
    return np.count_nonzero(valid & expected, axis=-1) / max(int(np.count_nonzero(expected)), 1)


def _newest(places: list[Ints], markets: tuple[Market, ...], most: int, dropped: dict[str, int]) -> list[Ints]:
    """The newest rows, at most so many in all."""
    total = sum(map(len, places))
    if total <= most:
        return places
    times = np.sort(np.concatenate([market.known_ns[chosen] for market, chosen in zip(markets, places, strict=True)]))
    cut_ns = times[total - most]
    kept = [chosen[market.known_ns[chosen] >= cut_ns] for market, chosen in zip(markets, places, strict=True)]
    dropped["older than the newest rows kept"] = total - sum(map(len, kept))
    return kept


def _uniqueness(market: Market, places: Ints, grid_ns: int) -> Floats:
    labels = market.labels[places]
    return average_uniqueness(labels["entry_ns"].astype(np.int64), labels["exit_ns"].astype(np.int64), grid_ns)


def _joined(data: DataSet, places: list[Ints], uniqueness: list[Floats], until_ns: int, half_life_ns: int) -> Sample:
    """Rows of all markets in order of time."""
    labels = np.concatenate([market.labels[chosen] for market, chosen in zip(data.markets, places, strict=True)])
    start_ns = labels["entry_ns"].astype(np.int64)
    symbol = np.concatenate([np.full(len(chosen), place, np.int64) for place, chosen in enumerate(places)])
    order = np.lexsort((symbol, start_ns))
    labels, start_ns = labels[order], start_ns[order]
    volatility = labels["volatility"].astype(np.float64)
    return Sample(
        rows=np.concatenate([market.table.values[chosen] for market, chosen in zip(data.markets, places, strict=True)])[order],
        side=labels["side"].astype(np.int8),
        weight=sample_weights(np.concatenate(uniqueness)[order], start_ns, until_ns, half_life_ns),
        long=labels["gross"] / volatility,
        short=labels["gross_short"] / volatility,
        net_long=labels["net_long"].astype(np.float64),
        net_short=labels["net_short"].astype(np.float64),
        volatility=volatility,
        start_ns=start_ns,
        end_ns=labels["exit_ns"].astype(np.int64),
        symbol=symbol[order],
        names=NAMES,
    )


def _with_residuals(sample: Sample, least: int) -> Sample:
    """The sample with what each outcome is beside the market's; its labels end when all that make their residual are known."""
    residual = residuals(0.5 * (sample.long - sample.short), sample.start_ns, least)
    ends = np.where(np.isnan(residual), sample.end_ns, moment_ends(sample.end_ns, sample.start_ns))
    return structs.replace(sample, residual=residual, end_ns=ends)


def _digest(recording: Recording, places: list[int]) -> str:
    seen = hashlib.sha256(str(recording.base_ns).encode())
    for place in places:
        funding = recording.funding[place]
        seen.update(msgspec.json.encode(recording.instruments[place]))
        seen.update(np.ascontiguousarray(recording.bars[place]).data)
        seen.update(b"none" if funding is None else np.ascontiguousarray(funding).data)
        has_flow = recording.has_flow[place] if recording.has_flow else False
        seen.update(repr((recording.has_volume[place], has_flow)).encode())
        seconds = recording.seconds_at(place)
        if seconds is not None:
            seen.update(np.ascontiguousarray(seconds).tobytes())
    return seen.hexdigest()[:16]
