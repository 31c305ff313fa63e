"""A market's floor: an exchange, what moves it, and what is kept of its past; everything happens when venue time is let go on."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from itertools import takewhile
from typing import Protocol

from msgspec import Struct

from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.practice.day import begin_day, empty_days, follow_days
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.tape import empty_tape, join_trades
from metastackerbandit.simulation.candle_board import CandleBoard
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import Event, ExchangeFill, Order, OrderEvent


class Source(Protocol):
    """What moves an exchange: a generator, candles, a recording. `lineage` says which, in a word that reports show.

    `begin` fills books and past candles as they stand at `now_ns`; `go_on` lets everything happen up to `to_ns`: flow, marks, funding. Times never
    go back. Rows of flow that a call of `go_on` brings lie in (the last `to_ns`, this one].
    """

    lineage: str

    def begin(self, exchange: Exchange, board: CandleBoard, now_ns: int) -> None:
        """Fill an exchange that is empty."""

    def go_on(self, exchange: Exchange, to_ns: int) -> None:
        """Let the market happen."""


class OwnFill(Struct, frozen=True):
    """A fill of an owner's order as the order stood then."""

    at_ns: int
    order: Order
    fill: ExchangeFill


class Floor:
    """One market. `index` gives an instrument's place by its symbol; `listeners` hear every event of accounts, in order,
    and `clocks` are told each step's time.

    `opens` are the assets, in 1e-8, of each owner who trades here.
    """

    def __init__(self, exchange: Exchange, source: Source, now_ns: int, settings: PracticeSettings) -> None:
        self.exchange, self.source, self.now_ns = exchange, source, now_ns
        self.instruments = [one.instrument for one in exchange.listings]
        self.index = {one.symbol: s for s, one in enumerate(self.instruments)}
        self.steps = [1] * len(self.index)  # ticks and lots that prices and sizes of orders go by: rules may become coarser while orders rest
        self.board = CandleBoard(self.instruments)
        self.tape, self.days = empty_tape(len(self.index)), empty_days(len(self.index))
        self.listeners: list[Callable[[Event], None]] = []
        self.clocks: list[Callable[[int], None]] = []
        self.fills: dict[int, deque[OwnFill]] = defaultdict(lambda: deque(maxlen=settings.fills))
        self.updated_ns: dict[int, int] = defaultdict(int)  # an account's newest change
        self._step_ns = int(settings.step_s * SECOND_NS)
        source.begin(exchange, self.board, now_ns)
        for s in range(len(self.instruments)):
            begin_day(self.days, s, self.board, exchange.sizes[s], now_ns)
        self._follow(now_ns)
        self.tell()

    def advance(self, to_ns: int) -> None:
        """Let the market go on to a venue time, in steps after which everything that was public is read."""
        while self.now_ns < to_ns:
            self.now_ns = min(self.now_ns + self._step_ns, to_ns)
            self.source.go_on(self.exchange, self.now_ns)
            for clock in self.clocks:
                clock(self.now_ns)
            self._follow(self.now_ns)
        self.tell()

    def tell(self) -> None:
        """Read what happened to accounts, and say it on; trades that owners' orders made are read too."""
        self._follow(self.now_ns)
        for event in self.exchange.drain():
            self.updated_ns[event.owner] = event.at_ns
            if isinstance(event, OrderEvent) and event.fill is not None:
                self.fills[event.owner].append(OwnFill(event.at_ns, event.order, event.fill))
            for listener in self.listeners:
                listener(event)

    def fills_of(self, owner: int, s: int) -> list[OwnFill]:
        """An owner's fills in one instrument that are kept, oldest first."""
        return [one for one in self.fills[owner] if one.order.wish.s == s]

    def fills_of_order(self, order: Order) -> list[OwnFill]:
        """An order's fills that are kept, oldest first."""
        newest = takewhile(lambda one: one.at_ns >= order.placed_ns, reversed(self.fills[order.owner]))
        return [one for one in newest if one.order.number == order.number][::-1]

    def _follow(self, now_ns: int) -> None:
        """Read the new trades."""
        self.board.follow(self.exchange.queues, now_ns)
        join_trades(self.tape, self.exchange.queues)
        follow_days(self.days, self.exchange.queues)
