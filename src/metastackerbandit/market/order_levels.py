"""Orders, one by one, to the levels that they add up to: what a venue tells order by order as changes of a book.

Of an order that was placed before the feed began nothing is known until it changes: it is missing in its level until then. Events of one order
may come in the wrong order: one that has gone does not come back.
"""

from __future__ import annotations

BID, ASK = 1, -1


class OrderLevels:
    """The orders that are known, and what they sum to by side and price.

    Counted: orders that were `unknown` when they changed or went, and events `behind` the one by which their order went, which change nothing.
    """

    def __init__(self) -> None:
        self.orders: dict[int, tuple[int, int, int]] = {}  # id -> side, ticks, lots
        self.levels: dict[tuple[int, int], int] = {}  # side, ticks -> lots
        self.past: set[int] = set()  # orders that have gone
        self.unknown = self.behind = 0

    def put(self, order: int, side: int, ticks: int, lots: int) -> list[tuple[int, int, int]]:
        """An order was placed: the levels (side, ticks, lots) that changed by it; no lots where a level is gone."""
        return self._moved(order, (side, ticks, lots))

    def changed(self, order: int, side: int, ticks: int, lots: int) -> list[tuple[int, int, int]]:
        """An order is now of another size or price; the same."""
        self.unknown += order not in self.orders and order not in self.past
        return self._moved(order, (side, ticks, lots))

    def gone(self, order: int) -> list[tuple[int, int, int]]:
        """An order was filled or cancelled; nothing changes where it was not known."""
        self.unknown += order not in self.orders and order not in self.past
        return self._moved(order, None)

    def _moved(self, order: int, now: tuple[int, int, int] | None) -> list[tuple[int, int, int]]:
        if order in self.past:
            self.behind += 1
            return []
        before = self.orders.pop(order, None)
        if now is None:
            self.past.add(order)
        else:
            self.orders[order] = now
        touched: dict[tuple[int, int], int] = {}
        for was, sign in ((before, -1), (now, 1)):
            if was is not None:
                touched[was[:2]] = touched.get(was[:2], self.levels.get(was[:2], 0)) + sign * was[2]
        changes = [(*level, lots) for level, lots in touched.items() if lots != self.levels.get(level, 0)]
        for side, ticks, lots in changes:
            if lots:
                self.levels[side, ticks] = lots
            else:
                del self.levels[side, ticks]
        return changes
