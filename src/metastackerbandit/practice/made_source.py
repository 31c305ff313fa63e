"""A made market moves an exchange: its history is the past, its makers and takers the flow. Floors of one world share every value.

The past ends at a whole five minutes, which is when a floor of it begins (`begun_ns`); letting the floor go on from there to the venue's time is the
same as having watched it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.timeframe import DAY_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.simulation.candle_board import FIVE_NS, CandleBoard
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.flow import Flow
from metastackerbandit.simulation.history import made_history
from metastackerbandit.simulation.made_market import MadeSymbol, advance_market, begun_market
from metastackerbandit.simulation.order_flow import Background, begun_background, flow_step
from metastackerbandit.simulation.settings import GeneratorSettings
from metastackerbandit.simulation.value import ticks_of

STEP_NS = SECOND_NS // 10
_ROOM = 8 * 8  # rows of a step for each level of a symbol: ten times what is usual
_MINUTES_NS = DAY_NS  # how far back single minutes are known


class MadeWorld:
    """Values of symbols at one time, with the past of so many days (2 at least). `begun_ns` is the whole five minutes before `now_ns`."""

    def __init__(self, settings: GeneratorSettings, symbols: Sequence[MadeSymbol], now_ns: int, days: int) -> None:
        self.begun_ns = now_ns // FIVE_NS * FIVE_NS
        self._settings, self._symbols = settings, symbols
        first_ns = self.begun_ns // DAY_NS * DAY_NS - days * DAY_NS
        self.made = begun_market(settings, symbols, first_ns)
        self.fives = made_history(self.made, settings, self.begun_ns - _MINUTES_NS, FIVE_NS).bars
        self.minutes = made_history(self.made, settings, self.begun_ns, MINUTE_NS).bars
        self._floors: list[tuple[Exchange, Background, Any]] = []

    def enter(self, exchange: Exchange) -> None:
        """Move this exchange too, from now on; its books are filled."""
        room = len(self._symbols) * (self._settings.levels + 8) * _ROOM
        background = begun_background(self._settings, self._symbols, self.made)
        self._floors.append((exchange, background, rows(Flow, room)))
        self._flow(self._floors[-1])

    def go_on(self, to_ns: int) -> None:
        """Let everything happen up to a time, in whole steps."""
        while int(self.made.market["at_ns"][0]) + STEP_NS <= to_ns:
            advance_market(self.made, STEP_NS)
            for one in self._floors:
                self._flow(one)

    def _flow(self, one: tuple[Exchange, Background, np.ndarray]) -> None:
        """What the background of an exchange does in this step; a perpetual's mark is the value itself."""
        exchange, background, flow = one
        count = int(flow_all(background, self.made, exchange.queues, flow))
        if exchange.is_perp:
            at_ns = int(self.made.market["at_ns"][0])
            for s, log_ticks in enumerate(self.made.values["log_ticks"]):
                exchange.mark(s, int(ticks_of(log_ticks)), at_ns)
        exchange.flow(flow[:count])


class MadeSource:
    """What moves one exchange of a world."""

    lineage = "simulated"

    def __init__(self, world: MadeWorld) -> None:
        self._world = world

    def begin(self, exchange: Exchange, board: CandleBoard, now_ns: int) -> None:
        """Hand over the past, and fill the books."""
        for s in range(len(exchange.listings)):
            board.begin(s, self._world.fives[s], self._world.minutes[s])
        self._world.enter(exchange)

    def go_on(self, exchange: Exchange, to_ns: int) -> None:
        """Let the world go on, of which this exchange is a part."""
        self._world.go_on(to_ns)


@kernel
def flow_all(background: Any, made: Any, queues: Any, flow: Any) -> int:
    """What the background of every symbol does in this step, to flow (K,) Flow; how many rows."""
    n = 0
    for s in range(len(made.values)):
        n = flow_step(background, made, queues, s, flow, n)
    return n
