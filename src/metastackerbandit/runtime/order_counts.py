"""How many orders may be sent: the venue's families of counts (10 seconds, minute, day), each a budget that the venue's own headers correct. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metastackerbandit.exchanges.orders import OrderFamily
from metastackerbandit.exchanges.streams import VenueLimits
from metastackerbandit.runtime.weight_budget import WeightBudget


class OrderCounts:
    """A budget a family, of which this program may use `share`."""

    def __init__(self, families: Sequence[OrderFamily], share: float) -> None:
        self._families = tuple((one.header, WeightBudget(VenueLimits(one.limit, one.window_s, 0, 0), share)) for one in families)

    def wait_s(self, orders: int, now_ns: int) -> float:
        """Seconds until so many may be sent; 0 for now, and for none."""
        return max((budget.wait_s(orders, now_ns) for _, budget in self._families), default=0.0) if orders else 0.0

    def spend(self, orders: int, now_ns: int) -> None:
        """So many are sent now."""
        if orders:
            for _, budget in self._families:
                budget.spend(orders, now_ns)

    def told(self, headers: Mapping[str, str], now_ns: int) -> None:
        """An answer's headers (lower case) say how many the venue has counted, by whomever."""
        for header, budget in self._families:
            count = headers.get(header, "")
            if count.isdecimal() and len(count) < 10:
                budget.told(int(count), now_ns)
