"""A change of an instrument's rules while orders rest: coarser prices and sizes, and a larger least notional."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from metastackerbandit.practice.faults import Switched
from metastackerbandit.practice.floor import Floor


class RulesChange:
    """Makes rules of a floor's instruments coarser, and as they were when the fault is switched off."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._were = list(floor.exchange.listings)

    def act(self, switched: Switched) -> None:
        """Do it where the fault is `rules`."""
        if switched.fault.name != "rules":
            return
        exchange = self._floor.exchange
        for s, listing in enumerate(self._were):
            if switched.fault.symbol in ("", listing.instrument.symbol):
                times = max(1, round(switched.fault.amount)) if switched.is_on else 1
                least = str(Decimal(listing.instrument.min_notional) * times)
                instrument, is_trading = msgspec.structs.replace(listing.instrument, min_notional=least), exchange.listings[s].is_trading
                self._floor.steps[s] = times
                exchange.relist(s, msgspec.structs.replace(listing, instrument=instrument, is_trading=is_trading))
