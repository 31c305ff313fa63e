"""The last look at an order of new risk before it is sent: whether all that it may come to, with what is out already, stays within hard limits. Pure.

Every order that is out is counted as filled, and every reduction as not done, in whichever way is worse: so no order of fills passes a limit at the
prices of the look. Reductions and protection are never asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from metastackerbandit.domain.hard_limits import HardLimits
from metastackerbandit.domain.money import money_text

Limit = Literal["price", "order", "position", "gross", "orders_a_day", "daily_loss"]


class Exposed(Struct, frozen=True):
    """One symbol: `lots` held (signed), `buys` and `sells` (lots, not below 0) of new risk that are out and not filled.

    `ticks` is its price (0: not known), `unit` the money of one tick of one lot.
    """

    symbol: str
    lots: int
    buys: int
    sells: int
    ticks: int
    unit: int

    def worst(self, more: int = 0) -> int:
        """The largest position, in lots, that fills can lead to; `more` is another order's (signed) lots."""
        return max(max(self.lots, 0) + self.buys + max(more, 0), max(-self.lots, 0) + self.sells + max(-more, 0))

    def worth(self, lots: int) -> int:
        """What so many lots are worth, in money."""
        return lots * self.ticks * self.unit


class Passed(Struct, frozen=True):
    """A limit that an order would pass, with what it would come to and what is allowed: money, or orders; of a price nothing is known."""

    limit: Limit
    symbol: str
    observed: int
    most: int

    def words(self, currency: str) -> str:
        """The same for a reader."""
        if self.limit == "price":
            return f"nobody knows the price of {self.symbol}, so its worth cannot be held against the hard limits"
        if self.limit == "orders_a_day":
            return f"it would be order {self.observed:,} of new risk today, and the hard limits allow {self.most:,} (max_orders_a_day)"
        observed, most = (f"{money_text(money, currency)} {currency}" for money in (self.observed, self.most))
        if self.limit == "daily_loss":
            return f"{observed} were lost today, and the hard limits end new risk at {most} (max_daily_loss)"
        what = {"order": "the order", "position": f"the position in {self.symbol}", "gross": "all positions together"}[self.limit]
        return f"{what} could come to {observed}, and the hard limits allow {most} (max_{self.limit})"


def passed(limits: HardLimits, exposed: Sequence[Exposed], place: int, lots: int, sent: int, lost: int) -> Passed | None:
    """The limit that `lots` (signed) more of the symbol at `place` would pass, None where it passes none.

    `sent` orders of new risk went out this UTC day, `lost` is the day's loss (money; a gain is below 0). What is open without a known price refuses.
    """
    one = exposed[place]
    worst = [each.worst(lots if s == place else 0) for s, each in enumerate(exposed)]
    unknown = next((each.symbol for each, most in zip(exposed, worst, strict=True) if most and each.ticks <= 0), None)
    if unknown is not None:
        return Passed("price", unknown, 0, 0)
    after = [each.worth(most) for each, most in zip(exposed, worst, strict=True)]
    looks: tuple[tuple[Limit, int, int], ...] = (
        ("order", one.worth(abs(lots)), limits.order),
        ("position", after[place], limits.position),
        ("gross", sum(after), limits.gross),
        ("orders_a_day", sent + 1, limits.orders_a_day),
    )
    found = next((Passed(limit, one.symbol, observed, most) for limit, observed, most in looks if observed > most), None)
    if found is None and lost >= limits.daily_loss:
        return Passed("daily_loss", one.symbol, lost, limits.daily_loss)
    return found
