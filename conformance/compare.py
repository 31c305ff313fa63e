"""What a client understood, held to what the exchange has: books at the same update, trades by number, candles, orders, fills, balances."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from conformance.served import KEY, TOP, Served
from metastackerbandit.domain.timeframe import MILLI_NS, MINUTE_NS
from metastackerbandit.practice.tape import Levels, joined_between, trades_between
from metastackerbandit.simulation.exchange_words import ASSET_ONE

_STATUS = {"open": "new", "closed": "filled", "canceled": "canceled", "NEW": "new", "FILLED": "filled", "CANCELED": "canceled"}
_LEAST = {
    "books": 10,
    "trades": 1,
    "joined": 1,
    "candles": 30,
    "orders": 3,
    "fills": 1,
    "balances": 2,
    "refusals": 2,
}  # so that nothing passes by being empty


def checked(served: Served, told: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """How much of each sort was compared, and every difference in words."""
    compared: dict[str, int] = {}
    differences: list[str] = []
    for sort, compare in _COMPARE.items():
        if sort in told:
            found = list(compare(served, told[sort]))
            compared[sort] = len(found)
            differences += [f"{sort}: {one}" for one in found if one]
            if len(found) < _LEAST[sort]:
                differences.append(f"{sort}: only {len(found)} of them came")
    return compared, differences


def _equal(what: str, ours: Any, theirs: Any) -> str:
    return "" if ours == theirs else f"{what} is {ours}, the client has {theirs}"


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def _books(served: Served, told: list[Any]) -> Iterator[str]:
    """Levels by update number, or by the time that the event told."""
    for by, key, *sides in told:
        kept = (served.venue.books if by == "update" else served.venue.times).get(key)
        if kept is None:
            yield f"there was no state at {by} {key}"
        else:
            yield _equal(f"the book at {by} {key}", [_priced(side) for side in kept], [_levels(side) for side in sides])


def _priced(levels: Levels) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(ticks) / 100, Decimal(lots) / 100_000) for ticks, lots in levels]


def _levels(side: list[Any]) -> list[tuple[Decimal, Decimal]]:
    return [(_number(price), _number(size)) for price, size, *_ in side[:TOP]]


def _trades(served: Served, told: list[Any]) -> Iterator[str]:
    queues = served.exchange.queues
    for number, price, size, is_sold in told:
        found = trades_between(queues, 0, int(number) - 1, int(number))
        ours = [(Decimal(one[2]) / 100, Decimal(one[3]) / 100_000, bool(one[4])) for one in found]
        yield _equal(f"trade {number}", ours, [(_number(price), _number(size), is_sold)])


def _joined(served: Served, told: list[Any]) -> Iterator[str]:
    """Aggregated trades."""
    for number, price, size, is_sold in told:
        found = joined_between(served.floor.tape, 0, int(number) - 1, int(number))
        ours = [(Decimal(one[4]) / 100, Decimal(one[5]) / 100_000, bool(one[6])) for one in found]
        yield _equal(f"aggregated trade {number}", ours, [(_number(price), _number(size), is_sold)])


def _candles(served: Served, told: list[Any]) -> Iterator[str]:
    bars = served.floor.board.candles(0, MINUTE_NS, 0, 2**62, 2_000, newest=True)
    ours = {int(bar["opened_ns"]) // MILLI_NS: bar for bar in bars}
    for opened, *values in told[:-1]:  # the newest one still formed
        bar = ours[int(opened)]
        prices = [Decimal(int(bar[name])) / 100 for name in ("open", "high", "low", "close")]
        volume = Decimal(round(float(bar["volume"]) * 100_000)) / 100_000
        yield _equal(f"the candle of {opened}", [*prices, volume], [_number(value) for value in values[:5]])


def _orders(served: Served, told: list[Any]) -> Iterator[str]:
    for number, status, filled in told:
        order = served.exchange.orders.by_number(int(number))
        yield _equal(f"order {number}", (order.status, Decimal(order.filled) / 100_000), (_STATUS.get(status, status), _number(filled)))


def _fills(served: Served, told: list[Any]) -> Iterator[str]:
    kept = {one.fill.trade: one.fill for one in served.floor.fills_of(KEY.owner, 0)}
    for number, price, size, fee in told:
        fill = kept[int(number)]
        ours = (Decimal(fill.ticks) / 100, Decimal(fill.lots) / 100_000, Decimal(fill.fee) / ASSET_ONE)
        yield _equal(f"fill {number}", ours, (_number(price), _number(size), _number(fee)))
    yield _equal("the number of fills", len(kept), len(told))


def _balances(served: Served, told: dict[str, Any]) -> Iterator[str]:
    money = served.exchange.spot
    for asset, (free, locked) in told.items():
        ours = (Decimal(money.free[KEY.owner][asset]) / ASSET_ONE, Decimal(money.locked[KEY.owner][asset]) / ASSET_ONE)
        yield _equal(asset, ours, (_number(free), _number(locked)))


def _refusals(served: Served, told: dict[str, Any]) -> Iterator[str]:
    for expected, found in told.items():
        yield _equal("a refusal", expected, found)


_COMPARE: dict[str, Callable[[Served, Any], Iterator[str]]] = {
    "books": _books,
    "trades": _trades,
    "joined": _joined,
    "candles": _candles,
    "orders": _orders,
    "fills": _fills,
    "balances": _balances,
    "refusals": _refusals,
}
