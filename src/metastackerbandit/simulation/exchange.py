"""An exchange in memory: owners' orders meet the background's flow in books of price and time, and money moves as a spot or a futures venue moves it.

It does no I/O and knows no clock; what happens comes out as events, in order. Public trades and changes of books are read from the rings of `queues`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.money import BOUND
from metastackerbandit.domain.user_events import Cause, Status
from metastackerbandit.simulation.exchange_words import BalanceEvent, Ended, Event, NewOrder, Order, OrderEvent, Refusal, SettingEvent
from metastackerbandit.simulation.flow import flow_in
from metastackerbandit.simulation.listing import Listing, refused_by_rules, sizes_of
from metastackerbandit.simulation.matching import GUARD_NONE, MAKES, NO_ROOM, NOT_ENOUGH, RESTS, TAKES, WHOLE, WOULD_TAKE, enter, reached, withdraw
from metastackerbandit.simulation.order_lists import OrderLists
from metastackerbandit.simulation.perp_money import PerpMoney
from metastackerbandit.simulation.queues import BUY, NONE, empty_queues, reducible
from metastackerbandit.simulation.spot_money import SpotMoney
from metastackerbandit.simulation.triggers import is_met, traded_between

_BY_BOOK: dict[int, Literal["full", "would_take", "not_whole"]] = {NO_ROOM: "full", WOULD_TAKE: "would_take", NOT_ENOUGH: "not_whole"}


class Exchange:
    """Instruments of one market, spot or perpetuals, and the accounts of those who trade them.

    `place`, `cancel` and `amend` give the order, or a Refusal that has changed nothing. `flow` lets the background act. `drain` gives the events
    since it was last asked. Times must not go back. There is room for so many prices a side and orders of an instrument, for `owners` with the
    background, and for `kept` orders that are over.
    """

    def __init__(self, listings: Sequence[Listing], *, prices: int = 2_048, orders: int = 8_192, owners: int = 64, kept: int = 100_000) -> None:
        self.listings = list(listings)
        self.sizes = [sizes_of(one) for one in listings]
        self.queues = empty_queues(len(listings), prices=prices, orders=orders, owners=owners)
        self.marks = [0] * len(listings)  # ticks, 0: not known
        self.orders = OrderLists(kept)
        self.spot = SpotMoney(self.listings, self.sizes)
        self.perp = PerpMoney(self.listings, self.sizes, self.marks, self.orders.open)
        self._money: SpotMoney | PerpMoney = self.perp if listings[0].instrument.market == "perp" else self.spot
        self._waiting: list[dict[int, Order]] = [{} for _ in listings]
        self._seen = [0] * len(listings)  # newest trade that triggers were held against, while any order waits
        self.next_number = 1  # that the next order will have
        self._events: list[Event] = []

    @property
    def is_perp(self) -> bool:
        """Whether perpetuals are traded here."""
        return self._money is self.perp

    def open(self, owner: int, amounts: Mapping[str, int]) -> None:
        """A new owner (a number from 1 on, below `owners`), with these amounts in 1e-8 of each asset; ConfigRefused where he has no room."""
        room = self.queues.held.shape[1]
        if not 0 < owner < room:
            raise ConfigRefused(f"no account {owner} among {room - 1}", where="the exchange in memory", mend="make it with room for more owners")
        self.orders.begin(owner)
        self._money.open(owner, amounts)

    def drain(self) -> list[Event]:
        """What has happened to accounts since this was last asked."""
        events, self._events = self._events, []
        return events

    def set_leverage(self, owner: int, s: int, leverage: int, now_ns: int) -> Refusal | None:
        """Another leverage of an instrument."""
        refused = self.perp.set_leverage(owner, s, leverage)
        if refused is None:
            self._events.append(SettingEvent(now_ns, owner, s, leverage))
        return refused

    def set_isolated(self, owner: int, s: int, is_isolated: bool, now_ns: int) -> Refusal | None:
        """Another margin mode of a perpetual."""
        refused = self.perp.set_isolated(owner, s, is_isolated)
        if refused is None:
            self._events.append(BalanceEvent(now_ns, owner, "margin", (self.perp.asset,), (s,)))
        return refused

    # -- orders ------------------------------------------------------------------------------------------------------

    def place(self, owner: int, wish: NewOrder, now_ns: int) -> Order | Refusal:
        """A new order. One with a trigger waits until that is met, then comes to the book under the same number."""
        if wish.spend:
            if wish.spend >= BOUND:
                return Refusal("notional")
            most = wish.spend // self.sizes[wish.s].unit
            wish = msgspec.structs.replace(wish, lots=self._reached(owner, wish, self.sizes[wish.s].max_lots, most)[0] if most else 0)
        refused = self._refuses(owner, wish)
        if refused is not None:
            return refused
        order = Order(self.next_number, owner, wish, wish.client_id, wish.lots, "new", now_ns, now_ns, waits=wish.trigger > 0)
        if not (order.waits and self.is_perp):
            refused = self._money.admit(order, self._turnover(order))
        if refused is not None:
            return refused
        self.next_number += 1
        self.orders.add(order)
        if order.waits:
            if not self._waiting[wish.s]:
                self._seen[wish.s] = int(self.queues.row[wish.s]["trade"])
            self._waiting[wish.s][order.number] = order
            self._tell(order, "new", now_ns)
            return order
        why = self._bring(order, now_ns)
        if not why:
            return order
        if why == NOT_ENOUGH and not self.is_perp:  # a spot venue takes a fill-or-kill order that it cannot fill, and lets it expire
            self._tell(order, "new", now_ns)
            self._end(order, "expired", "expired", now_ns, _BY_BOOK[why])
            return order
        self.orders.forget(order)
        order.status = "rejected"
        self._money.keep(order)
        return Refusal(_BY_BOOK[why])

    def cancel(self, owner: int, s: int, number: int, now_ns: int) -> Order | Refusal:
        """End an open order."""
        order = self.orders.find(owner, s, number)
        if order is None or not order.is_open:
            return Refusal("unknown_order")
        self._withdraw(order)
        self._end(order, "canceled", "canceled", now_ns)
        return order

    def amend(self, owner: int, s: int, number: int, lots: int, ticks: int, now_ns: int) -> Order | Refusal:
        """Another size or price of a resting limit order. One that is only reduced keeps its place in the queue, any other goes to the end."""
        order = self.orders.find(owner, s, number)
        if order is None or order.slot == NONE:
            return Refusal("unknown_order")
        if (lots, ticks) == (order.lots, order.wish.ticks):
            return Refusal("no_change")
        if lots <= order.filled:
            return self.cancel(owner, s, number, now_ns)
        wish = msgspec.structs.replace(order.wish, lots=lots, ticks=ticks)
        refused = refused_by_rules(self.listings[s], self.sizes[s], wish, self._market(s), wish.reduces_only)
        if refused is None and wish.mode == MAKES and self._reached(0, wish, 1)[0]:
            refused = Refusal("would_take")
        if refused is None:
            new = msgspec.structs.replace(order, wish=wish, lots=lots)
            refused = self._money.admit(new, self._turnover(new), self._turnover(order))
        if refused is not None:
            return refused
        return self._amended(order, wish, new.locked, now_ns)

    # -- the market --------------------------------------------------------------------------------------------------

    def flow(self, rows: np.ndarray) -> None:
        """Let the background act: rows (K,) Flow in the order of time."""
        done = 0
        while done < len(rows):
            done = int(flow_in(self.queues, rows, done))
            self._take_fills()
        if len(rows):
            self.look(int(rows["at_ns"][-1]), sorted(set(rows["instrument"].tolist())))

    def mark(self, s: int, ticks: int, now_ns: int) -> None:
        """Another mark price."""
        self.marks[s] = ticks
        if self._waiting[s]:
            self._look_at(s, now_ns)

    def look(self, now_ns: int, among: Sequence[int] = ()) -> None:
        """Bring the orders, of these instruments or of all, whose triggers were met since this was last asked; orders of clients trade too."""
        for s in among or range(len(self.listings)):
            if self._waiting[s]:
                self._look_at(s, now_ns)

    def fund(self, s: int, rate: int, mark: int, now_ns: int) -> None:
        """Settle funding of an instrument: longs pay `rate` (1e-8) of their position's worth at `mark` ticks, shorts receive it."""
        for owner in self.orders.owners:
            if self.perp.held[owner][s].lots:
                change = self.perp.fund(owner, s, rate, mark)
                self._events.append(BalanceEvent(now_ns, owner, "funding", (self.perp.asset,), (s,), change))

    def relist(self, s: int, listing: Listing) -> None:
        """Other terms of an instrument from now on; orders that rest stay as they are."""
        self.sizes[s] = sizes_of(listing)
        self.listings[s] = listing

    # -- steps of an order ---------------------------------------------------------------------------------------------

    def _market(self, s: int) -> int:
        """The price that rules and margins count from: a perpetual's mark, else the newest trade; 0 for none."""
        return (self.is_perp and self.marks[s]) or int(self.queues.row[s]["last_ticks"])

    def _refuses(self, owner: int, wish: NewOrder) -> Refusal | None:
        """What a wish breaks before money is looked at."""
        s, listing = wish.s, self.listings[wish.s]
        refused = refused_by_rules(listing, self.sizes[s], wish, self._market(s), wish.reduces_only)
        if refused is not None:
            return refused
        mine = self.orders.open(owner, s)
        if len(mine) >= listing.max_orders:
            return Refusal("max_num_orders")
        if wish.trigger and sum(order.waits for order in mine) >= listing.max_waiting:
            return Refusal("max_num_algo_orders")
        same = self.orders.find(owner, s, client_id=wish.client_id)
        if same is not None and same.is_open:
            return Refusal("duplicate")
        if listing.max_position_lots and wish.side == BUY and not self.is_perp:
            held = self.spot.total(owner, listing.instrument.base) // self.sizes[s].lot
            if held + wish.lots + sum(order.left for order in mine if order.wish.side == BUY) > listing.max_position_lots:
                return Refusal("max_position")
        if wish.trigger:
            price = self.marks[s] if wish.triggered_by == "mark" else int(self.queues.row[s]["last_ticks"])
            return Refusal("would_trigger") if is_met(wish, price, price) else None
        return Refusal("reduce_only") if wish.reduces_only and not self._reducible(owner, s, wish.side) else None

    def _turnover(self, order: Order) -> int:
        """Ticks times lots that what is left of an order can cost."""
        wish = order.wish
        if wish.ticks or order.waits:
            return order.left * (wish.ticks or wish.trigger)
        lots, turnover = self._reached(order.owner, wish, order.left)
        return turnover + (order.left - lots) * self._market(wish.s) * int(self.is_perp)

    def _reached(self, owner: int, wish: NewOrder, lots: int, most: int = 0) -> tuple[int, int]:
        """Lots and turnover that a wish would get now, up to so many lots and so many ticks times lots (0: no bound)."""
        found, turnover = reached(self.queues, wish.s, owner, wish.side, wish.ticks, lots, wish.guard if owner else GUARD_NONE, most)
        return int(found), int(turnover)

    def _reducible(self, owner: int, s: int, side: int) -> int:
        """Lots that an order of a side could take off a position."""
        return int(reducible(self.queues, s, owner, side))

    def _still(self, order: Order) -> int:
        """Lots of an order that come to its book: what is left of it, no more than can be reduced where that is all that it does."""
        wish = order.wish
        return min(order.left, self._reducible(order.owner, wish.s, wish.side)) if wish.reduces_only or wish.closes else order.left

    def _bring(self, order: Order, now_ns: int) -> int:
        """Bring an order to its book; why that refuses it, 0 where it does not."""
        lots = self._still(order)
        why = self._enter(order, lots, now_ns)
        if not why:
            order.lots, order.waits, order.worked_ns = order.filled + lots, False, now_ns
            self._settle(order, "new", now_ns)
        return why

    def _enter(self, order: Order, lots: int, now_ns: int) -> int:
        """Match an order; why its book refuses it, 0 where it does not."""
        wish = order.wish
        mode = wish.mode if wish.ticks or wish.mode == WHOLE else TAKES
        reduces = int(wish.reduces_only)
        return int(enter(self.queues, wish.s, order.number, order.owner, wish.side, wish.ticks, lots, mode, wish.guard, reduces, now_ns))

    def _settle(self, order: Order, cause: Cause, now_ns: int) -> None:
        """Tell what became of an order that was matched just now, and book its fills."""
        result = self.queues.result[0]
        order.slot, order.updated_ns, left = int(result["slot"]), now_ns, int(result["left"])
        self._tell(order, cause, now_ns)
        self._take_fills()
        if order.is_open and order.slot == NONE:
            stopped = left > 0 and order.wish.ticks > 0 and order.wish.mode in (RESTS, MAKES)
            self._end(order, "expired", "prevented" if stopped else "expired", now_ns, "self_trade" if stopped else "unfilled")
        self._money.keep(order)

    def _amended(self, order: Order, wish: NewOrder, locked: int, now_ns: int) -> Order:
        """Do an amendment that was found to be legal and paid for (`locked`)."""
        stays = wish.ticks == order.wish.ticks and wish.lots < order.lots
        withdraw(self.queues, wish.s, order.slot, order.lots - wish.lots if stays else order.left)
        order.wish, order.lots, order.locked, order.updated_ns = wish, wish.lots, locked, now_ns
        if stays:
            self._tell(order, "amended", now_ns)
        elif why := self._enter(order, lots := self._still(order), now_ns):
            self._end(order, "expired", "expired", now_ns, _BY_BOOK[why])
        else:
            order.lots = order.filled + lots
            self._settle(order, "amended", now_ns)
        self._money.keep(order)
        return order

    def _take_fills(self) -> None:
        """Book what the newest call of the books has filled."""
        fills: Any = self.queues.fills
        filled = [fills[n].item() for n in range(int(self.queues.result[0]["fills"]))]
        self.queues.result[0]["fills"] = 0
        moved = set()
        for _, number, ticks, lots, _, is_maker, trade, at_ns in filled:
            order = self.orders.by_number(number)
            if trade:
                self._filled(order, ticks, lots, bool(is_maker), trade, at_ns)
                moved.add((order.owner, order.wish.s, at_ns))
            else:
                self._end(
                    order,
                    "expired",
                    "expired" if order.wish.reduces_only else "prevented",
                    at_ns,
                    "reduce_only" if order.wish.reduces_only else "self_trade",
                )
        for owner, s, at_ns in sorted(moved) if self.is_perp else ():
            self._trim(owner, s, at_ns)

    def _filled(self, order: Order, ticks: int, lots: int, is_maker: bool, trade: int, at_ns: int) -> None:
        """One fill."""
        s, one = order.wish.s, self.listings[order.wish.s].instrument
        order.filled += lots
        order.turnover += lots * ticks
        order.updated_ns = at_ns
        order.status = "partly_filled" if order.left else "filled"
        fill = self._money.fill(order, trade, lots, ticks, is_maker)
        if is_maker or not order.is_open:
            self._money.keep(order)
        self._events.append(OrderEvent(at_ns, msgspec.structs.replace(order), "trade", fill))
        assets = (self.perp.asset,) if self.is_perp else (one.base, one.quote)
        self._events.append(BalanceEvent(at_ns, order.owner, "order", assets, (s,) if self.is_perp else ()))
        if not order.is_open:
            order.slot = NONE
            self.orders.end(order)

    def _trim(self, owner: int, s: int, now_ns: int) -> None:
        """End reducing orders that rest and have nothing left to reduce."""
        for one in self.orders.open(owner, s):
            if one.wish.reduces_only and one.slot != NONE and not self._reducible(owner, s, one.wish.side):
                self._withdraw(one)
                self._end(one, "expired", "expired", now_ns, "reduce_only")

    def _look_at(self, s: int, now_ns: int) -> None:
        """Bring an instrument's orders whose triggers are met; one at least waits."""
        newest = int(self.queues.row[s]["trade"])
        traded = traded_between(self.queues.trades[s], self._seen[s] + 1, newest)
        marked = self.marks[s], self.marks[s]
        for order in list(self._waiting[s].values()):
            if is_met(order.wish, *(marked if order.wish.triggered_by == "mark" else traded)):
                self._triggered(order, now_ns)
        self._seen[s] = newest

    def _triggered(self, order: Order, now_ns: int) -> None:
        """A trigger is met: the order comes to its book, or is over where it cannot."""
        wish = order.wish
        del self._waiting[wish.s][order.number]
        order.waits = False
        reduces = wish.reduces_only or wish.closes
        if wish.closes:
            order.lots = self._reducible(order.owner, wish.s, wish.side)
        if reduces and not self._reducible(order.owner, wish.s, wish.side):
            self._end(order, "expired", "expired", now_ns, "reduce_only")
        elif not reduces and self._money.admit(order, self._turnover(order)) is not None:
            self._end(order, "expired", "expired", now_ns, "money")
        else:
            why = self._bring(order, now_ns)
            if why:
                self._end(order, "expired", "expired", now_ns, _BY_BOOK[why])

    def _withdraw(self, order: Order) -> None:
        """Take what rests of an order out of its book, or what waits out of its list."""
        if order.slot != NONE:
            withdraw(self.queues, order.wish.s, order.slot, order.left)
            order.slot = NONE
        self._waiting[order.wish.s].pop(order.number, None)

    def _end(self, order: Order, status: Status, cause: Cause, now_ns: int, reason: Ended = "") -> None:
        """An order is over without being filled whole."""
        order.status, order.reason, order.slot, order.updated_ns = status, reason, NONE, now_ns
        self._money.keep(order)
        self.orders.end(order)
        self._tell(order, cause, now_ns)

    def _tell(self, order: Order, cause: Cause, now_ns: int) -> None:
        self._events.append(OrderEvent(now_ns, msgspec.structs.replace(order), cause))
