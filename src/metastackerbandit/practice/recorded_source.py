"""A recording as what moves a floor: its books and trades as they were told, until it ends."""

from __future__ import annotations

import numpy as np

from metastackerbandit.practice.closing import Closing
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.simulation.candle_board import CandleBoard
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.flow import LEVEL
from metastackerbandit.simulation.matching import best_of
from metastackerbandit.simulation.queues import BUY, SELL


class RecordedSource:
    """Flow (N,) and marks (M,) MarkRow of S instruments in the order of time, which are played from the floor's beginning on until `ended_ns`.

    A floor begins with the books as they stand then, and without a past. Where no mark was recorded of a perpetual, its mark is the newest trade's
    price, or the middle of its book before the first; its rate of funding is the recorded one, or none.
    """

    lineage = "replayed recording"

    def __init__(self, instruments: int, flow: np.ndarray, marks: np.ndarray, ended_ns: int, funding: FundingBoard | None) -> None:
        self._flow, self._marks, self._funding = flow, marks, funding
        self._times = np.ascontiguousarray(flow["at_ns"])
        self._has_marks = [bool((marks["instrument"] == s).any()) for s in range(instruments)]
        self._row = self._mark = 0  # that are next
        self.closing = Closing([ended_ns + 1] * instruments)

    def begin(self, exchange: Exchange, board: CandleBoard, now_ns: int) -> None:
        """Fill the books; what was traded before is left out."""
        self._row = int(np.searchsorted(self._times, now_ns, "right"))
        before = self._flow[: self._row]
        exchange.flow(np.ascontiguousarray(before[before["what"] == LEVEL]))
        for s in range(len(exchange.listings)):
            bid, ask = (int(best_of(exchange.queues, s, side)) for side in (BUY, SELL))
            if self._funding is not None:
                exchange.mark(s, (bid + ask) // 2 or bid or ask, now_ns)
        self._play_marks(exchange, now_ns)

    def go_on(self, exchange: Exchange, to_ns: int) -> None:
        """Let the recording happen up to a time."""
        self._play_marks(exchange, to_ns)
        self._play(exchange, to_ns)
        if self._funding is not None:
            for s, has_marks in enumerate(self._has_marks):
                last = int(exchange.queues.row[s]["last_ticks"])
                if not has_marks and last:
                    exchange.mark(s, last, to_ns)
            self._funding.settle_due(exchange, to_ns)
        self.closing.close_due(exchange, to_ns)

    def _play(self, exchange: Exchange, to_ns: int) -> None:
        """Books and trades."""
        place = self._row + int(np.searchsorted(self._times[self._row :], to_ns, "right"))
        exchange.flow(self._flow[self._row : place])
        self._row = place

    def _play_marks(self, exchange: Exchange, to_ns: int) -> None:
        """Marks and rates of funding, each behind what happened before it."""
        while self._mark < len(self._marks) and int(self._marks[self._mark]["exchange_ns"]) <= to_ns:
            mark = self._marks[self._mark]
            self._mark += 1
            at_ns, s = int(mark["exchange_ns"]), int(mark["instrument"])
            self._play(exchange, at_ns)
            if self._funding is not None and mark["mark_price"] > 0:
                tick = float(exchange.listings[s].instrument.tick_size)
                self._funding.settle_due(exchange, at_ns - 1)  # what fell due before this mark was told is settled at the one before
                exchange.mark(s, max(1, round(float(mark["mark_price"]) / tick)), at_ns)
                self._funding.rates[s] = int(mark["rate"])
