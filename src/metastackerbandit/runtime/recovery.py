"""A killed run is what its log says: every input that it took goes through a new engine, and what follows from them is what there was.

Nothing is sent while that is done. The rows that come of it are those that the run's journal has, or should have: a sink that knows the journal holds
them against it (storage.journal_again), so that a program that decides otherwise today is found out before it trades.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import BarClosed, BarOpened, Control, FundingSettled, Input, OrderReport
from metastackerbandit.domain.leg_words import LegWord
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.sink import Sink
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan
from metastackerbandit.execution.intents import Intents
from metastackerbandit.runtime.replay import Broker, Driver, FilledElsewhere, Oracle, moment


class Past(Struct):
    """What a run had come to: so many inputs `taken` until `now_ns`, of them `warmed` decisions on the candles before it.

    Of each book: signed `lots`, where its newest candle `closed_ns` (0: none), whether the next one's first price was told, and its last funding.
    `legs` are what was written down of orders at the venue. `is_live` says that it had begun to trade.
    """

    intents: Intents
    legs: tuple[LegWord, ...]
    closed_ns: list[int]
    has_opened: list[bool]
    funded_ns: list[int]
    lots: list[int]
    taken: int = 0
    now_ns: int = 0
    warmed: int = 0
    is_live: bool = False

    def is_news(self, event: Input) -> bool:
        """Whether a market input from a recording was not heard before the end."""
        match event:
            case BarClosed(instrument=s, bar=bar):
                return bar.closed_ns > self.closed_ns[s]
            case BarOpened(instrument=s, at_ns=at_ns):
                return at_ns > self.closed_ns[s] or (at_ns == self.closed_ns[s] and not self.has_opened[s])
            case FundingSettled(instrument=s, at_ns=at_ns):
                return at_ns > self.funded_ns[s]
            case _:
                return False

    def hear(self, event: Input) -> None:
        """One input more was taken."""
        self.taken += 1
        self.now_ns = max(self.now_ns, moment(event))
        match event:
            case BarClosed(instrument=s, bar=bar):
                self.closed_ns[s], self.has_opened[s] = bar.closed_ns, False
            case BarOpened(instrument=s):
                self.has_opened[s] = True
            case FundingSettled(instrument=s, at_ns=at_ns):
                self.funded_ns[s] = at_ns
            case OrderReport():
                self.intents.told(event)
            case Control(word="resume"):
                self.is_live = True
            case _:
                pass


class Snapshot(Struct, frozen=True):
    """A run between two inputs: the engine, what it had come to, the bytes of its log up to there, and the rows of each kind in its journal."""

    end: int
    past: Past
    engine: bytes
    rows: dict[str, int]


def past_of(plan: Plan, legs: Iterable[LegWord] = ()) -> Past:
    """A run that has taken nothing."""
    books = len(plan.books)
    return Past(Intents(), tuple(legs), [0] * books, [False] * books, [0] * books, [0] * books)


class Noting:
    """A broker of whose orders somebody keeps account."""

    def __init__(self, broker: Broker, intents: Intents) -> None:
        self._broker, self._intents = broker, intents
        self.on_open, self.on_range, self.on_close = broker.on_open, broker.on_range, broker.on_close

    def act(self, effect: SubmitOrder | CancelOrder | AmendOrder) -> list[OrderReport]:
        """Note what is asked for, and ask."""
        self._intents.asked(effect)
        return self._broker.act(effect)


class Replayed(FilledElsewhere):
    """The broker of a replay: what is asked of it was asked before, and what came of it is in the log."""

    def __init__(self, intents: Intents) -> None:
        self._intents = intents

    def act(self, effect: SubmitOrder | CancelOrder | AmendOrder) -> list[OrderReport]:
        """Know that it was asked."""
        self._intents.asked(effect)
        return []


def replay_log(inputs: Iterable[Input], past: Past, engine: Engine, sink: Sink, predictor: Oracle | None, begins: Callable[[], None]) -> None:
    """Take the inputs of a log behind `past` through an engine that stands there, and let the predictor hear what it heard; `past` goes on with them.

    `begins` is called where trading began, at once where that was before.

    Raises:
        Fault: an input cannot be taken; the engine is of no use then.
    """
    if past.is_live:
        begins()
    driver = Driver(engine, Replayed(past.intents), sink)
    for event in inputs:
        if past.taken == 0 and not (isinstance(event, Control) and event.word == "pause"):
            past.is_live = True  # nothing was heard before it traded
            begins()
        if predictor is not None and not isinstance(event, Prediction | OrderReport | Control):
            predictor.hear(event)
        was_live = past.is_live
        past.hear(event)
        driver.take(event)
        if past.is_live and not was_live:
            past.warmed = int(engine.world.account[0].decisions)
            begins()
    past.lots = [int(seat.position.lots) for seat in engine.world.seats]
