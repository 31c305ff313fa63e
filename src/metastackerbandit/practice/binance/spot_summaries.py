"""What streams of a spot market tell in sum: candles as they form and close, 24 hours of a symbol, the average of five minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.klines import candles_of, closed_at, opened_at, trades_of
from metastackerbandit.practice.binance.spot_market import kline_row
from metastackerbandit.practice.binance.spot_tickers import SpotTickers
from metastackerbandit.practice.floor import Floor

_MOST_CANDLES = 1_000  # between two tellings


class SpotSummaries:
    """Tells sums; what it gives for a stream knows what it has told before."""

    def __init__(self, floor: Floor, amounts: Sequence[Amounts], tickers: SpotTickers) -> None:
        self._floor, self._amounts, self._tickers = floor, amounts, tickers
        self._queues = floor.exchange.queues

    def klines(self, s: int, interval: str) -> Callable[[int], Iterable[Any]]:
        """Candles of an interval: the one that forms, and each that has closed, once."""
        amounts, board = self._amounts[s], self._floor.board
        seen, opened = -1, opened_at(interval, self._floor.now_ns)

        def tell(now_ns: int) -> Iterable[Any]:
            nonlocal seen, opened
            newest = int(self._queues.row[s]["trade"])
            if newest == seen and now_ns < closed_at(interval, opened):
                return []
            seen, told = newest, []
            for bar in candles_of(board, s, interval, opened, 2**62, _MOST_CANDLES, newest=False):
                closed = closed_at(interval, int(bar["opened_ns"]))
                told.append(self._kline(s, bar, interval, closed, now_ns, amounts))
                opened = closed if now_ns >= closed else int(bar["opened_ns"])
            return told

        return tell

    def _kline(self, s: int, bar: Any, interval: str, closed_ns: int, now_ns: int, amounts: Amounts) -> dict[str, Any]:
        opened, o, h, low, c, volume, closed, quote, trades, taker, taker_quote, _ = kline_row(bar, closed_ns, amounts)
        first, last = trades_of(self._queues, s, bar, closed_ns)
        span = {"t": opened, "T": closed, "s": amounts.symbol, "i": interval, "f": first, "L": last}
        prices = {"o": o, "c": c, "h": h, "l": low}
        sums = {"v": volume, "n": trades, "x": now_ns >= closed_ns, "q": quote, "V": taker, "Q": taker_quote, "B": "0"}
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

    def all_minis(self) -> Callable[[int], Iterable[Any]]:
        """Symbols that traded since the last telling."""
        seen = [-1] * len(self._amounts)

        def tell(now_ns: int) -> Iterable[Any]:
            newest = [int(number) for number in self._queues.row["trade"]]
            changed = [s for s, number in enumerate(newest) if number != seen[s]]
            seen[:] = newest
            return [[self.mini(s, now_ns) for s in changed]] if changed else []

        return tell
