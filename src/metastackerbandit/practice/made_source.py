"""The made market as what moves a floor: its past as candles, then its background step by step, with marks and funding where it is perpetuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import DAY_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.simulation.candle_board import FIVE_NS, CandleBoard
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.flow import Flow
from metastackerbandit.simulation.history import History, made_history
from metastackerbandit.simulation.made_market import MadeSymbol, begun_market
from metastackerbandit.simulation.order_flow import begun_background, live_step
from metastackerbandit.simulation.settings import GeneratorSettings
from metastackerbandit.simulation.value import funding_rate, settle_funding, ticks_of

MINUTES_NS = 20 * DAY_NS  # of the newest past that is had by the minute; before that by five
_ROOM = 2_048  # rows of flow a symbol


class MadeSource:
    """A seeded market of these symbols, `days` old when the floor begins. `funding` is kept where the market is of perpetuals, else None.

    `past` is what it was made of, by five minutes, with the drift that nobody who trades may see: for telling what could be foreseen.
    """

    lineage = "simulated"

    def __init__(
        self, settings: GeneratorSettings, symbols: Sequence[MadeSymbol], days: int, funding: FundingBoard | None, step_ns: int = SECOND_NS
    ) -> None:
        self._settings, self._symbols, self._days, self.funding, self._step_ns = settings, tuple(symbols), days, funding, step_ns
        self._flow = rows(Flow, _ROOM * len(symbols))
        self._now_ns = 0
        self._made: Any = None
        self._background: Any = None
        self.past: History | None = None

    def begin(self, exchange: Exchange, board: CandleBoard, now_ns: int) -> None:
        """Make the past up to `now_ns`, a whole five minutes, and fill the books."""
        minutes_from_ns = now_ns - min(MINUTES_NS, self._days * DAY_NS // 2 // FIVE_NS * FIVE_NS)
        self._made = begun_market(self._settings, self._symbols, now_ns - self._days * DAY_NS)
        self.past = made_history(self._made, self._settings, minutes_from_ns, FIVE_NS)
        newest = made_history(self._made, self._settings, now_ns, MINUTE_NS)
        for s in range(len(self._symbols)):
            board.begin(s, self.past.bars[s], newest.bars[s])
            if self.funding is not None:
                self._tell_settled(s, self.past.funding[s], newest.funding[s])
        self._background = begun_background(self._settings, self._symbols, self._made)
        self._now_ns = now_ns
        self.go_on(exchange, now_ns + self._step_ns)

    def go_on(self, exchange: Exchange, to_ns: int) -> None:
        """Let the market happen, a step at a time: whole ones, so that nothing is stamped later than `to_ns`."""
        while self._now_ns + self._step_ns <= to_ns:
            self._now_ns += self._step_ns
            count = int(live_step(self._background, self._made, exchange.queues, self._step_ns, self._flow))
            exchange.flow(self._flow[:count])
            if self.funding is not None:
                self._mark(exchange, self.funding)

    def _mark(self, exchange: Exchange, funding: FundingBoard) -> None:
        """Marks are the values; funding is settled when its time has come."""
        for s in range(len(self._symbols)):
            exchange.mark(s, int(ticks_of(self._made.values[s]["log_ticks"])), self._now_ns)
            funding.rates[s] = int(funding_rate(self._made.values[s], self._made.terms[0]))
        if funding.settle_due(exchange, self._now_ns):
            for s in range(len(self._symbols)):
                settle_funding(self._made.values[s])

    def _tell_settled(self, s: int, *parts: Any) -> None:
        """What was settled in the past."""
        assert self.funding is not None
        for part in parts:
            for row in part:
                at_ns, rate, mark = (int(row[name]) for name in ("at_ns", "rate", "mark"))
                self.funding.keep(s, at_ns, rate, mark)
