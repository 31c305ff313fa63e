"""Funding of a perpetuals market: the rate as it stands, what was settled, and settling on schedule."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from metastackerbandit.simulation.exchange import Exchange


class Settlement(Struct, frozen=True):
    """What longs paid at `at_ns`: a rate in 1e-8 of a position's worth at the mark price, in ticks."""

    at_ns: int
    rate: int
    mark: int


class FundingBoard:
    """Funding of S instruments, every `interval_ns` of the UTC clock; of settlements the newest `kept` of each instrument.

    A market source keeps the rates, and lets what is due be settled as its time goes on; clients' answers are read from here.
    """

    def __init__(self, instruments: int, interval_ns: int, now_ns: int, kept: int = 2_000) -> None:
        self.interval_ns = interval_ns
        self.next_ns = (now_ns // interval_ns + 1) * interval_ns
        self.rates = [0] * instruments
        self.settled: list[deque[Settlement]] = [deque(maxlen=kept) for _ in range(instruments)]

    def keep(self, s: int, at_ns: int, rate: int, mark: int) -> None:
        """What was settled before this began, oldest first."""
        self.settled[s].append(Settlement(at_ns, rate, mark))

    def settle_due(self, exchange: Exchange, now_ns: int) -> bool:
        """Settle what fell due up to now, at the rates and marks as they are; whether anything did."""
        is_due = now_ns >= self.next_ns
        while now_ns >= self.next_ns:
            for s, rate in enumerate(self.rates):
                exchange.fund(s, rate, exchange.marks[s], now_ns)
                self.settled[s].append(Settlement(self.next_ns, rate, exchange.marks[s]))
            self.next_ns += self.interval_ns
        return is_due
