"""The orders of an exchange as they can be asked for: by number, by client id, by owner and instrument; those that are over up to a bound."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from heapq import merge

from metastackerbandit.simulation.exchange_words import Order
from metastackerbandit.simulation.queues import NONE

Numbered = dict[int, Order]  # by number, which is by age


class OrderLists:
    """Orders of all owners; of those that are over the newest `kept`. No question costs more where more orders are known than it asks for."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._orders: Numbered = {}
        self._of: defaultdict[tuple[int, int], Numbered] = defaultdict(dict)
        self._open: dict[int, defaultdict[int, Numbered]] = {}
        self._over: OrderedDict[int, Order] = OrderedDict()
        self._by_client: defaultdict[tuple[int, int, str], Numbered] = defaultdict(dict)

    @property
    def owners(self) -> tuple[int, ...]:
        """Everybody who has an account."""
        return tuple(self._open)

    def begin(self, owner: int) -> None:
        """A new owner."""
        self._open[owner] = defaultdict(dict)

    def add(self, order: Order) -> None:
        """A new order; its client id means this one from now on."""
        for one in (self._orders, self._of[order.owner, order.wish.s], self._open[order.owner][order.wish.s]):
            one[order.number] = order
        if order.client_id:
            self._by_client[_client(order)][order.number] = order

    def end(self, order: Order) -> None:
        """An order is over; the oldest of those that are over is forgotten where there are too many."""
        if self._open[order.owner][order.wish.s].pop(order.number, None) is None:
            return
        self._over[order.number] = order
        if len(self._over) > self._kept:
            self.forget(self._over.popitem(last=False)[1])

    def forget(self, order: Order) -> None:
        """An order as if it had never been; its client id means the one before it again."""
        for one in (self._orders, self._of[order.owner, order.wish.s], self._open[order.owner][order.wish.s]):
            one.pop(order.number, None)
        if order.client_id:
            same = self._by_client[_client(order)]
            del same[order.number]
            if not same:
                del self._by_client[_client(order)]

    def open(self, owner: int, s: int = NONE) -> list[Order]:
        """An owner's open orders, oldest first; of one instrument, or of all."""
        mine = self._open[owner]
        return list(_by_age(mine.values())) if s == NONE else list(mine[s].values())

    def of(self, owner: int, s: int) -> list[Order]:
        """All of an owner's orders of an instrument that are known, by number."""
        return list(self._of[owner, s].values())

    def by_number(self, number: int) -> Order:
        """An order that is known."""
        return self._orders[number]

    def find(self, owner: int, s: int, number: int = 0, client_id: str = "") -> Order | None:
        """An owner's order by its number, else the newest of a client id; None where there is none."""
        if number:
            order = self._orders.get(number)
            return order if order is not None and order.owner == owner and order.wish.s == s else None
        same = self._by_client.get((owner, s, client_id))
        return same[next(reversed(same))] if same else None


def _client(order: Order) -> tuple[int, int, str]:
    """What a client knows an order by."""
    return order.owner, order.wish.s, order.client_id


def _by_age(lists: Iterable[Numbered]) -> Iterable[Order]:
    """Orders of several instruments, oldest first."""
    return merge(*(one.values() for one in lists), key=lambda order: order.number)
