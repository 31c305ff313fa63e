"""What owners have at a perpetuals exchange: one wallet in the quote asset, positions at average cost, margin by leverage. Amounts are 1e-8.

The margin of an instrument is its larger exposure over its leverage: the position with all resting orders of one side filled, or of the other. A
cross position is backed by the whole wallet, an isolated one by the margin that was set aside when it was opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from metastackerbandit.domain.money import muldiv, rate_signed, rate_up
from metastackerbandit.simulation.exchange_words import ExchangeFill, Order, Refusal
from metastackerbandit.simulation.listing import Listing, Sizes

DEFAULT_LEVERAGE = 20


class Holding(Struct):
    """An owner's position in one instrument: signed `lots`, `cost` of them (below zero for a short one), and how it is margined.

    `realized` is all that was ever earned by closing, before fees and funding; `set_aside` what backs it alone where it is isolated.
    """

    lots: int = 0
    cost: int = 0
    leverage: int = DEFAULT_LEVERAGE
    is_isolated: bool = False
    set_aside: int = 0
    realized: int = 0
    updated_ns: int = 0


class PerpMoney:
    """Wallets and positions of every owner. `open_orders(owner, s)` gives an instrument's orders that are open, `marks` the mark prices in ticks."""

    def __init__(
        self, listings: Sequence[Listing], sizes: Sequence[Sizes], marks: Sequence[int], open_orders: Callable[[int, int], Iterable[Order]]
    ) -> None:
        self._listings, self._sizes, self._marks, self._open_orders = listings, sizes, marks, open_orders
        self.asset = listings[0].instrument.quote
        self.wallets: dict[int, int] = {}
        self.held: dict[int, list[Holding]] = {}
        self.fees = 0

    def open(self, owner: int, amounts: Mapping[str, int]) -> None:
        """A new owner with so much of the quote asset."""
        self.wallets[owner] = amounts.get(self.asset, 0)
        self.held[owner] = [Holding() for _ in self._listings]

    # -- what is held ------------------------------------------------------------------------------------------------

    def unrealized(self, owner: int, s: int) -> int:
        """What closing a position at its mark price would earn, before fees."""
        held = self.held[owner][s]
        return held.lots * self._marks[s] * self._sizes[s].unit - held.cost

    def notional(self, owner: int, s: int) -> int:
        """A position's signed worth at its mark price."""
        return self.held[owner][s].lots * self._marks[s] * self._sizes[s].unit

    def initial_margin(self, owner: int, s: int, more: Sequence[int] = (0, 0)) -> int:
        """Margin of an instrument, with `more` worth of orders to buy and to sell beside those that rest."""
        buys, sells = more
        for order in self._open_orders(owner, s):
            if not order.waits and not order.wish.reduces_only:
                worth = order.left * order.wish.ticks * self._sizes[s].unit
                buys, sells = (buys + worth, sells) if order.wish.side == 0 else (buys, sells + worth)
        position = self.notional(owner, s)
        exposed = max(abs(position + buys), abs(position - sells), abs(position))
        return -(-exposed // self.held[owner][s].leverage)

    def available(self, owner: int) -> int:
        """What new orders could use: wallet and unrealized results of cross positions, less all margin, and what is set aside."""
        free = self.wallets[owner]
        for s, held in enumerate(self.held[owner]):
            margin = self.initial_margin(owner, s)
            free -= max(margin, held.set_aside) if held.is_isolated else margin - self.unrealized(owner, s)
        return free

    def maintenance(self, owner: int, s: int) -> int:
        """Margin below which a position is in danger."""
        return rate_up(abs(self.notional(owner, s)), self._listings[s].maintenance)

    # -- what changes it ---------------------------------------------------------------------------------------------

    def admit(self, order: Order, turnover: int, instead: int = 0) -> Refusal | None:
        """A refusal where the margin of an order is not there; `turnover` in ticks times lots that it can cost, `instead` of what rests of it."""
        wish = order.wish
        if wish.reduces_only:
            return None
        worth = (turnover - instead) * self._sizes[wish.s].unit
        more = (worth, 0) if wish.side == 0 else (0, worth)
        before = self.initial_margin(order.owner, wish.s)
        added = self.initial_margin(order.owner, wish.s, more) - before
        fee = rate_up(max(worth, 0), self._listings[wish.s].taker)
        return Refusal("margin") if added > 0 and added + fee > self.available(order.owner) else None

    def fill(self, order: Order, trade: int, lots: int, ticks: int, is_maker: bool) -> ExchangeFill:
        """Move the position; what closes is realized at average cost."""
        wish, unit, listing = order.wish, self._sizes[order.wish.s].unit, self._listings[order.wish.s]
        held = self.held[order.owner][wish.s]
        signed = lots if wish.side == 0 else -lots
        closing = min(lots, abs(held.lots)) if held.lots * signed < 0 else 0
        realized = 0
        if closing:
            side = 1 if held.lots > 0 else -1
            share = muldiv(abs(held.cost), closing, abs(held.lots))
            back = muldiv(held.set_aside, closing, abs(held.lots))
            realized = side * (closing * ticks * unit - share)
            held.lots -= side * closing
            held.cost -= side * share
            held.set_aside -= back
        opening = lots - closing
        if opening:
            held.lots += opening if signed > 0 else -opening
            held.cost += (opening if signed > 0 else -opening) * ticks * unit
            if held.is_isolated:
                held.set_aside += -(-opening * ticks * unit // held.leverage)
        fee = rate_up(lots * ticks * unit, listing.maker if is_maker else listing.taker)
        held.realized += realized
        held.updated_ns = order.updated_ns
        self.wallets[order.owner] += realized - fee
        self.fees += fee
        return ExchangeFill(trade, lots, ticks, is_maker, fee, self.asset, realized)

    def keep(self, order: Order) -> None:
        """Nothing is locked: margin follows from what rests and what is held."""

    def fund(self, owner: int, s: int, rate: int, mark: int) -> int:
        """Settle funding on a position: what its owner received (below zero: paid). Longs pay a positive rate (1e-8)."""
        held = self.held[owner][s]
        worth = abs(held.lots) * mark * self._sizes[s].unit
        paid = rate_signed(worth, rate if held.lots > 0 else -rate)
        self.wallets[owner] -= paid
        return -paid

    def set_leverage(self, owner: int, s: int, leverage: int) -> Refusal | None:
        """Another leverage, where it is allowed and the margin is there."""
        held = self.held[owner][s]
        if not 1 <= leverage <= self._listings[s].most_leverage:
            return Refusal("leverage")
        before, held.leverage = held.leverage, leverage
        if leverage < before and self.available(owner) < 0:
            held.leverage = before
            return Refusal("margin")
        return None

    def set_isolated(self, owner: int, s: int, is_isolated: bool) -> Refusal | None:
        """Another margin mode, where no order and no position stands in the way."""
        held = self.held[owner][s]
        if held.is_isolated == is_isolated:
            return Refusal("no_change")
        if any(self._open_orders(owner, s)):
            return Refusal("open_orders")
        if held.lots:
            return Refusal("open_position")
        held.is_isolated = is_isolated
        return None
