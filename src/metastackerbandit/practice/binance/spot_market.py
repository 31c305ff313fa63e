"""What everybody may ask a spot market: the clock, symbols, books, trades, candles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.allowance import Limit
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.practice.binance.klines import INTERVALS, candles_of, closed_at
from metastackerbandit.practice.binance.spot_info import BAD_STATUS, info, place_of_symbol, places_asked, status_of
from metastackerbandit.practice.binance.words import BAD_INTERVAL
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.replies import Asked, Parameters, Route, Routes, WireRefusal
from metastackerbandit.practice.snapshots import DEEPEST, Snapshots
from metastackerbandit.practice.tape import joined_between, trades_between
from metastackerbandit.practice.venue_time import VenueTime
from metastackerbandit.simulation.exchange_words import ASSET_ONE


def kline_row(bar: Any, closed_ns: int, amounts: Amounts) -> list[Any]:
    """A candle as a list. Sizes are put back on the symbol's steps, from which floats differ by rounding."""
    volume, taker = (round(bar[name] * ASSET_ONE / amounts.lot) for name in ("volume", "taker_volume"))
    quote = round(bar["quote_volume"] * ASSET_ONE)
    taker_quote = round(quote * (taker / volume)) if volume else 0
    prices = [amounts.price(int(bar[name])) for name in ("open", "high", "low", "close")]
    opened_ms, closed_ms = int(bar["opened_ns"]) // MILLI_NS, closed_ns // MILLI_NS - 1
    return [opened_ms, *prices, amounts.size(volume), closed_ms, text8(quote), int(bar["trades"]), amounts.size(taker), text8(taker_quote), "0"]


class SpotMarket:
    """Handlers of public requests."""

    def __init__(self, floor: Floor, amounts: Sequence[Amounts], limits: Sequence[Limit], time: VenueTime, snapshots: Snapshots) -> None:
        self._floor, self._amounts, self._limits, self._time, self._snapshots = floor, amounts, limits, time, snapshots

    def ping(self, asked: Asked) -> dict[str, Any]:
        """Nothing."""
        return {}

    def time(self, asked: Asked) -> dict[str, Any]:
        """The venue's clock, and how quick it is: `rate` venue seconds a wall second (the real venue does not say so)."""
        return {"serverTime": self._time.told_ms(), "rate": self._time.speed}

    def info(self, asked: Asked) -> dict[str, Any]:
        """exchangeInfo."""
        asked.given.maybe("permissions")
        asked.given.flag("showPermissionSets", True)
        status = asked.given.maybe("symbolStatus")
        places, _ = places_asked(self._floor, asked.given)
        places = [s for s in places if status is None or status_of(self._floor, s) == status]
        return info(self._floor, self._amounts, self._limits, self._time.told_ms(), places)

    def depth(self, asked: Asked) -> dict[str, Any]:
        """A book."""
        s = self._place(asked)
        book, amounts = self._snapshots.take(s, min(asked.given.whole("limit", 100, 1), DEEPEST)), self._amounts[s]
        return {"lastUpdateId": book.update, "bids": amounts.levels(book.bids), "asks": amounts.levels(book.asks)}

    def trades(self, asked: Asked) -> list[dict[str, Any]]:
        """The newest trades, or those from `fromId` on."""
        s, limit = self._place(asked), asked.given.whole("limit", 500, 1, 1_000)
        newest = int(self._floor.exchange.queues.row[s]["trade"])
        first = asked.given.whole("fromId", newest - limit + 1, 0) if asked.given.given.get("fromId") else newest - limit + 1
        return [self._trade(s, one) for one in trades_between(self._floor.exchange.queues, s, max(first, 1) - 1, max(first, 1) + limit - 1)]

    def joined(self, asked: Asked) -> list[dict[str, Any]]:
        """Aggregated trades by number or time."""
        s, given = self._place(asked), asked.given
        limit, first, start, end = given.whole("limit", 500, 1, 1_000), given.whole("fromId", -1), _time(given, "startTime"), _time(given, "endTime")
        newest = int(self._floor.tape.row[s]["number"])
        if first >= 0:
            found = joined_between(self._floor.tape, s, max(first, 1) - 1, max(first, 1) + limit - 1)
        elif start is None and end is None:
            found = joined_between(self._floor.tape, s, newest - limit, newest)
        else:
            every = joined_between(self._floor.tape, s, 0, newest)
            every = [one for one in every if (start or 0) <= one[3] // MILLI_NS <= (2**62 if end is None else end)]
            found = every[:limit] if start is not None else every[-limit:]
        return [self._joined(s, one) for one in found]

    def klines(self, asked: Asked) -> list[list[Any]]:
        """Candles."""
        s, given = self._place(asked), asked.given
        interval = given.one_of("interval", INTERVALS, BAD_INTERVAL)
        if given.maybe("timeZone") not in (None, "0", "00:00", "+00:00"):
            raise WireRefusal(400, -1100, "Illegal characters found in parameter 'timeZone'; only UTC is served here.")
        start, end, limit = _time(given, "startTime"), _time(given, "endTime"), given.whole("limit", 500, 1, 1_000)
        from_ns, to_ns = (start or 0) * MILLI_NS, (2**62 if end is None else end * MILLI_NS + 1)
        bars = candles_of(self._floor.board, s, interval, from_ns, to_ns, limit, newest=start is None)
        return [kline_row(bar, closed_at(interval, int(bar["opened_ns"])), self._amounts[s]) for bar in bars]

    def _place(self, asked: Asked) -> int:
        s = place_of_symbol(self._floor, asked.given.text("symbol"))
        if asked.given.maybe("symbolStatus") not in (None, status_of(self._floor, s)):
            raise WireRefusal(*BAD_STATUS)
        return s

    def _trade(self, s: int, one: tuple[int, ...]) -> dict[str, Any]:
        number, at_ns, ticks, lots, is_sold, *_ = one
        amounts = self._amounts[s]
        return {
            "id": number,
            "price": amounts.price(ticks),
            "qty": amounts.size(lots),
            "quoteQty": amounts.quote(ticks * lots),
            "time": at_ns // MILLI_NS,
            "isBuyerMaker": bool(is_sold),
            "isBestMatch": True,
        }

    def _joined(self, s: int, one: tuple[int, ...]) -> dict[str, Any]:
        number, first, last, at_ns, ticks, lots, is_sold, _ = one
        amounts = self._amounts[s]
        price, size = amounts.price(ticks), amounts.size(lots)
        return {"a": number, "p": price, "q": size, "f": first, "l": last, "T": at_ns // MILLI_NS, "m": bool(is_sold), "M": True}


def _time(given: Parameters, name: str) -> int | None:
    """A time in ms; microseconds are taken too."""
    value = given.whole(name, -1, 0)
    return None if value == -1 and not given.given.get(name) else value // (1_000 if value >= 10**15 else 1)


def _depth_weight(given: Parameters) -> int:
    limit = given.whole("limit", 100)
    return next((weight for most, weight in ((100, 5), (500, 25), (1_000, 50)) if limit <= most), 250)


def market_routes(market: SpotMarket) -> Routes:
    """Their paths and weights."""
    v3 = "/api/v3"
    return {
        ("GET", f"{v3}/ping"): Route(market.ping, 1),
        ("GET", f"{v3}/time"): Route(market.time, 1),
        ("GET", f"{v3}/exchangeInfo"): Route(market.info, 20),
        ("GET", f"{v3}/depth"): Route(market.depth, _depth_weight, kind="snapshot"),
        ("GET", f"{v3}/trades"): Route(market.trades, 25),
        ("GET", f"{v3}/historicalTrades"): Route(market.trades, 25),
        ("GET", f"{v3}/aggTrades"): Route(market.joined, 4),
        ("GET", f"{v3}/klines"): Route(market.klines, 2),
        ("GET", f"{v3}/uiKlines"): Route(market.klines, 2),
    }
