"""What owners have at a spot exchange: assets, free and locked by orders, in 1e-8; what is bought is paid for out of what was locked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from metastackerbandit.domain.money import rate_up
from metastackerbandit.simulation.exchange_words import ExchangeFill, Order, Refusal
from metastackerbandit.simulation.listing import Listing, Sizes


class SpotMoney:
    """Balances of every owner. `fees` is what the exchange has earned, by asset."""

    def __init__(self, listings: Sequence[Listing], sizes: Sequence[Sizes]) -> None:
        self._listings, self._sizes = listings, sizes
        self.free: dict[int, dict[str, int]] = {}
        self.locked: dict[int, dict[str, int]] = {}
        self.fees: dict[str, int] = defaultdict(int)

    def open(self, owner: int, amounts: Mapping[str, int]) -> None:
        """A new owner with these amounts; every asset that is listed has a balance, 0 where none was given."""
        assets = [asset for one in self._listings for asset in (one.instrument.base, one.instrument.quote)]
        self.free[owner] = dict.fromkeys(assets, 0) | dict(amounts)
        self.locked[owner] = dict.fromkeys(self.free[owner], 0)

    def total(self, owner: int, asset: str) -> int:
        """What an owner has of an asset, free and locked."""
        return self.free[owner].get(asset, 0) + self.locked[owner].get(asset, 0)

    def paid_in(self, s: int, side: int) -> str:
        """The asset that an order pays in."""
        one = self._listings[s].instrument
        return one.quote if side == 0 else one.base

    def admit(self, order: Order, turnover: int, instead: int = 0) -> Refusal | None:
        """Lock what an order can cost, no more: `turnover` ticks times lots to buy, its lots to sell; a refusal where that is not there."""
        wish = order.wish
        wanted = turnover * self._sizes[wish.s].unit if wish.side == 0 else order.left * self._sizes[wish.s].lot
        if self.free[order.owner][self.paid_in(wish.s, wish.side)] < wanted - order.locked:
            return Refusal("balance")
        self._unlock(order, order.locked - wanted)
        return None

    def fill(self, order: Order, trade: int, lots: int, ticks: int, is_maker: bool) -> ExchangeFill:
        """Exchange the assets of a fill; the fee is taken out of what is received."""
        wish, sizes, listing = order.wish, self._sizes[order.wish.s], self._listings[order.wish.s]
        base, quote = lots * sizes.lot, lots * ticks * sizes.unit
        paid, received = (quote, base) if wish.side == 0 else (base, quote)
        asset = self.paid_in(wish.s, 1 - wish.side)
        fee = rate_up(received, listing.maker if is_maker else listing.taker)
        order.locked -= paid
        self.locked[order.owner][self.paid_in(wish.s, wish.side)] -= paid
        self.free[order.owner][asset] += received - fee
        self.fees[asset] += fee
        return ExchangeFill(trade, lots, ticks, is_maker, fee, asset)

    def keep(self, order: Order) -> None:
        """Free what is locked beyond what the rest of an order can still cost; all of it where nothing is left to come of it."""
        wish, sizes = order.wish, self._sizes[order.wish.s]
        needed = 0
        if order.is_open:
            needed = order.left * (sizes.lot if wish.side == 1 else wish.ticks * sizes.unit)
        self._unlock(order, order.locked - needed)

    def _unlock(self, order: Order, amount: int) -> None:
        """Free so much of what is locked for an order; below zero: lock more."""
        asset = self.paid_in(order.wish.s, order.wish.side)
        self.free[order.owner][asset] += amount
        self.locked[order.owner][asset] -= amount
        order.locked -= amount
