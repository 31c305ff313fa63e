"""Versions of a series at work: one prediction a closed bar of the frame, by the newest version trained before it, or the reason for silence.

The batch and the single row go through the same stack, whose rows do not depend on each other, so they agree to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.card import ModelCard
from metastackerbandit.domain.errors import ModelMismatch
from metastackerbandit.domain.kernel import rows as empty_rows
from metastackerbandit.domain.kernel import struct_of
from metastackerbandit.domain.label import DOWN, FLAT, UP, label_spec
from metastackerbandit.domain.prediction import (
    AWAKE,
    FAILED,
    INCOMPLETE,
    NO_VERSION,
    ONE_SIDED,
    REFUSED,
    UNTRADED,
    WARMING_UP,
    Prediction,
)
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import frame_ns
from metastackerbandit.evaluation.volatility import horizon_volatility
from metastackerbandit.features.batch import FeatureTable, features_over
from metastackerbandit.features.catalog import fingerprint
from metastackerbandit.market.frames import frame_bars
from metastackerbandit.training.dataset import completeness
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.stack import Stack
from metastackerbandit.training.version import is_one_sided

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_BPS = 1e4
_CHUNK = 20_000  # rows answered at a time, so that mirrored copies stay small
_NUMBERS = (
    "p_down",
    "p_flat",
    "p_up",
    "long_bps",
    "short_bps",
    "error_bps",
    "barrier_bps",
    "credibility",
    "size_scale",
    "p_value_down",
    "p_value_flat",
    "p_value_up",
    "worth",
)


class Version(Struct, frozen=True, eq=False):
    """A version as it is served: its card, its stack, and its place in the run's list of versions."""

    card: ModelCard
    stack: Stack
    place: int


class Served:
    """Versions of one series for one symbol and frame; cards are trusted to fit (storage/fitness.py asks that first).

    A bar is answered by the newest awake version that was trained before it; where all of those are asleep, the newest says why.
    """

    def __init__(
        self, frame: str, versions: Sequence[Version], settings: TrainingSettings, *, latency_ns: int = 0, is_frame_waived: bool = False
    ) -> None:
        """`versions` in any order; one that speaks of another frame is refused, unless a waiver of that check is in force."""
        for version in versions:
            if version.card.frame != frame and not is_frame_waived:
                raise ModelMismatch(
                    f"{version.card.model_id} was trained on {version.card.frame} bars, asked to serve {frame}",
                    where="serving",
                    mend=f"promote a {frame} model",
                )
        self._versions = sorted(versions, key=lambda version: version.card.trained_until_ns)
        self._since = np.array([version.card.trained_until_ns for version in self._versions], np.int64)
        self._silence = [_silence_of(version.card, settings) for version in self._versions]
        self._answering = _answering(self._silence)
        self._expected = [version.stack.expects() for version in self._versions]
        self._least = settings.min_valid
        self._frame_ns = frame_ns(frame)
        self._latency_ns = latency_ns

    def answer(self, values: Floats, valid: Bools, volatility: float, known_ns: int, closed_ns: int, instrument: int) -> Prediction:
        """The prediction for one bar from its features (F,), their validity (F,) and the volatility over the horizon."""
        table = FeatureTable(np.array([closed_ns]), np.array([known_ns]), np.asarray(values)[None], np.asarray(valid)[None])
        found: Prediction = struct_of(Prediction, self.answers(table, np.array([volatility]), instrument)[0])
        return found

    def answers(self, table: FeatureTable, volatility: Floats, instrument: int) -> np.ndarray[Any, Any]:
        """Predictions (N,) in the layout of Prediction for the bars of a table (N rows) and their volatilities (N,)."""
        out = empty_rows(Prediction, len(table.closed_ns))
        out["instrument"], out["frame_ns"] = instrument, self._frame_ns
        out["closed_ns"], out["at_ns"] = table.closed_ns, table.known_ns + self._latency_ns
        for name in _NUMBERS:
            out[name] = math.nan
        newest = self._answering[np.searchsorted(self._since, table.known_ns, side="right")]
        out["version"] = -1
        out["silence"] = self._silences(newest, table.valid, volatility)
        for place in range(len(self._versions)):
            mine = newest == place
            out["version"][mine] = self._versions[place].place
            self._speak(place, np.flatnonzero(mine & (out["silence"] == AWAKE)), table, volatility, out)
        return out

    def _silences(self, newest: Ints, valid: Bools, volatility: Floats) -> Ints:
        found = np.full(len(newest), NO_VERSION, np.int64)
        for place, silence in enumerate(self._silence):
            found[newest == place] = silence
        found[(found == AWAKE) & np.isnan(volatility)] = WARMING_UP
        for place, expected in enumerate(self._expected):
            mine = np.flatnonzero((newest == place) & (found == AWAKE))
            found[mine[completeness(valid[mine], expected) < self._least]] = INCOMPLETE
        return found

    def _speak(self, place: int, rows: Ints, table: FeatureTable, volatility: Floats, out: np.ndarray[Any, Any]) -> None:
        """Fill the rows that one version answers."""
        version = self._versions[place]
        for begin in range(0, len(rows), _CHUNK):
            part = rows[begin : begin + _CHUNK]
            said = version.stack.predict(table.values[part])
            scale = volatility[part] * _BPS
            numbers = {
                "p_down": said.p[:, DOWN],
                "p_flat": said.p[:, FLAT],
                "p_up": said.p[:, UP],
                "long_bps": said.long * scale,
                "short_bps": said.short * scale,
                "error_bps": said.error * scale,
                "barrier_bps": version.card.width * scale,
                "credibility": said.credibility,
                "size_scale": np.full(len(part), version.card.size),
                "p_value_down": said.p_values[:, DOWN],
                "p_value_flat": said.p_values[:, FLAT],
                "p_value_up": said.p_values[:, UP],
            }
            sound = np.logical_and.reduce([np.isfinite(column) for column in numbers.values()])
            for name, column in numbers.items():
                out[name][part] = np.where(sound, column, math.nan)
            out["silence"][part] = np.where(sound, AWAKE, FAILED)
            out["worth"][part] = np.where(sound, said.worth, math.nan)  # no side has no worth: that is no failure
            out["horizon"][part] = np.where(sound, version.card.horizon, 0)
            out["conformal_set"][part] = np.where(sound, said.conformal_set, 0)


def predictions_over(
    recording: Recording,
    place: int,
    frame: str,
    versions: Sequence[Version],
    settings: TrainingSettings,
    *,
    latency_ns: int = 0,
    is_frame_waived: bool = False,
) -> np.ndarray[Any, Any]:
    """Predictions (N,) in the layout of Prediction for every closed bar of a frame, for the symbol at `place` of a recording."""
    length, funding = frame_ns(frame), recording.funding[place]
    bars = frame_bars(recording.bars[place], recording.base_ns, length)
    has_flow = recording.has_flow[place] if recording.has_flow else False
    seconds = recording.seconds_at(place)
    table = features_over(bars, length, funding, has_volume=recording.has_volume[place], has_flow=has_flow, seconds=seconds)
    served = Served(frame, versions, settings, latency_ns=latency_ns, is_frame_waived=is_frame_waived)
    return served.answers(table, horizon_volatility(bars, label_spec(frame)), place)


def _answering(silence: list[int]) -> Ints:
    """Which version answers once so many are trained (V + 1,), -1 for none: the newest awake one, or the newest."""
    found, awake = [-1], -1
    for place, reason in enumerate(silence):
        awake = place if reason == AWAKE else awake
        found.append(awake if awake >= 0 else place)
    return np.array(found, np.int64)


def _silence_of(card: ModelCard, settings: TrainingSettings) -> int:
    """What the card alone makes of every bar."""
    if card.feature_hash != fingerprint():
        return REFUSED
    if card.size == 0.0:
        return UNTRADED
    if not card.asleep:
        return AWAKE
    return ONE_SIDED if is_one_sided(card.share_up, settings) else REFUSED
