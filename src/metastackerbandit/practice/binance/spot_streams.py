"""Streams of a spot market: trades, books, best prices, candles, tickers, each as Binance tells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.klines import INTERVALS, candles_of, closed_at, opened_at, trades_of
from metastackerbandit.practice.binance.spot_market import SpotMarket, best_levels, kline_row
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.hub import Stream
from metastackerbandit.practice.tape import book_side, changes_since, is_lost, joined_between, newest_update, trades_between
from metastackerbandit.practice.venue_time import MILLI_NS

_SLOW_S, _QUICK_S, _KLINE_S = 1.0, 0.1, 2.0
_SPEED = {"": _SLOW_S, "@1000ms": _SLOW_S, "@100ms": _QUICK_S}
_DEPTH = re.compile(r"depth(5|10|20|)(@100ms|@1000ms|)")
_MOST_CANDLES = 1_000  # between two tellings


class Told:
    """A stream that tells what a function gives, which knows what it has told before."""

    is_urgent = False

    def __init__(self, symbol: str, pace_s: float, tell: Callable[[int], Iterable[Any]], *, is_depth: bool = False) -> None:
        self.symbol, self.pace_s, self.is_depth, self.told = symbol, pace_s, is_depth, tell


class SpotStreams:
    """Opens streams by name."""

    def __init__(self, floor: Floor, amounts: Sequence[Amounts], market: SpotMarket) -> None:
        self._floor, self._amounts, self._market = floor, amounts, market
        self._queues = floor.exchange.queues
        self._plain = {"trade": self._trades, "aggTrade": self._joined, "bookTicker": self._best}
        self._by_second = {"miniTicker": self._mini, "ticker": self._day, "avgPrice": self._average}

    def opened(self, name: str) -> Stream | None:
        """A stream, None for a name that means nothing."""
        if name in ("!miniTicker@arr", "!miniTicker@arr@1000ms"):
            return Told("", _SLOW_S, self._all_minis())
        symbol, _, sort = name.partition("@")
        s = self._floor.index.get(symbol.upper()) if symbol == symbol.lower() else None
        if s is None:
            return None
        told = self._amounts[s].symbol
        if sort in self._plain:
            return Told(told, 0.0, self._plain[sort](s))
        if sort in self._by_second:
            tell = self._by_second[sort]
            return Told(told, _SLOW_S, lambda now_ns: [tell(s, now_ns)])
        interval = sort.removeprefix("kline_")
        if interval != sort and interval in INTERVALS:
            return Told(told, _SLOW_S if interval == "1s" else _KLINE_S, self._klines(s, interval))
        if found := _DEPTH.fullmatch(sort):
            pace_s = _SPEED[found[2]]
            return Told(told, pace_s, self._partial(s, int(found[1])) if found[1] else self._changes(s), is_depth=not found[1])
        return None

    # -- as it happens -------------------------------------------------------------------------------------------------

    def _trades(self, s: int) -> Callable[[int], Iterable[Any]]:
        seen, amounts = int(self._queues.row[s]["trade"]), self._amounts[s]

        def tell(now_ns: int) -> Iterable[Any]:
            nonlocal seen
            newest = int(self._queues.row[s]["trade"])
            found, seen = trades_between(self._queues, s, seen, newest), newest
            now_ms = now_ns // MILLI_NS
            return [
                {
                    "e": "trade",
                    "E": now_ms,
                    "s": amounts.symbol,
                    "t": number,
                    "p": amounts.price(ticks),
                    "q": amounts.size(lots),
                    "T": at_ns // MILLI_NS,
                    "m": bool(is_sold),
                    "M": True,
                }
                for number, at_ns, ticks, lots, is_sold, *_ in found
            ]

        return tell

    def _joined(self, s: int) -> Callable[[int], Iterable[Any]]:
        seen, amounts = int(self._floor.tape.row[s]["number"]), self._amounts[s]

        def tell(now_ns: int) -> Iterable[Any]:
            nonlocal seen
            newest = int(self._floor.tape.row[s]["number"])
            found, seen = joined_between(self._floor.tape, s, seen, newest), newest
            now_ms = now_ns // MILLI_NS
            return [
                {
                    "e": "aggTrade",
                    "E": now_ms,
                    "s": amounts.symbol,
                    "a": number,
                    "p": amounts.price(ticks),
                    "q": amounts.size(lots),
                    "f": first,
                    "l": last,
                    "T": at_ns // MILLI_NS,
                    "m": bool(is_sold),
                    "M": True,
                }
                for number, first, last, at_ns, ticks, lots, is_sold, _ in found
            ]

        return tell

    def _best(self, s: int) -> Callable[[int], Iterable[Any]]:
        seen, before = newest_update(self._queues, s), best_levels(self._floor, s)
        amounts = self._amounts[s]

        def tell(now_ns: int) -> Iterable[Any]:
            nonlocal seen, before
            newest = newest_update(self._queues, s)
            if newest == seen:
                return []
            seen, best = newest, best_levels(self._floor, s)
            if best == before:
                return []
            before = best
            (bid, bid_lots), (ask, ask_lots) = best
            told = {"b": amounts.price(bid), "B": amounts.size(bid_lots), "a": amounts.price(ask), "A": amounts.size(ask_lots)}
            return [{"u": newest, "s": amounts.symbol, **told}]

        return tell

    # -- books -------------------------------------------------------------------------------------------------------

    def _changes(self, s: int) -> Callable[[int], Iterable[Any]]:
        seen, amounts = newest_update(self._queues, s), self._amounts[s]

        def tell(now_ns: int) -> Iterable[Any]:
            nonlocal seen
            if is_lost(self._queues, s, seen):  # too much for the ring: clients see a gap, as they would
                seen = newest_update(self._queues, s)
            chunk = changes_since(self._queues, s, seen)
            if chunk is None:
                return []
            seen = chunk.last
            sides = {"b": amounts.levels(chunk.bids), "a": amounts.levels(chunk.asks)}
            return [{"e": "depthUpdate", "E": now_ns // MILLI_NS, "s": amounts.symbol, "U": chunk.first, "u": chunk.last, **sides}]

        return tell

    def _partial(self, s: int, limit: int) -> Callable[[int], Iterable[Any]]:
        amounts = self._amounts[s]

        def tell(now_ns: int) -> Iterable[Any]:
            bids, asks = (amounts.levels(book_side(self._queues, s, side, limit)) for side in (0, 1))
            return [{"lastUpdateId": newest_update(self._queues, s), "bids": bids, "asks": asks}]

        return tell

    # -- candles and tickers -------------------------------------------------------------------------------------------

    def _klines(self, s: int, interval: str) -> Callable[[int], Iterable[Any]]:
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

    def _mini(self, s: int, now_ns: int) -> dict[str, Any]:
        day = self._market.day_of(s, now_ns, is_mini=True)
        prices = {"c": day["lastPrice"], "o": day["openPrice"], "h": day["highPrice"], "l": day["lowPrice"]}
        return {"e": "24hrMiniTicker", "E": now_ns // MILLI_NS, "s": day["symbol"], **prices, "v": day["volume"], "q": day["quoteVolume"]}

    def _day(self, s: int, now_ns: int) -> dict[str, Any]:
        day = self._market.day_of(s, now_ns, is_mini=False)
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

    def _average(self, s: int, now_ns: int) -> dict[str, Any]:
        told = self._market.average_of(s, now_ns)
        price = {"i": f"{told['mins']}m", "w": told["price"], "T": told["closeTime"]}
        return {"e": "avgPrice", "E": now_ns // MILLI_NS, "s": self._amounts[s].symbol, **price}

    def _all_minis(self) -> Callable[[int], Iterable[Any]]:
        """Symbols that traded since the last telling."""
        seen = [-1] * len(self._amounts)

        def tell(now_ns: int) -> Iterable[Any]:
            newest = [int(number) for number in self._queues.row["trade"]]
            changed = [s for s, number in enumerate(newest) if number != seen[s]]
            seen[:] = newest
            return [[self._mini(s, now_ns) for s in changed]] if changed else []

        return tell
