"""Matching by price and time the plain way: lists of orders, searched whole each time. The kernels must tell the same."""

from __future__ import annotations

from copy import deepcopy

from msgspec import Struct

from metastackerbandit.simulation.matching import GUARD_BOTH, GUARD_MAKER, GUARD_NONE, GUARD_TAKER, MAKES, NOT_ENOUGH, RESTS, TAKES, WHOLE, WOULD_TAKE


class Order(Struct):
    """An order that rests, in order of arrival."""

    number: int
    owner: int
    side: int
    ticks: int
    lots: int
    reduces: int = 0


class PlainBook:
    """One instrument."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.trades: list[tuple[int, int, int, int, int]] = []  # ticks, lots, is_sold, buyer, seller
        self.fills: list[tuple[int, int, int, int, int, int]] = []  # owner, order, ticks, lots, left, is_maker
        self.held: dict[int, int] = {}

    def levels(self, side: int) -> list[tuple[int, int]]:
        """Prices and sizes of a side, the best first."""
        sizes: dict[int, int] = {}
        for one in self.orders:
            if one.side == side:
                sizes[one.ticks] = sizes.get(one.ticks, 0) + one.lots
        return sorted(sizes.items(), reverse=side == 0)

    def meets(self, side: int, ticks: int) -> list[Order]:
        """Whom an order of this side and limit meets, in their turn."""
        others = [one for one in self.orders if one.side != side and (ticks == 0 or (one.ticks <= ticks if side == 0 else one.ticks >= ticks))]
        return sorted(others, key=lambda one: one.ticks if side == 0 else -one.ticks)  # stable: first come, first served

    def enter(self, number: int, owner: int, side: int, ticks: int, lots: int, mode: int, guard: int, reduces: int = 0) -> tuple[int, int, int]:
        """Why it is refused (0: it is not), lots filled, lots left."""
        meets = self.meets(side, ticks)
        if mode == MAKES and self.reached(0, side, ticks, 1, GUARD_NONE)[0]:
            return WOULD_TAKE, 0, lots
        if mode == WHOLE and self.reached(owner, side, ticks, lots, guard)[0] < lots:
            return NOT_ENOUGH, 0, lots
        left, is_over = lots, False
        for one in meets:
            if left == 0 or is_over:
                break
            if owner and one.owner == owner and guard != GUARD_NONE:
                if guard in (GUARD_MAKER, GUARD_BOTH):
                    self.fills.append((owner, one.number, one.ticks, 0, one.lots, 1))
                    self.orders.remove(one)
                is_over = guard in (GUARD_TAKER, GUARD_BOTH)
                continue
            matched = min(left, one.lots, self.reducible(one))
            if matched:
                left -= matched
                one.lots -= matched
                self._traded(one, number, owner, side, matched, left)
            if one.lots and self.reducible(one) == 0:
                self.fills.append((one.owner, one.number, one.ticks, 0, one.lots, 1))
                self.orders.remove(one)
            elif one.lots == 0:
                self.orders.remove(one)
        if left and not is_over and mode in (RESTS, MAKES):
            last = next((one for one in reversed(self.orders) if (one.side, one.ticks) == (side, ticks)), None)
            if owner == 0 and last is not None and last.owner == 0:
                last.lots += left  # nobody tells the background's orders apart
            else:
                self.orders.append(Order(number, owner, side, ticks, left, reduces))
        return 0, lots - left, left

    def reducible(self, one: Order) -> int:
        """Lots that an order may still fill."""
        held = self.held.get(one.owner, 0)
        return (max(-held, 0) if one.side == 0 else max(held, 0)) if one.reduces else one.lots

    def _traded(self, one: Order, number: int, owner: int, side: int, matched: int, left: int) -> None:
        buyer, seller = (number, one.number) if side == 0 else (one.number, number)
        self.trades.append((one.ticks, matched, side, buyer, seller))
        for who, sign in ((owner, 1 if side == 0 else -1), (one.owner, -1 if side == 0 else 1)):
            self.held[who] = self.held.get(who, 0) + sign * matched
        if one.owner:
            self.fills.append((one.owner, one.number, one.ticks, matched, one.lots, 1))
        if owner:
            self.fills.append((owner, number, one.ticks, matched, left, 0))

    def pull(self, side: int, ticks: int, lots: int) -> None:
        """The background withdraws, the newest first."""
        for one in [one for one in reversed(self.orders) if one.owner == 0 and one.side == side and one.ticks == ticks]:
            gone = min(lots, one.lots)
            lots -= gone
            one.lots -= gone
            if one.lots == 0:
                self.orders.remove(one)

    def withdraw(self, number: int, lots: int) -> int:
        """Take lots from an order; what is left of it."""
        one = next(one for one in self.orders if one.number == number)
        one.lots -= min(lots, one.lots)
        if one.lots == 0:
            self.orders.remove(one)
        return one.lots

    def reached(self, owner: int, side: int, ticks: int, lots: int, guard: int) -> tuple[int, int]:
        """Lots and turnover that an order gets where it is brought to a copy of the book."""
        copied = deepcopy(self)
        copied.trades.clear()
        copied.enter(0, owner, side, ticks, lots, TAKES, guard)
        return sum(one[1] for one in copied.trades), sum(one[0] * one[1] for one in copied.trades)
