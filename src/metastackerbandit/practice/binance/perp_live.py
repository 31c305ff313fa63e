"""Streams of Binance USD-M by name: each tells what is new since it was last asked, at the pace that its name says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance import perp_streams
from metastackerbandit.practice.binance.perp_candles import CandleStream
from metastackerbandit.practice.binance.perp_public import FRAMES
from metastackerbandit.practice.binance.perp_venue import Best, PerpVenue
from metastackerbandit.practice.day import Day, day_of
from metastackerbandit.practice.hub import Stream
from metastackerbandit.practice.tape import book_side, changes_since, joined_between, newest_update, trades_between
from metastackerbandit.simulation.queues import BUY, SELL

_DEPTH = re.compile(r"depth(5|10|20)?(?:@(100|250|500)ms)?")
_KLINE = re.compile(r"(kline|continuousKline)_(\w+)")
_MARK_S, _BEST_S, _DAY_S, _DAYS_S = 3.0, 5.0, 2.0, 1.0  # wall seconds, as the venue's pages state them
_TRADES_S, _CANDLE_S, _FORCED_S = 0.1, 0.25, 1.0


class Told:
    """A stream of one symbol, or of all (`symbol` ""), that is told at its pace."""

    is_urgent = False
    is_depth = False

    def __init__(self, pace_s: float, symbol: str, made: Callable[[int], Iterable[Any]]) -> None:
        self.pace_s, self.symbol, self._made = pace_s, symbol, made

    def told(self, now_ns: int) -> Iterable[Any]:
        """Events since it was last asked."""
        return self._made(now_ns)


class DepthStream:
    """Changes of a book, in chunks of one pace; `pu` of a chunk is where the one before it ended."""

    is_urgent = False
    is_depth = True

    def __init__(self, venue: PerpVenue, s: int, pace_s: float) -> None:
        self.pace_s, self.symbol = pace_s, venue.steps[s].symbol
        self._venue, self._s, self._queues = venue, s, venue.exchange.queues
        self._seen = newest_update(self._queues, s)

    def told(self, now_ns: int) -> Iterable[Any]:
        """The changes since the last chunk; where they are lost the next chunk does not follow, as readers will see."""
        before, chunk = self._seen, changes_since(self._queues, self._s, self._seen)
        self._seen = newest_update(self._queues, self._s)
        if chunk is None:
            return
        steps = self._venue.steps[self._s]
        yield perp_streams.depth(steps, chunk.first, chunk.last, before, chunk.bids, chunk.asks, now_ns // MILLI_NS)


class BestLevels:
    """The best levels of a book as they are, where they changed."""

    is_urgent = False
    is_depth = False

    def __init__(self, venue: PerpVenue, s: int, levels: int, pace_s: float) -> None:
        self.pace_s, self.symbol = pace_s, venue.steps[s].symbol
        self._venue, self._s, self._levels, self._queues = venue, s, levels, venue.exchange.queues
        self._seen = 0

    def told(self, now_ns: int) -> Iterable[Any]:
        """The levels."""
        before, update = self._seen, newest_update(self._queues, self._s)
        if update == before:
            return
        self._seen = update
        bids, asks = (book_side(self._queues, self._s, side, self._levels) for side in (BUY, SELL))
        yield perp_streams.depth(self._venue.steps[self._s], before + 1, update, before, bids, asks, now_ns // MILLI_NS)


class Bests:
    """Best prices of these instruments, where they changed."""

    is_urgent = False
    is_depth = False

    def __init__(self, venue: PerpVenue, places: Iterable[int], pace_s: float, symbol: str) -> None:
        self.pace_s, self.symbol = pace_s, symbol
        self._venue = venue
        self._told: dict[int, Best] = dict.fromkeys(places, (0, (0, 0), (0, 0)))

    def told(self, now_ns: int) -> Iterator[Any]:
        """One event an instrument."""
        for s, before in self._told.items():
            if newest_update(self._venue.exchange.queues, s) == before[0]:
                continue
            update, bid, ask = best = self._venue.best(s)
            self._told[s] = best
            if (bid, ask) != before[1:] and bid[0] and ask[0]:
                yield perp_streams.book_ticker(self._venue.steps[s], update, bid, ask, now_ns // MILLI_NS)


class Trades:
    """Trades of an instrument, or aggregated ones."""

    is_urgent = False
    is_depth = False

    def __init__(self, venue: PerpVenue, s: int, *, is_joined: bool) -> None:
        self.pace_s, self.symbol = _TRADES_S if is_joined else 0.0, venue.steps[s].symbol
        self._venue, self._s, self._is_joined = venue, s, is_joined
        self._seen = self._newest()

    def told(self, now_ns: int) -> Iterator[Any]:
        """Those since it was last asked."""
        seen, newest, s, steps = self._seen, self._newest(), self._s, self._venue.steps[self._s]
        self._seen = newest
        if self._is_joined:
            for one in joined_between(self._venue.floor.tape, s, seen, newest):
                yield perp_streams.agg_trade(steps, one, now_ns // MILLI_NS)
        else:
            for one in trades_between(self._venue.exchange.queues, s, seen, newest):
                yield perp_streams.trade(steps, one, now_ns // MILLI_NS)

    def _newest(self) -> int:
        if self._is_joined:
            return int(self._venue.floor.tape.row[self._s]["number"])
        return int(self._venue.exchange.queues.row[self._s]["trade"])


class Days:
    """The last 24 hours of every instrument that traded since they were last told, as one list."""

    is_urgent = False
    is_depth = False
    symbol = ""
    pace_s = _DAYS_S

    def __init__(self, venue: PerpVenue, made: Callable[[Day, Any, int], Any]) -> None:
        self._venue, self._made = venue, made
        self._seen = [-1] * len(venue.steps)

    def told(self, now_ns: int) -> Iterator[Any]:
        """The list."""
        rows, changed = self._venue.exchange.queues.row, []
        for s, seen in enumerate(self._seen):
            newest = int(rows[s]["trade"])
            if newest != seen:
                self._seen[s] = newest
                changed.append(self._made(day_of(self._venue.floor.days, s, now_ns), self._venue.steps[s], now_ns // MILLI_NS))
        if changed:
            yield changed


def public_stream(venue: PerpVenue, name: str) -> Stream | None:
    """Books and best prices, and single trades; None for any other name."""
    if name == "!bookTicker":
        return Bests(venue, venue.places(None), _BEST_S, "")
    s, word = _named(venue, name)
    if s is None:
        return None
    if word == "bookTicker":
        return Bests(venue, (s,), 0.0, venue.steps[s].symbol)
    if word == "trade":
        return Trades(venue, s, is_joined=False)
    if found := _DEPTH.fullmatch(word):
        levels, speed = found.groups()
        pace_s = int(speed or 250) / 1_000
        return BestLevels(venue, s, int(levels), pace_s) if levels else DepthStream(venue, s, pace_s)
    return None


def market_stream(venue: PerpVenue, name: str) -> Stream | None:
    """Trades, candles, marks, days and liquidations (of which there are none); None for any other name."""
    everything: dict[str, Callable[[], Stream]] = {
        "!markPrice@arr": lambda: Told(_MARK_S, "", lambda now_ns: (list(_marks(venue, venue.places(None), now_ns)),)),
        "!markPrice@arr@1s": lambda: Told(1.0, "", lambda now_ns: (list(_marks(venue, venue.places(None), now_ns)),)),
        "!miniTicker@arr": lambda: Days(venue, perp_streams.mini_ticker),
        "!ticker@arr": lambda: Days(venue, perp_streams.ticker),
        "!forceOrder@arr": lambda: Told(_FORCED_S, "", lambda now_ns: ()),
    }
    if name in everything:
        return everything[name]()
    s, word = _named(venue, name)
    if s is None:
        return None
    symbol, steps, days = venue.steps[s].symbol, venue.steps[s], venue.floor.days
    if found := _KLINE.fullmatch(word):
        return CandleStream(venue, s, found[2], _CANDLE_S, is_pair=found[1] == "continuousKline") if found[2] in FRAMES else None
    one: dict[str, Callable[[], Stream]] = {
        "aggTrade": lambda: Trades(venue, s, is_joined=True),
        "trade": lambda: Trades(venue, s, is_joined=False),
        "markPrice": lambda: Told(_MARK_S, symbol, lambda now_ns: _marks(venue, (s,), now_ns)),
        "markPrice@1s": lambda: Told(1.0, symbol, lambda now_ns: _marks(venue, (s,), now_ns)),
        "miniTicker": lambda: Told(_DAY_S, symbol, lambda now_ns: (perp_streams.mini_ticker(day_of(days, s, now_ns), steps, now_ns // MILLI_NS),)),
        "ticker": lambda: Told(_DAY_S, symbol, lambda now_ns: (perp_streams.ticker(day_of(days, s, now_ns), steps, now_ns // MILLI_NS),)),
        "forceOrder": lambda: Told(_FORCED_S, symbol, lambda now_ns: ()),
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
