"""The predictor beside the engine: the same market inputs in, predictions out, one bar and one row at a time.

It hears every input before the engine does. A bar that closes with a candle is answered after the engine has taken that candle; a bar with
holes, which closes only when the next candle opens, is answered before that open, as the order of events asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.inputs import BarClosed, BarOpened, FundingSettled, Input, SecondSeen
from metastackerbandit.domain.kernel import layout, rows
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.evaluation.volatility import VolatilityStream
from metastackerbandit.features.stream import FeatureStream
from metastackerbandit.market.resample import Forming, absorb, overdue


class Model(Protocol):
    """What answers for one symbol and frame."""

    def answer(self, values: Any, valid: Any, volatility: float, known_ns: int, closed_ns: int, instrument: int) -> Prediction:
        """The prediction for a bar, from its feature row (F,), validity (F,) and horizon volatility; silent with a reason where there is none."""


class Desk(Struct, eq=False):
    """One symbol on one frame: its forming bar, its features so far, and the model that answers.

    It follows the candles of the book `instrument`, the symbol's first, and answers every book in `hearers`.
    """

    instrument: int
    hearers: tuple[int, ...]
    base_ns: int
    frame_ns: int
    features: FeatureStream
    volatility: VolatilityStream
    model: Model
    forming: np.ndarray
    bar: np.ndarray

    @classmethod
    def of(
        cls,
        instrument: int,
        hearers: Sequence[int],
        base_ns: int,
        frame_ns: int,
        features: FeatureStream,
        volatility: VolatilityStream,
        model: Model,
    ) -> Desk:
        """A desk that has seen nothing."""
        return cls(instrument, tuple(hearers), base_ns, frame_ns, features, volatility, model, rows(Forming, 1), rows(Bar, 1))

    def closes(self, candle: Any) -> bool:
        """Take a source candle; whether it completed the frame's bar."""
        return bool(absorb(self.forming[0], candle, self.base_ns, self.frame_ns, self.bar[0]))

    def is_overdue(self, now_ns: int) -> bool:
        """Whether the frame's bar has to be closed without its last candle."""
        return bool(overdue(self.forming[0], now_ns, self.base_ns, self.frame_ns, self.bar[0]))

    def answer(self) -> list[Prediction]:
        """What the model says to the bar that has just closed, once a hearer."""
        self.features.on_bar(self.bar, 0)
        volatility = self.volatility.on_bar(self.bar, 0)
        known_ns, closed_ns = int(self.bar["known_ns"][0]), int(self.bar["closed_ns"][0])
        said = self.model.answer(self.features.values, self.features.valid, volatility, known_ns, closed_ns, self.instrument)
        return [structs.replace(said, instrument=book) for book in self.hearers]


class Predictor:
    """Every desk of a run; `Answered` puts what they say in the order of events."""

    def __init__(self, desks: Sequence[Desk]) -> None:
        by_symbol: dict[int, list[Desk]] = {}
        for desk in sorted(desks, key=lambda desk: (desk.instrument, -desk.frame_ns)):
            by_symbol.setdefault(desk.instrument, []).append(desk)
        self._desks = by_symbol
        self._candle = np.zeros(1, layout(Bar))
        self._second = np.zeros(1, layout(SecondRow))

    def hear(self, event: Input) -> list[Prediction]:
        """Take in one market input; predictions for the bars that it closed."""
        match event:
            case BarClosed(instrument=s, bar=bar):
                self._candle[0] = structs.astuple(bar)
                return [said for desk in self._desks.get(s, ()) if desk.closes(self._candle[0]) for said in desk.answer()]
            case BarOpened(instrument=s, at_ns=at_ns):
                return [said for desk in self._desks.get(s, ()) if desk.is_overdue(at_ns) for said in desk.answer()]
            case SecondSeen(instrument=s, second=second):
                self._second[0] = structs.astuple(second)
                for desk in self._desks.get(s, ()):
                    desk.features.on_second(self._second, 0)
            case FundingSettled(instrument=s, at_ns=at_ns, rate=rate):
                for desk in self._desks.get(s, ()):
                    desk.features.on_funding(at_ns, rate)
        return []
