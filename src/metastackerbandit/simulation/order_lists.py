"""The orders of an exchange as they can be asked for: by number, by client id, open ones by owner; those that are over up to a bound."""

from __future__ import annotations

from collections import OrderedDict

from metastackerbandit.simulation.exchange_words import Order
from metastackerbandit.simulation.queues import NONE


class OrderLists:
    """Orders of all owners; of those that are over the newest `kept`."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._orders: dict[int, Order] = {}
        self._open: dict[int, dict[int, Order]] = {}
        self._over: OrderedDict[int, Order] = OrderedDict()
        self._by_client: dict[tuple[int, int, str], int] = {}

    @property
    def owners(self) -> tuple[int, ...]:
        """Everybody who has an account."""
        return tuple(self._open)

    def begin(self, owner: int) -> None:
        """A new owner."""
        self._open[owner] = {}

    def add(self, order: Order) -> None:
        """A new order; its client id means this one from now on."""
        self._orders[order.number] = order
        self._open[order.owner][order.number] = order
        if order.client_id:
            self._by_client[order.owner, order.wish.s, order.client_id] = order.number

    def end(self, order: Order) -> None:
        """An order is over; the oldest of those that are over is forgotten where there are too many."""
        if self._open[order.owner].pop(order.number, None) is None:
            return
        self._over[order.number] = order
        if len(self._over) > self._kept:
            self.forget(self._over.popitem(last=False)[1])

    def forget(self, order: Order) -> None:
        """An order as if it had never been."""
        del self._orders[order.number]
        self._open[order.owner].pop(order.number, None)
        key = order.owner, order.wish.s, order.client_id
        if self._by_client.get(key) == order.number:
            del self._by_client[key]

    def open(self, owner: int, s: int = NONE) -> list[Order]:
        """An owner's open orders, oldest first; of one instrument, or of all."""
        return [order for order in self._open[owner].values() if s in (NONE, order.wish.s)]

    def of(self, owner: int, s: int) -> list[Order]:
        """All of an owner's orders of an instrument that are known, by number."""
        return [order for order in self._orders.values() if order.owner == owner and order.wish.s == s]

    def by_number(self, number: int) -> Order:
        """An order that is known."""
        return self._orders[number]

    def find(self, owner: int, s: int, number: int = 0, client_id: str = "") -> Order | None:
        """An owner's order by its number, else the newest of a client id; None where there is none."""
        order = self._orders.get(number or self._by_client.get((owner, s, client_id), 0))
        return order if order is not None and order.owner == owner and order.wish.s == s else None

    def is_open(self, order: Order) -> bool:
        """Whether an order is among the open ones."""
        return order.number in self._open[order.owner]
