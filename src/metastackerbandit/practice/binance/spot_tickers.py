"""Tickers of a spot market: the last 24 hours, the newest price, the best prices, the average of five minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS, MINUTE_NS
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.practice.binance.spot_info import BAD_STATUS, place_of_symbol, places_asked, status_of
from metastackerbandit.practice.day import day_of
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.replies import Asked, Route, Routes, WireRefusal, one_or_all
from metastackerbandit.practice.tape import best_levels
from metastackerbandit.simulation.exchange_words import ASSET_ONE

_MINUTES = 5  # of avgPrice
_BAD_TYPE = (400, -1130, "Data sent for parameter 'type' is not valid.")


class SpotTickers:
    """Handlers of what is told of a symbol in short, and the same for streams."""

    def __init__(self, floor: Floor, amounts: Sequence[Amounts]) -> None:
        self._floor, self._amounts = floor, amounts

    def average(self, asked: Asked) -> dict[str, Any]:
        """The average price of five minutes."""
        return self.average_of(place_of_symbol(self._floor, asked.given.text("symbol")), asked.now_ns)

    def average_of(self, s: int, now_ns: int) -> dict[str, Any]:
        """The average price of the last five minutes, the newest price where nothing was traded in them."""
        bars = self._floor.board.candles(s, MINUTE_NS, now_ns - _MINUTES * MINUTE_NS, 2**62, _MINUTES + 1, newest=True)
        volume = float(bars["volume"].sum())
        price = text8(round(float(bars["quote_volume"].sum()) / volume * ASSET_ONE)) if volume > 0 else self._amounts[s].price(self._last(s))
        return {"mins": _MINUTES, "price": price, "closeTime": now_ns // MILLI_NS}

    def day(self, asked: Asked) -> Any:
        """24 hours of one symbol, of some, of all."""
        is_mini = asked.given.one_of("type", ("FULL", "MINI"), _BAD_TYPE, "FULL") == "MINI"
        return self._of_each(asked, lambda s: self.day_of(s, asked.now_ns, is_mini=is_mini))

    def price(self, asked: Asked) -> Any:
        """The newest price."""
        return self._of_each(asked, lambda s: {"symbol": self._amounts[s].symbol, "price": self._amounts[s].price(self._last(s))})

    def best(self, asked: Asked) -> Any:
        """The best prices."""
        return self._of_each(asked, lambda s: {"symbol": self._amounts[s].symbol, **self._best(s)})

    def day_of(self, s: int, now_ns: int, *, is_mini: bool) -> dict[str, Any]:
        """24 hours of a symbol."""
        day, amounts = day_of(self._floor.days, s, now_ns), self._amounts[s]
        plain = {
            "openPrice": amounts.price(day.open),
            "highPrice": amounts.price(day.high),
            "lowPrice": amounts.price(day.low),
            "lastPrice": amounts.price(day.close),
            "volume": amounts.size(day.lots),
            "quoteVolume": amounts.quote(day.turnover),
            "openTime": day.opened_ns // MILLI_NS,
            "closeTime": now_ns // MILLI_NS,
            "firstId": day.first,
            "lastId": day.last,
            "count": day.trades,
        }
        if is_mini:
            return {"symbol": amounts.symbol, **plain}
        change = day.close - day.open
        return {
            "symbol": amounts.symbol,
            "priceChange": amounts.price(change),
            "priceChangePercent": f"{100 * change / day.open if day.open else 0:.3f}",
            "weightedAvgPrice": amounts.average(day.turnover, day.lots),
            "prevClosePrice": amounts.price(day.before),
            "lastQty": amounts.size(day.last_lots),
            **self._best(s),
            **plain,
        }

    def _best(self, s: int) -> dict[str, str]:
        bid, ask = best_levels(self._floor.exchange.queues, s)
        amounts = self._amounts[s]
        return {
            "bidPrice": amounts.price(bid[0]),
            "bidQty": amounts.size(bid[1]),
            "askPrice": amounts.price(ask[0]),
            "askQty": amounts.size(ask[1]),
        }

    def _of_each(self, asked: Asked, one: Any) -> Any:
        places, is_single = places_asked(self._floor, asked.given)
        status = asked.given.maybe("symbolStatus")
        if is_single and status is not None and status_of(self._floor, places[0]) != status:
            raise WireRefusal(*BAD_STATUS)
        told = [one(s) for s in places if status is None or status_of(self._floor, s) == status]
        return told[0] if is_single else told

    def _last(self, s: int) -> int:
        """The newest price; before the first trade here, the one that the past ended with."""
        return int(self._floor.exchange.queues.row[s]["last_ticks"]) or day_of(self._floor.days, s, self._floor.now_ns).close


def ticker_routes(tickers: SpotTickers) -> Routes:
    """Their paths and weights."""
    v3 = "/api/v3"
    return {
        ("GET", f"{v3}/avgPrice"): Route(tickers.average, 2),
        ("GET", f"{v3}/ticker/24hr"): Route(tickers.day, one_or_all(2, 80)),
        ("GET", f"{v3}/ticker/price"): Route(tickers.price, one_or_all(2, 4)),
        ("GET", f"{v3}/ticker/bookTicker"): Route(tickers.best, one_or_all(2, 4)),
    }
