"""What streams of a spot market tell in sum: candles as they form and close, 24 hours of a symbol, the average of five minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.readers import Tell, candles, traded
from metastackerbandit.practice.binance.spot_market import kline_row
from metastackerbandit.practice.binance.spot_tickers import SpotTickers
from metastackerbandit.practice.floor import Floor


class SpotSummaries:
    """Tells sums; what it gives for a stream knows what it has told before."""

    def __init__(self, floor: Floor, amounts: Sequence[Amounts], tickers: SpotTickers) -> None:
        self._floor, self._amounts, self._tickers = floor, amounts, tickers

    def klines(self, s: int, interval: str) -> Tell:
        """Candles of an interval."""
        return candles(self._floor, s, interval, lambda *told: self._kline(s, interval, *told))

    def _kline(self, s: int, interval: str, bar: Any, trades: tuple[int, int], closed_ns: int, now_ns: int) -> dict[str, Any]:
        amounts, (first, last) = self._amounts[s], trades
        opened, o, h, low, c, volume, closed, quote, count, taker, taker_quote, _ = kline_row(bar, closed_ns, amounts)
        span = {"t": opened, "T": closed, "s": amounts.symbol, "i": interval, "f": first, "L": last}
        prices = {"o": o, "c": c, "h": h, "l": low}
        sums = {"v": volume, "n": count, "x": now_ns >= closed_ns, "q": quote, "V": taker, "Q": taker_quote, "B": "0"}
        return {"e": "kline", "E": now_ns // MILLI_NS, "s": amounts.symbol, "k": span | prices | sums}

    def mini(self, s: int, now_ns: int) -> dict[str, Any]:
        """24 hours in short."""
        day = self._tickers.day_of(s, now_ns, is_mini=True)
        prices = {"c": day["lastPrice"], "o": day["openPrice"], "h": day["highPrice"], "l": day["lowPrice"]}
        return {"e": "24hrMiniTicker", "E": now_ns // MILLI_NS, "s": day["symbol"], **prices, "v": day["volume"], "q": day["quoteVolume"]}

    def day(self, s: int, now_ns: int) -> dict[str, Any]:
        """24 hours."""
        day = self._tickers.day_of(s, now_ns, is_mini=False)
        words = {
            "s": "symbol",
            "p": "priceChange",
            "P": "priceChangePercent",
            "w": "weightedAvgPrice",
            "x": "prevClosePrice",
            "c": "lastPrice",
            "Q": "lastQty",
            "b": "bidPrice",
            "B": "bidQty",
            "a": "askPrice",
            "A": "askQty",
            "o": "openPrice",
            "h": "highPrice",
            "l": "lowPrice",
            "v": "volume",
            "q": "quoteVolume",
            "O": "openTime",
            "C": "closeTime",
            "F": "firstId",
            "L": "lastId",
            "n": "count",
        }
        return {"e": "24hrTicker", "E": now_ns // MILLI_NS, **{word: day[name] for word, name in words.items()}}

    def average(self, s: int, now_ns: int) -> dict[str, Any]:
        """The average price of five minutes."""
        told = self._tickers.average_of(s, now_ns)
        price = {"i": f"{told['mins']}m", "w": told["price"], "T": told["closeTime"]}
        return {"e": "avgPrice", "E": now_ns // MILLI_NS, "s": self._amounts[s].symbol, **price}

    def all_minis(self) -> Tell:
        """Symbols that traded since the last telling."""
        return traded(self._floor, self.mini)
