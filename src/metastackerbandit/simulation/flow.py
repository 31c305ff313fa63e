"""The background market of an exchange, as rows of flow: made by a generator, by candles, or by a recording."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.simulation.matching import come, meet, take
from metastackerbandit.simulation.queues import FILLS, drop_price, join, leave, place_at, price_count, reduce, tell_change, tell_trade

ADD, PULL, TAKE, LEVEL, PRINT = 0, 1, 2, 3, 4


class Flow(Struct, frozen=True):
    """One thing that the background market of an instrument does; `side` 0 buys, 1 sells; `ticks` 0 on TAKE: at any price.

    ADD a limit order, which may take first; PULL up to `lots` that rest at a price, the newest first; TAKE what stands up to a price, no more;
    LEVEL: a recorded book has `lots` at this price from now on; PRINT: a recorded trade, whose taker was on `side`. It passes those of a queue who
    came first, and fills orders that are not the background's where it reaches them; how much the background has is said by levels alone, before or
    after the trade, in whichever order the two are told.
    """

    at_ns: int
    instrument: int
    what: int
    side: int
    ticks: int
    lots: int


@kernel
def lay_row(row: Any, at_ns: int, s: int, what: int, side: int, ticks: int, lots: int) -> None:
    """Write one row of flow."""
    row.at_ns = at_ns
    row.instrument = s
    row.what = what
    row.side = side
    row.ticks = ticks
    row.lots = lots


@kernel
def _find_level(queues: Any, s: int, side: int, ticks: int) -> int:
    """The place of a price, -1 where nobody stands at it."""
    place = place_at(queues, s, side, ticks)
    return place if place < price_count(queues, s, side) and queues.prices[s, side, place, 0] == ticks else -1


@kernel
def _pull(queues: Any, s: int, side: int, ticks: int, lots: int) -> None:
    """Withdraw up to `lots` of the background at a price, the newest first."""
    place = _find_level(queues, s, side, ticks)
    if place < 0:
        return
    slot = queues.prices[s, side, place, 3]
    left = lots
    while slot >= 0 and left > 0:
        queued = queues.orders[s, slot]
        ahead = queued.ahead
        if queued.owner == 0:
            gone = min(left, queued.lots)
            left -= gone
            reduce(queues, s, slot, gone)
        slot = ahead


@kernel
def background_at(queues: Any, s: int, side: int, place: int) -> int:
    """Lots of the background at a place of a side."""
    if queues.row[s].own == 0:
        return int(queues.prices[s, side, place, 1])
    lots = 0
    slot = queues.prices[s, side, place, 2]
    while slot >= 0:
        queued = queues.orders[s, slot]
        if queued.owner == 0:
            lots += queued.lots
        slot = queued.behind
    return lots


@kernel
def _set_level(queues: Any, s: int, side: int, ticks: int, lots: int, at_ns: int) -> int:
    """Give the background `lots` at a price; 1 where there is no room."""
    place = _find_level(queues, s, side, ticks)
    more = lots - (background_at(queues, s, side, place) if place >= 0 else 0)
    if more < 0:
        _pull(queues, s, side, ticks, -more)
    elif more > 0:
        queues.row[s].sweep += 1
        left = take(queues, s, 0, 0, side, ticks, more, 0, 1, at_ns)
        if left > 0 and join(queues, s, 0, 0, side, ticks, left, 0) < 0:
            return 1
    return 0


@kernel
def _print(queues: Any, s: int, side: int, ticks: int, lots: int, at_ns: int) -> None:
    """A recorded trade: own orders at better prices, then the queue at its price; the background that it reached stands at the queue's end again."""
    row = queues.row[s]
    row.sweep += 1
    other = 1 - side
    sign = 1 if side == 0 else -1
    left = lots
    n = price_count(queues, s, other) - 1
    passed = 0
    while row.own > 0 and left > 0 and n >= 0 and sign * queues.prices[s, other, n, 0] <= sign * ticks:
        price = queues.prices[s, other, n]
        at = price[0]
        is_its_price = at == ticks
        slot = price[2]
        while slot >= 0 and left > 0:
            maker = queues.orders[s, slot]
            behind = maker.behind
            if maker.owner != 0:
                left -= meet(queues, s, slot, n, 0, 0, side, left, at_ns)
            elif is_its_price:
                gone = min(left, maker.lots)
                left -= gone
                passed += gone
                maker.lots -= gone
                price[1] -= gone
                if maker.lots == 0:
                    leave(queues, s, slot, n)
            slot = behind
        if price[1] == 0:
            drop_price(queues, s, other, n)
        tell_change(queues, s, other, at, price[1] if n < price_count(queues, s, other) and queues.prices[s, other, n, 0] == at else 0)
        n -= 1
    if passed > 0:
        join(queues, s, 0, 0, other, ticks, passed, 0)
    if left + passed > 0:
        tell_trade(queues, s, ticks, left + passed, side, 0, 0, at_ns)


@kernel
def _flow_one(queues: Any, flow: Any) -> int:
    """One row of flow; 1 where there is no room."""
    s = flow.instrument
    if flow.what == 0:
        return come(queues, s, 0, 0, flow.side, flow.ticks, flow.lots, 0, 0, 0, flow.at_ns)
    if flow.what == 1:
        _pull(queues, s, flow.side, flow.ticks, flow.lots)
    elif flow.what == 3:
        return _set_level(queues, s, flow.side, flow.ticks, flow.lots, flow.at_ns)
    elif flow.what == 4:
        _print(queues, s, flow.side, flow.ticks, flow.lots, flow.at_ns)
    else:
        queues.row[s].sweep += 1
        take(queues, s, 0, 0, flow.side, flow.ticks, flow.lots, 0, 0, flow.at_ns)
    return 0


@kernel
def flow_in(queues: Any, flow: Any, first: int) -> int:
    """Let the background act, rows (K,) Flow from `first` on; the place of the first row that was not taken in.

    That is K, unless `fills` could become too small: read it and go on from there. Rows for which a book has no room are left out.
    """
    result = queues.result[0]
    result.fills = 0
    for n in range(first, len(flow)):
        if result.fills + FILLS * queues.row[flow[n].instrument].own > len(queues.fills):
            return n
        _flow_one(queues, flow[n])
    return len(flow)
