"""Streams of a spot market by name: trades, books and best prices, each as Binance tells it; candles and tickers are summaries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.klines import INTERVALS
from metastackerbandit.practice.binance.readers import Tell, Told, bests, changes, joined, trades
from metastackerbandit.practice.binance.spot_summaries import SpotSummaries
from metastackerbandit.practice.binance.spot_tickers import SpotTickers
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.hub import Stream
from metastackerbandit.practice.tape import Bests, Chunk, book_side, newest_update

_SLOW_S, _QUICK_S, _KLINE_S = 1.0, 0.1, 2.0
_SPEED = {"": _SLOW_S, "@1000ms": _SLOW_S, "@100ms": _QUICK_S}
_DEPTH = re.compile(r"depth(5|10|20|)(@100ms|@1000ms|)")


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

    def _trades(self, s: int) -> Tell:
        return trades(self._floor, s, lambda one, now_ns: trade(self._amounts[s], one, now_ns))

    def _joined(self, s: int) -> Tell:
        return joined(self._floor, s, lambda one, now_ns: joined_trade(self._amounts[s], one, now_ns))

    def _best(self, s: int) -> Tell:
        return bests(self._floor, (s,), lambda s, update, best, now_ns: book_ticker(self._amounts[s], update, best), tells_first=False)

    def _changes(self, s: int) -> Tell:
        return changes(self._floor, s, lambda chunk, before, now_ns: depth_update(self._amounts[s], chunk, now_ns))

    def _partial(self, s: int, limit: int) -> Tell:
        amounts = self._amounts[s]

        def tell(now_ns: int) -> Iterable[Any]:
            bids, asks = (amounts.levels(book_side(self._queues, s, side, limit)) for side in (0, 1))
            return [{"lastUpdateId": newest_update(self._queues, s), "bids": bids, "asks": asks}]

        return tell


def trade(amounts: Amounts, one: Sequence[int], now_ns: int) -> dict[str, Any]:
    """One trade (fields of Traded)."""
    number, at_ns, ticks, lots, is_sold, *_ = one
    return {"e": "trade", "E": now_ns // MILLI_NS, "s": amounts.symbol, "t": number, **_at_a_price(amounts, ticks, lots, at_ns, is_sold)}


def joined_trade(amounts: Amounts, one: Sequence[int], now_ns: int) -> dict[str, Any]:
    """One aggregated trade (fields of Joined)."""
    number, first, last, at_ns, ticks, lots, is_sold, _ = one
    told = {"e": "aggTrade", "E": now_ns // MILLI_NS, "s": amounts.symbol, "a": number}
    return {**told, "f": first, "l": last, **_at_a_price(amounts, ticks, lots, at_ns, is_sold)}


def _at_a_price(amounts: Amounts, ticks: int, lots: int, at_ns: int, is_sold: int) -> dict[str, Any]:
    """What every trade says."""
    return {"p": amounts.price(ticks), "q": amounts.size(lots), "T": at_ns // MILLI_NS, "m": bool(is_sold), "M": True}


def book_ticker(amounts: Amounts, update: int, best: Bests) -> dict[str, Any]:
    """The best prices."""
    (bid, bid_lots), (ask, ask_lots) = best
    told = {"b": amounts.price(bid), "B": amounts.size(bid_lots), "a": amounts.price(ask), "A": amounts.size(ask_lots)}
    return {"u": update, "s": amounts.symbol, **told}


def depth_update(amounts: Amounts, chunk: Chunk, now_ns: int) -> dict[str, Any]:
    """Changes of a book."""
    sides = {"b": amounts.levels(chunk.bids), "a": amounts.levels(chunk.asks)}
    return {"e": "depthUpdate", "E": now_ns // MILLI_NS, "s": amounts.symbol, "U": chunk.first, "u": chunk.last, **sides}
