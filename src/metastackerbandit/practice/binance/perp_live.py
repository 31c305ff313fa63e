"""Streams of Binance USD-M by name: each tells what is new since it was last asked, at the pace that its name says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance import perp_streams
from metastackerbandit.practice.binance.perp_public import FRAMES
from metastackerbandit.practice.binance.perp_venue import PerpVenue
from metastackerbandit.practice.binance.readers import Tell, Told, bests, candles, changes, joined, traded, trades
from metastackerbandit.practice.day import day_of
from metastackerbandit.practice.hub import Stream
from metastackerbandit.practice.tape import Bests, Chunk, book_side, newest_update
from metastackerbandit.simulation.queues import BUY, SELL

_DEPTH = re.compile(r"depth(5|10|20)?(?:@(100|250|500)ms)?")
_KLINE = re.compile(r"(kline|continuousKline)_(\w+)")
_MARK_S, _BEST_S, _DAY_S, _DAYS_S = 3.0, 5.0, 2.0, 1.0  # wall seconds, as the venue's pages state them
_TRADES_S, _CANDLE_S, _FORCED_S = 0.1, 0.25, 1.0


def public_stream(venue: PerpVenue, name: str) -> Stream | None:
    """Books and best prices, and single trades; None for any other name."""
    if name == "!bookTicker":
        return Told("", _BEST_S, _bests(venue, venue.places(None)))
    s, word = _named(venue, name)
    if s is None:
        return None
    symbol = venue.steps[s].symbol
    if word == "bookTicker":
        return Told(symbol, 0.0, _bests(venue, (s,)))
    if word == "trade":
        return Told(symbol, 0.0, _trades(venue, s))
    if found := _DEPTH.fullmatch(word):
        levels, speed = found.groups()
        tell = _levels(venue, s, int(levels)) if levels else _changes(venue, s)
        return Told(symbol, int(speed or 250) / 1_000, tell, is_depth=not levels)
    return None


def market_stream(venue: PerpVenue, name: str) -> Stream | None:
    """Trades, candles, marks, days and liquidations (of which there are none); None for any other name."""
    steps, days, every = venue.steps, venue.floor.days, venue.places(None)

    def mini(s: int, now_ns: int) -> Any:
        return perp_streams.mini_ticker(day_of(days, s, now_ns), steps[s], now_ns // MILLI_NS)

    def full(s: int, now_ns: int) -> Any:
        return perp_streams.ticker(day_of(days, s, now_ns), steps[s], now_ns // MILLI_NS)

    everything: dict[str, Callable[[], Stream]] = {
        "!markPrice@arr": lambda: Told("", _MARK_S, lambda now_ns: (list(_marks(venue, every, now_ns)),)),
        "!markPrice@arr@1s": lambda: Told("", 1.0, lambda now_ns: (list(_marks(venue, every, now_ns)),)),
        "!miniTicker@arr": lambda: Told("", _DAYS_S, traded(venue.floor, mini)),
        "!ticker@arr": lambda: Told("", _DAYS_S, traded(venue.floor, full)),
        "!forceOrder@arr": lambda: Told("", _FORCED_S, lambda now_ns: ()),
    }
    if name in everything:
        return everything[name]()
    s, word = _named(venue, name)
    if s is None:
        return None
    symbol = steps[s].symbol
    if found := _KLINE.fullmatch(word):
        return Told(symbol, _CANDLE_S, _candles(venue, s, found[2], is_pair=found[1] == "continuousKline")) if found[2] in FRAMES else None
    one: dict[str, Callable[[], Stream]] = {
        "aggTrade": lambda: Told(
            symbol, _TRADES_S, joined(venue.floor, s, lambda one, now_ns: perp_streams.agg_trade(steps[s], one, now_ns // MILLI_NS))
        ),
        "trade": lambda: Told(symbol, 0.0, _trades(venue, s)),
        "markPrice": lambda: Told(symbol, _MARK_S, lambda now_ns: _marks(venue, (s,), now_ns)),
        "markPrice@1s": lambda: Told(symbol, 1.0, lambda now_ns: _marks(venue, (s,), now_ns)),
        "miniTicker": lambda: Told(symbol, _DAY_S, lambda now_ns: (mini(s, now_ns),)),
        "ticker": lambda: Told(symbol, _DAY_S, lambda now_ns: (full(s, now_ns),)),
        "forceOrder": lambda: Told(symbol, _FORCED_S, lambda now_ns: ()),
    }
    return one[word]() if word in one else None


def _named(venue: PerpVenue, name: str) -> tuple[int | None, str]:
    """The place of a stream's symbol, and what the stream is of."""
    symbol, _, word = name.partition("@")
    return venue.floor.index.get(symbol.upper().removesuffix("_PERPETUAL")), word


def _marks(venue: PerpVenue, places: Iterable[int], now_ns: int) -> Iterator[Any]:
    """Marks that are known."""
    for s in places:
        if venue.exchange.marks[s]:
            yield perp_streams.mark(venue.steps[s], venue.exchange.marks[s], venue.funding.rates[s], venue.funding.next_ns, now_ns // MILLI_NS)


def _trades(venue: PerpVenue, s: int) -> Tell:
    return trades(venue.floor, s, lambda one, now_ns: perp_streams.trade(venue.steps[s], one, now_ns // MILLI_NS))


def _joined(venue: PerpVenue, s: int) -> Tell:
    return joined(venue.floor, s, lambda one, now_ns: perp_streams.agg_trade(venue.steps[s], one, now_ns // MILLI_NS))


def _bests(venue: PerpVenue, places: Iterable[int]) -> Tell:
    """Best prices, where both sides have one."""

    def form(s: int, update: int, best: Bests, now_ns: int) -> Any:
        bid, ask = best
        return perp_streams.book_ticker(venue.steps[s], update, bid, ask, now_ns // MILLI_NS) if bid[0] and ask[0] else None

    return bests(venue.floor, places, form, tells_first=True)


def _changes(venue: PerpVenue, s: int) -> Tell:
    """Changes of a book; `pu` of a chunk is where the one before it ended."""

    def form(chunk: Chunk, before: int, now_ns: int) -> Any:
        return perp_streams.depth(venue.steps[s], chunk.first, chunk.last, before, chunk.bids, chunk.asks, now_ns // MILLI_NS)

    return changes(venue.floor, s, form)


def _levels(venue: PerpVenue, s: int, levels: int) -> Tell:
    """The best levels of a book as they are, where they changed."""
    queues, seen = venue.exchange.queues, 0

    def tell(now_ns: int) -> Iterator[Any]:
        nonlocal seen
        before, seen = seen, newest_update(queues, s)
        if seen != before:
            bids, asks = (book_side(queues, s, side, levels) for side in (BUY, SELL))
            yield perp_streams.depth(venue.steps[s], before + 1, seen, before, bids, asks, now_ns // MILLI_NS)

    return tell


def _candles(venue: PerpVenue, s: int, interval: str, *, is_pair: bool) -> Tell:
    """Candles; `is_pair` tells them in the form of continuous contracts."""
    form = perp_streams.continuous_kline if is_pair else perp_streams.kline
    return candles(venue.floor, s, interval, lambda *told: form(venue.steps[s], interval, *told))
