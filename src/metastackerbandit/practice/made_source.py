"""A made market moves an exchange: its history is the past, its makers and takers the flow. Floors of one world share every value.

The past ends at a whole five minutes, which is when a floor of it begins (`begun_ns`); letting the floor go on from there to the venue's time is the
same as having watched it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.timeframe import DAY_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.practice.funding import FundingBoard, Settlement
from metastackerbandit.simulation.candle_board import FIVE_NS, CandleBoard
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.flow import Flow
from metastackerbandit.simulation.history import made_history
from metastackerbandit.simulation.made_market import MadeSymbol, advance_market, begun_market
from metastackerbandit.simulation.order_flow import Background, begun_background, flow_step
from metastackerbandit.simulation.settings import GeneratorSettings
from metastackerbandit.simulation.value import funding_rate, settle_funding, ticks_of

STEP_NS = SECOND_NS // 10
_ROOM = 8 * 8  # rows of a step for each level of a symbol: ten times what is usual
_MINUTES_NS = DAY_NS  # how far back single minutes are known


class _Moved(Struct, frozen=True):
    """An exchange that the world moves: its makers and takers, room for what they do, and a perpetuals market's funding."""

    exchange: Exchange
    background: Background
    flow: Any
    funding: FundingBoard | None


class MadeWorld:
    """Values of symbols at one time, with the past of so many days (2 at least). `begun_ns` is the whole five minutes before `now_ns`."""

    def __init__(self, settings: GeneratorSettings, symbols: Sequence[MadeSymbol], now_ns: int, days: int) -> None:
        self.begun_ns = now_ns // FIVE_NS * FIVE_NS
        self._settings, self._symbols = settings, symbols
        first_ns = self.begun_ns // DAY_NS * DAY_NS - days * DAY_NS
        self.made = begun_market(settings, symbols, first_ns)
        old, new = (
            made_history(self.made, settings, until_ns, frame_ns)
            for until_ns, frame_ns in ((self.begun_ns - _MINUTES_NS, FIVE_NS), (self.begun_ns, MINUTE_NS))
        )
        self.fives, self.minutes = old.bars, new.bars
        self._funding = np.concatenate([old.funding, new.funding], axis=1)
        self._floors: list[_Moved] = []

    def enter(self, exchange: Exchange, funding: FundingBoard | None) -> None:
        """Move this exchange too, from now on: its books are filled, and its funding has a past."""
        room = len(self._symbols) * (self._settings.levels + 8) * _ROOM
        one = _Moved(exchange, begun_background(self._settings, self._symbols, self.made), rows(Flow, room), funding)
        self._floors.append(one)
        if funding is not None:
            for settled, past in zip(funding.settled, self._funding, strict=True):
                settled.extend(Settlement(int(row["at_ns"]), int(row["rate"]), int(row["mark"])) for row in past)
        self._flow(one)

    def go_on(self, to_ns: int) -> None:
        """Let everything happen up to a time, in whole steps."""
        while int(self.made.market["at_ns"][0]) + STEP_NS <= to_ns:
            advance_market(self.made, STEP_NS)
            settled = [self._flow(one) for one in self._floors]
            if any(settled):
                for value in self.made.values:
                    settle_funding(value)

    def _flow(self, one: _Moved) -> bool:
        """What the background of an exchange does in this step; whether funding was settled. A perpetual's mark is the value itself."""
        exchange, is_settled = one.exchange, False
        count = int(flow_all(one.background, self.made, exchange.queues, one.flow))
        if one.funding is not None:
            at_ns = int(self.made.market["at_ns"][0])
            for s, value in enumerate(self.made.values):
                exchange.mark(s, int(ticks_of(value.log_ticks)), at_ns)
                one.funding.rates[s] = int(funding_rate(value, self.made.terms[0]))
            is_settled = one.funding.settle_due(exchange, at_ns)
        exchange.flow(one.flow[:count])
        return is_settled


class MadeSource:
    """What moves one exchange of a world; a perpetuals market has its `funding`."""

    lineage = "simulated"

    def __init__(self, world: MadeWorld, funding: FundingBoard | None = None) -> None:
        self._world, self._funding = world, funding

    def begin(self, exchange: Exchange, board: CandleBoard, now_ns: int) -> None:
        """Hand over the past, and fill the books."""
        for s in range(len(exchange.listings)):
            board.begin(s, self._world.fives[s], self._world.minutes[s])
        self._world.enter(exchange, self._funding)

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
