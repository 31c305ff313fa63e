"""Hard limits: what an account may come to at most, whatever any configuration says; amounts are money units of one currency."""

from __future__ import annotations

from msgspec import Struct, structs


class HardLimits(Struct, frozen=True):
    """`position` is the most that one symbol may be worth, `gross` all of them, `order` one order of new risk; `leverage` of any symbol.

    `orders_a_day` orders of new risk may be sent in a UTC day, and none after a loss of `daily_loss` in it.
    """

    currency: str
    position: int
    gross: int
    order: int
    leverage: int
    orders_a_day: int
    daily_loss: int

    def within(self, notional: int) -> HardLimits:
        """The same, with all positions together worth no more than `notional` (an unlock's word)."""
        return structs.replace(self, position=min(self.position, notional), gross=min(self.gross, notional), order=min(self.order, notional))
