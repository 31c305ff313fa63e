"""The streaming driver: one input at a time through engine and broker, every row to the journal as it happens."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

import numpy as np

from metastackerbandit.domain import inputs
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.effects import AmendOrder, CancelOrder, Decided, Effect, Journaled, SubmitOrder
from metastackerbandit.domain.inputs import (
    CLOSE_EVENT,
    CONTROL_EVENT,
    FUNDING_EVENT,
    MOOD_EVENT,
    OPEN_EVENT,
    PREDICTION_EVENT,
    SECOND_EVENT,
    BarClosed,
    BarOpened,
    Control,
    FundingSettled,
    Input,
    MoodSeen,
    OrderReport,
    OutcomeKnown,
    SecondSeen,
)
from metastackerbandit.domain.kernel import row, struct_of
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.recording import FundingRow, MoodRow, Recording
from metastackerbandit.domain.rows import ControlRow, FillRow, LedgerRow, OrderRow, OutcomeRow, TripRow
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.sink import Sink
from metastackerbandit.engine.engine import Engine

Request = SubmitOrder | CancelOrder | AmendOrder


class Broker(Protocol):
    """A venue that trades: answers requests, and reports what candles do to its orders."""

    def act(self, effect: Request) -> list[OrderReport]:
        """Do what is asked; answers that are there at once."""

    def on_open(self, event: BarOpened) -> list[OrderReport]:
        """Fills at a candle's open."""

    def on_range(self, event: BarClosed) -> list[OrderReport]:
        """Fills inside a candle."""

    def on_close(self, event: BarClosed) -> list[OrderReport]:
        """Fills at the close decided on."""


class FilledElsewhere:
    """What brokers share at which candles fill nothing: trades, books or a venue's account do."""

    def on_open(self, event: BarOpened) -> list[OrderReport]:
        """Nothing is filled by it."""
        return []

    def on_range(self, event: BarClosed) -> list[OrderReport]:
        """As `on_open`."""
        return []

    def on_close(self, event: BarClosed) -> list[OrderReport]:
        """As `on_open`."""
        return []


class Oracle(Protocol):
    """Whoever answers with predictions: hears every market input."""

    def hear(self, event: Input) -> list[Prediction]:
        """Predictions for the bars that this input closed."""


class Answered:
    """Inputs with a predictor's answers put between them, in the order of events.

    All that happens at one instant is heard before any of it is handed on, because a bar whose last candle never came is answered at
    the next candle's open, and its prediction stands before the opens of that instant as it does in a recorded log.
    """

    def __init__(self, inputs: Iterable[Input], predictor: Oracle) -> None:
        self._inputs = inputs
        self._predictor = predictor

    def __iter__(self) -> Iterator[Input]:
        waiting: list[Input] = []
        for now_ns, instant in groupby(self._inputs, key=moment):
            events = list(instant)
            answers = [answer for event in events for answer in self._predictor.hear(event)]
            if not waiting and not answers:
                yield from events
                continue
            both = sorted([*waiting, *answers, *events], key=_turn)
            due = sum(moment(event) <= now_ns for event in both)
            yield from both[:due]
            waiting = both[due:]
        yield from waiting


def moment(event: Input) -> int:
    """When an input happens, UTC ns."""
    return _turn(event)[0]


def _turn(event: Input) -> tuple[int, int, int, int]:
    """Where an input stands among others: time, kind, book, and of one book's predictions the highest frame first."""
    match event:
        case Control(at_ns=at_ns) | OutcomeKnown(at_ns=at_ns):
            return at_ns, CONTROL_EVENT, 0, 0
        case MoodSeen(instrument=s, at_ns=at_ns):
            return at_ns, MOOD_EVENT, s, 0
        case SecondSeen(instrument=s, second=second):
            return second.known_ns, SECOND_EVENT, s, 0
        case BarClosed(instrument=s, bar=bar):
            return bar.known_ns, CLOSE_EVENT, s, 0
        case Prediction(instrument=s, at_ns=at_ns, frame_ns=frame_ns):
            return at_ns, PREDICTION_EVENT, s, -frame_ns
        case FundingSettled(instrument=s, at_ns=at_ns):
            return at_ns, FUNDING_EVENT, s, 0
        case BarOpened(instrument=s, at_ns=at_ns):
            return at_ns, OPEN_EVENT, s, 0
        case OrderReport(instrument=s, at_ns=at_ns):
            return at_ns, OPEN_EVENT, s, 0


class Driver:
    """Feeds inputs to the engine, acts on its effects in order, and hands rows to the sink; `log` is told of every input before the engine is."""

    def __init__(
        self,
        engine: Engine,
        broker: Broker,
        sink: Sink,
        watch: Callable[[Decided], None] | None = None,
        log: Callable[[Input], None] | None = None,
    ) -> None:
        self.engine = engine
        self._broker = broker
        self._sink = sink
        self._watch = watch
        self._log = log
        self._waiting: deque[Request] = deque()

    def take(self, event: Input) -> None:
        """One input, and everything that follows from it at the same instant."""
        if isinstance(event, BarClosed):
            self._deliver(self._broker.on_range(event))
        elif isinstance(event, Prediction):
            self._sink.predictions(row(event))
        self._step(event)
        self._pump()
        if isinstance(event, BarOpened):
            self._deliver(self._broker.on_open(event))
        elif isinstance(event, BarClosed):
            self._deliver(self._broker.on_close(event))

    def _deliver(self, reports: list[OrderReport]) -> None:
        for report in reports:
            self._step(report)
        self._pump()

    def _pump(self) -> None:
        while self._waiting:
            for report in self._broker.act(self._waiting.popleft()):
                self._step(report)

    def _step(self, event: Input) -> None:
        """One input, written down first."""
        if self._log is not None:
            self._log(event)
        self._keep(self.engine.step(event))

    def _keep(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Decided(row=decided, observed=observed, limit=limit, verdict=verdict):
                    self._sink.decisions(row(decided), observed[None], limit[None], verdict[None])
                    if self._watch is not None:
                        self._watch(effect)
                case Journaled(row=kept):
                    self._journal(kept)
                case SubmitOrder() | CancelOrder() | AmendOrder():
                    self._waiting.append(effect)

    def _journal(self, kept: OrderRow | FillRow | LedgerRow | TripRow | ControlRow | OutcomeRow) -> None:
        match kept:
            case OrderRow():
                self._sink.orders(row(kept))
            case FillRow():
                self._sink.fills(row(kept))
            case LedgerRow():
                self._sink.ledger(row(kept))
            case TripRow():
                self._sink.trips(row(kept))
            case ControlRow():
                self._sink.controls(row(kept))
            case OutcomeRow():
                self._sink.outcomes(row(kept))


def inputs_of(
    recording: Recording,
    order: np.ndarray,
    controls: tuple[Control, ...] = (),
    predictions: Sequence[np.ndarray] = (),
    outcomes: np.ndarray | None = None,
) -> Iterator[Input]:
    """A recording's inputs, one by one, in the order of `backtest.block.order_events`; outcomes from before it come first."""
    for known in outcomes if outcomes is not None else ():
        yield struct_of(OutcomeKnown, known)
    for code in order.tolist():
        s, place = code >> 3 & 0x3FFF, code >> 17
        match code & 7:
            case inputs.CONTROL_EVENT:
                yield controls[place]
            case inputs.MOOD_EVENT:
                mood = recording.mood[s]
                assert mood is not None
                seen = struct_of(MoodRow, mood[place])
                yield MoodSeen(s, seen.at_ns, seen.mood, seen.mirror)
            case inputs.SECOND_EVENT:
                seconds = recording.seconds[s]
                assert seconds is not None
                yield SecondSeen(s, struct_of(SecondRow, seconds[place]))
            case inputs.CLOSE_EVENT:
                yield BarClosed(s, struct_of(Bar, recording.bars[s][place]))
            case inputs.PREDICTION_EVENT:
                yield struct_of(Prediction, predictions[s][place])
            case inputs.FUNDING_EVENT:
                funding = recording.funding[s]
                assert funding is not None
                settled = struct_of(FundingRow, funding[place])
                yield FundingSettled(s, settled.at_ns, settled.rate, settled.mark)
            case _:
                bar = recording.bars[s][place]
                yield BarOpened(s, int(bar["opened_ns"]), int(bar["open"]))
