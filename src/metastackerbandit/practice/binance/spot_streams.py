"""Streams of a spot market by name: trades, books and best prices, each as Binance tells it; candles and tickers are summaries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.klines import INTERVALS
from metastackerbandit.practice.binance.spot_summaries import SpotSummaries
from metastackerbandit.practice.binance.spot_tickers import SpotTickers, best_levels
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.hub import Stream
from metastackerbandit.practice.tape import book_side, changes_since, is_lost, joined_between, newest_update, trades_between

_SLOW_S, _QUICK_S, _KLINE_S = 1.0, 0.1, 2.0
_SPEED = {"": _SLOW_S, "@1000ms": _SLOW_S, "@100ms": _QUICK_S}
_DEPTH = re.compile(r"depth(5|10|20|)(@100ms|@1000ms|)")


class Told:
    """A stream that tells what a function gives, which knows what it has told before."""

    is_urgent = False

    def __init__(self, symbol: str, pace_s: float, tell: Callable[[int], Iterable[Any]], *, is_depth: bool = False) -> None:
        self.symbol, self.pace_s, self.is_depth, self.told = symbol, pace_s, is_depth, tell


class SpotStreams:
    """Opens streams by name."""

    def __init__(self, floor: Floor, amounts: Sequence[Amounts], tickers: SpotTickers) -> None:
        self._floor, self._amounts = floor, amounts
        summaries = self._summaries = SpotSummaries(floor, amounts, tickers)
        self._queues = floor.exchange.queues
        self._plain = {"trade": self._trades, "aggTrade": self._joined, "bookTicker": self._best}
        self._by_second = {"miniTicker": summaries.mini, "ticker": summaries.day, "avgPrice": summaries.average}

    def opened(self, name: str) -> Stream | None:
        """A stream, None for a name that means nothing."""
        if name in ("!miniTicker@arr", "!miniTicker@arr@1000ms"):
            return Told("", _SLOW_S, self._summaries.all_minis())
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
            return Told(told, _SLOW_S if interval == "1s" else _KLINE_S, self._summaries.klines(s, interval))
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
