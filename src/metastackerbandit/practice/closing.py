"""The end of what was recorded: from then on an instrument does not trade any more, and says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from metastackerbandit.simulation.exchange import Exchange


class Closing:
    """`ends` are the times at which each instrument's recording is over; `hear` is told the symbol and the time when one is closed."""

    def __init__(self, ends: Sequence[int]) -> None:
        self.ends = tuple(ends)
        self.closed: dict[str, int] = {}
        self.hear: Callable[[str, int], None] = _nobody

    def close_due(self, exchange: Exchange, now_ns: int) -> None:
        """Close the instruments whose time has come; orders that rest stay, and meet nobody."""
        if now_ns < min(self.ends):
            return
        for s, end_ns in enumerate(self.ends):
            listing = exchange.listings[s]
            if now_ns >= end_ns and listing.instrument.symbol not in self.closed:
                exchange.relist(s, msgspec.structs.replace(listing, is_trading=False))
                self.closed[listing.instrument.symbol] = end_ns
                self.hear(listing.instrument.symbol, end_ns)


def _nobody(symbol: str, at_ns: int) -> None:
    """Nobody listens."""
