"""The USD-M side of the loopback exchange: what all its answers are made from, and how a request names a symbol, an order, a span of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.perp_order_form import Grid
from metastackerbandit.practice.binance.perp_refusals import refused
from metastackerbandit.practice.binance.perp_text import Steps, steps_of
from metastackerbandit.practice.binance.words import NO_SUCH_SYMBOL
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.replies import Asked, Parameters, WireRefusal
from metastackerbandit.practice.tape import best_levels, newest_update
from metastackerbandit.simulation.exchange_words import Order

T = TypeVar("T")
Best = tuple[int, tuple[int, int], tuple[int, int]]
FOREVER_MS = 2**53


class PerpVenue:
    """One floor of perpetuals with its funding; `steps` of its instruments, in their order."""

    def __init__(self, floor: Floor, funding: FundingBoard) -> None:
        self.floor, self.funding, self.exchange = floor, funding, floor.exchange
        self.begun_ns = floor.now_ns
        self.steps: Sequence[Steps] = [steps_of(one) for one in floor.instruments]

    def grid(self, s: int) -> Grid:
        """What an instrument's prices and sizes must lie on."""
        return Grid(self.steps[s], self.floor.steps[s])

    def best(self, s: int) -> Best:
        """A book's newest update, best bid and best ask as (ticks, lots), zeros for none."""
        return newest_update(self.exchange.queues, s), *best_levels(self.exchange.queues, s)

    def symbol(self, given: Parameters) -> int:
        """The place of the symbol that must be named."""
        return self.place(given.text("symbol"))

    def maybe_symbol(self, given: Parameters) -> int | None:
        """The place of a symbol that can be named."""
        name = given.maybe("symbol")
        return None if name is None else self.place(name)

    def place(self, name: str) -> int:
        """The place of a symbol."""
        place = self.floor.index.get(name)
        if place is None:
            raise WireRefusal(*NO_SUCH_SYMBOL)
        return place

    def places(self, s: int | None) -> range:
        """One place, or all."""
        return range(len(self.steps)) if s is None else range(s, s + 1)

    def listed(self, asked: Asked, made: Callable[[int], T]) -> T | list[T]:
        """An answer that is one object where a symbol was named and a list for all of them."""
        s = self.maybe_symbol(asked.given)
        return [made(n) for n in self.places(None)] if s is None else made(s)

    def order(self, owner: int, s: int, given: Parameters, number: str, client_id: str, unknown: Callable[[], WireRefusal]) -> Order:
        """An owner's order by its number or its client's id, of which one must be there; a number counts before an id."""
        asked, name = given.whole(number, 0), given.maybe(client_id)
        if not asked and name is None:
            raise refused(-1102, f"Mandatory parameter '{number}' or '{client_id}' was not sent, was empty/null, or malformed.")
        found = self.exchange.orders.find(owner, s, asked, name or "")
        if found is None or (asked and name is not None and found.client_id != name):
            raise unknown()
        return found


def span(given: Parameters) -> tuple[int, int]:
    """The venue times [from, to] in ns that a request is about."""
    first, last = given.whole("startTime", 0, 0, FOREVER_MS), given.whole("endTime", FOREVER_MS, 0, FOREVER_MS)
    if first > last:
        raise refused(-4166, "startTime lies after endTime.")
    return first * MILLI_NS, last * MILLI_NS + MILLI_NS - 1


def limit(given: Parameters, usual: int, most: int) -> int:
    """How many rows are wanted; more than the most are cut."""
    return min(given.whole("limit", usual, 1), most)


def cut(rows: Sequence[Any], given: Parameters, count: int, *, by: str) -> list[Any]:
    """The first rows where it is said from where on (`by`, or a start time), else the newest."""
    return list(rows[:count] if given.maybe(by) is not None or given.maybe("startTime") is not None else rows[-count:])
