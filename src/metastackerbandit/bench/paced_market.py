"""A market at a fixed pace: in every tenth of a second each symbol trades once, and sizes near its best prices change.

Trades of a symbol buy for some seconds and then sell for as many, so that a second's close changes where they turn: whoever follows the last change
of price acts at the first trade behind that second. Half of the symbols turn at a time, and they trade one after another, evenly through the tenth.
"""

from __future__ import annotations

import time

import numpy as np

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import joined, rows
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.simulation.candle_board import CandleBoard
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.flow import LEVEL, TAKE, Flow
from metastackerbandit.simulation.queues import BUY, SELL

BEATS = 10  # a second
MIDDLE, LEVELS = 10_000, 50  # ticks; prices on each side of it, the best a tick away
BEST_LOTS, TRADED_LOTS = 1_000_000, 1_000
CHANGED = 3  # prices of each side whose sizes change in a beat, beside the best
TURN_S = 4  # seconds between turns, of half the symbols by turns: 20 symbols then send 30 orders in 10 s, of the 50 that Binance spot allows
PAST_S = 120  # seconds of trading before anybody comes


class PacedMarket:
    """What moves the floor. `first_ns` is when the newest first trade of a second was made, for each symbol, by the machine's monotonic clock."""

    lineage = "simulated"

    def __init__(self, instruments: list[Instrument]) -> None:
        self.first_ns = [0] * len(instruments)
        self._now_ns = 0
        self._second, self._offsets = _second_of(len(instruments))

    def begin(self, exchange: Exchange, board: CandleBoard, now_ns: int) -> None:
        """Fill the books, and trade the past."""
        book = rows(Flow, len(self.first_ns) * 2 * LEVELS)
        for n, (s, side, far) in enumerate(np.ndindex(len(self.first_ns), 2, LEVELS)):
            book[n] = (now_ns - PAST_S * SECOND_NS, s, LEVEL, side, _price(side, far), BEST_LOTS)
        exchange.flow(book)
        self._now_ns = now_ns - PAST_S * SECOND_NS
        self.go_on(exchange, now_ns)

    def go_on(self, exchange: Exchange, to_ns: int) -> None:
        """Let the market happen."""
        first, last = self._now_ns // SECOND_NS, to_ns // SECOND_NS
        flow = joined([self._part(second, to_ns) for second in range(first, last + 1)])
        self._now_ns = to_ns
        if len(flow):
            exchange.flow(flow)
            made_ns = time.monotonic_ns()
            firsts = flow["instrument"][(flow["what"] == TAKE) & (flow["at_ns"] % SECOND_NS < SECOND_NS // BEATS)]
            for s in firsts.tolist():
                self.first_ns[s] = made_ns

    def _part(self, second: int, to_ns: int) -> np.ndarray:
        """What happens in a second after all that has, up to a time."""
        begun_ns = second * SECOND_NS
        low, high = np.searchsorted(self._offsets, (self._now_ns - begun_ns, to_ns - begun_ns), side="right")
        part = self._second[low:high].copy()
        part["at_ns"] += begun_ns
        sells = (second // TURN_S + part["instrument"] % 2) // 2 % 2 == 1
        part["side"] = np.where(part["what"] == TAKE, np.where(sells, SELL, BUY), part["side"])
        return part


def _second_of(symbols: int) -> tuple[np.ndarray, np.ndarray]:
    """A second's flow, its times from the second's beginning on, and these times alone."""
    drawn = np.random.default_rng(1)
    made = []
    for beat, s in np.ndindex(BEATS, symbols):
        at_ns = beat * SECOND_NS // BEATS + (2 * s + 1) * SECOND_NS // (2 * BEATS * symbols)
        for side in (BUY, SELL):
            made.append((at_ns, s, LEVEL, side, _price(side, 0), BEST_LOTS))
            far = 1 + drawn.choice(LEVELS - 1, CHANGED, replace=False)
            made += [(at_ns, s, LEVEL, side, _price(side, int(n)), int(drawn.integers(1, BEST_LOTS))) for n in far]
        made.append((at_ns, s, TAKE, BUY, 0, TRADED_LOTS))
    flow = rows(Flow, len(made))
    flow[:] = made
    return flow, flow["at_ns"].copy()


def _price(side: int, far: int) -> int:
    return MIDDLE + (1 + far if side == SELL else -1 - far)
