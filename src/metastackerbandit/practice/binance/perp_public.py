"""Public answers of Binance USD-M by REST: what is listed, books, trades, candles, prices, marks and funding."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.timeframe import HOUR_NS, MILLI_NS
from metastackerbandit.practice.binance import perp_market
from metastackerbandit.practice.binance.klines import INTERVALS, candles_of, closed_at
from metastackerbandit.practice.binance.perp_listing import exchange_info
from metastackerbandit.practice.binance.perp_refusals import BAD_DEPTH
from metastackerbandit.practice.binance.perp_venue import PerpVenue, cut, limit, span
from metastackerbandit.practice.binance.words import BAD_INTERVAL
from metastackerbandit.practice.day import day_of
from metastackerbandit.practice.replies import Asked, Parameters, Route, Routes, WireRefusal, one_or_all
from metastackerbandit.practice.snapshots import Snapshots
from metastackerbandit.practice.tape import joined_between, trades_between
from metastackerbandit.practice.venue_time import VenueTime

DEPTHS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1_000: 20}  # limit -> weight
FRAMES = tuple(one for one in INTERVALS if one != "1s")  # which USD-M does not have
FUNDING_CAP = 2_000_000  # 1e-8: two percent, as the venue states it for most symbols
_MOST_CANDLES = 1_500


def klines_weight(given: Parameters) -> int:
    """What candles cost, by how many are wanted."""
    wanted = given.whole("limit", 500)
    return 1 if wanted < 100 else 2 if wanted < 500 else 5 if wanted <= 1_000 else 10


class PerpPublic:
    """Handlers that need no key."""

    def __init__(self, venue: PerpVenue, time: VenueTime, snapshots: Snapshots) -> None:
        self.venue, self.exchange, self.floor, self.time, self.snapshots = venue, venue.exchange, venue.floor, time, snapshots
        self.queues = venue.exchange.queues

    def routes(self) -> Routes:
        """Everything that answers here."""
        made = {
            "/fapi/v1/ping": Route(lambda asked: {}, 1),
            "/fapi/v1/time": Route(self.clock, 1),
            "/fapi/v1/exchangeInfo": Route(lambda asked: exchange_info(self.venue, asked.now_ns), 1),
            "/fapi/v1/depth": Route(self.depth, lambda given: DEPTHS.get(given.whole("limit", 500), 1), kind="snapshot"),
            "/fapi/v1/trades": Route(self.trades, 5),
            "/fapi/v1/historicalTrades": Route(self.trades, 20, "key"),
            "/fapi/v1/aggTrades": Route(self.agg_trades, 20),
            "/fapi/v1/klines": Route(self.klines, klines_weight),
            "/fapi/v1/continuousKlines": Route(self.pair_klines, klines_weight),
            "/fapi/v1/ticker/24hr": Route(self.tickers, one_or_all(1, 40)),
            "/fapi/v1/ticker/price": Route(self.prices, one_or_all(1, 2)),
            "/fapi/v2/ticker/price": Route(self.prices, one_or_all(1, 2)),
            "/fapi/v1/ticker/bookTicker": Route(self.bests, one_or_all(2, 5)),
            "/fapi/v1/premiumIndex": Route(self.premiums, one_or_all(1, 10)),
            "/fapi/v1/fundingRate": Route(self.funding_rates, 1),
            "/fapi/v1/fundingInfo": Route(self.funding_info, 1),
            "/fapi/v1/openInterest": Route(self.open_interest, 1),
        }
        return {("GET", path): route for path, route in made.items()}

    def clock(self, asked: Asked) -> Any:
        """The venue's clock, and how many of its seconds pass in one of the wall's."""
        return {"serverTime": self.time.told_ms(), "rate": self.time.speed}

    def depth(self, asked: Asked) -> Any:
        """The best prices of a book."""
        s, wanted = self.venue.symbol(asked.given), asked.given.whole("limit", 500)
        if wanted not in DEPTHS:
            raise WireRefusal(*BAD_DEPTH)
        book = self.snapshots.take(s, wanted)
        return perp_market.book(self.venue.steps[s], book.update, book.bids, book.asks, book.at_ns // MILLI_NS)

    def trades(self, asked: Asked) -> Any:
        """Trades, from a number on or the newest."""
        s, wanted = self.venue.symbol(asked.given), limit(asked.given, 500, 1_000)
        newest = int(self.queues.row[s]["trade"])
        first = asked.given.whole("fromId", max(newest - wanted + 1, 1), 0)
        rows = trades_between(self.queues, s, max(first - 1, 0), newest)[:wanted]
        return [perp_market.trade(self.venue.steps[s], one) for one in rows]

    def agg_trades(self, asked: Asked) -> Any:
        """Aggregated trades, from a number on, of a time, or the newest."""
        given, (first_ns, last_ns) = asked.given, span(asked.given)
        s, wanted = self.venue.symbol(given), limit(given, 500, 1_000)
        newest = int(self.floor.tape.row[s]["number"])
        since = given.whole("fromId", 0, 0)
        rows = [one for one in joined_between(self.floor.tape, s, max(since - 1, 0), newest) if first_ns <= one[3] <= last_ns]
        return [perp_market.agg_trade(self.venue.steps[s], one) for one in cut(rows, given, wanted, by="fromId")]

    def klines(self, asked: Asked) -> Any:
        """Candles of a symbol."""
        return self._candles(asked.given, self.venue.symbol(asked.given))

    def pair_klines(self, asked: Asked) -> Any:
        """Candles of a pair's perpetual contract."""
        asked.given.one_of("contractType", ("PERPETUAL",), None)
        return self._candles(asked.given, self.venue.place(asked.given.text("pair")))

    def _candles(self, given: Parameters, s: int) -> Any:
        word, (first_ns, last_ns) = given.text("interval"), span(given)
        if word not in FRAMES:
            raise WireRefusal(*BAD_INTERVAL)
        wanted = limit(given, 500, _MOST_CANDLES)
        rows = candles_of(self.floor.board, s, word, first_ns, last_ns + 1, wanted, newest=given.maybe("startTime") is None)
        return [perp_market.candle(self.venue.steps[s], bar, closed_at(word, int(bar["opened_ns"]))) for bar in rows]

    def tickers(self, asked: Asked) -> Any:
        """The last 24 hours."""
        now_ns = asked.now_ns
        return self.venue.listed(asked, lambda s: perp_market.ticker(day_of(self.floor.days, s, now_ns), self.venue.steps[s], now_ns // MILLI_NS))

    def prices(self, asked: Asked) -> Any:
        """Newest prices."""
        now_ns = asked.now_ns
        return self.venue.listed(
            asked, lambda s: perp_market.last_price(self.venue.steps[s], day_of(self.floor.days, s, now_ns).close, now_ns // MILLI_NS)
        )

    def bests(self, asked: Asked) -> Any:
        """Best prices."""
        return self.venue.listed(asked, lambda s: perp_market.best(self.venue.steps[s], *self.venue.best(s), asked.now_ns // MILLI_NS))

    def premiums(self, asked: Asked) -> Any:
        """Marks and funding as they stand."""
        funding, now_ms = self.venue.funding, asked.now_ns // MILLI_NS
        made = self.venue.listed
        return made(asked, lambda s: perp_market.premium(self.venue.steps[s], self.exchange.marks[s], funding.rates[s], funding.next_ns, now_ms))

    def funding_rates(self, asked: Asked) -> Any:
        """What was settled, oldest first."""
        given, (first_ns, last_ns) = asked.given, span(asked.given)
        wanted = self.venue.places(self.venue.maybe_symbol(given))
        rows = sorted((one.at_ns, s, one) for s in wanted for one in self.venue.funding.settled[s] if first_ns <= one.at_ns <= last_ns)
        kept = cut(rows, given, limit(given, 100, 1_000), by="startTime")
        return [perp_market.funding_rate(self.venue.steps[s], one.rate, at_ns, one.mark) for at_ns, s, one in kept]

    def funding_info(self, asked: Asked) -> Any:
        """Symbols whose funding is not every eight hours."""
        hours = self.venue.funding.interval_ns // HOUR_NS
        return [] if hours == 8 else [perp_market.funding_info(one, FUNDING_CAP, hours) for one in self.venue.steps]

    def open_interest(self, asked: Asked) -> Any:
        """What is held."""
        s = self.venue.symbol(asked.given)
        return perp_market.open_interest(self.exchange, self.venue.steps[s], s, asked.now_ns // MILLI_NS)
