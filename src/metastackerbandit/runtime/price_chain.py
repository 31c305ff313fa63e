"""Live prices: the followed book, else the venue's REST, else the other venue's, with retries and breakers; told with age and source."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, structs

from metastackerbandit.domain.errors import NoPrice, VenueError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.catalog import STREAMS, streams_of
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import Best
from metastackerbandit.runtime.live_feed import LiveFeed
from metastackerbandit.runtime.ports import Chance, LiveClock
from metastackerbandit.runtime.price_choice import LivePrice, PriceChoice, Source, require_fresh
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.settings import BackoffSettings, PriceSettings

FALLBACK = {"BINANCE": "MEXC", "MEXC": "BINANCE"}


class Seen(Struct, frozen=True):
    """Best prices of a followed book and when its newest change came (UTC ns)."""

    best: Best
    at_ns: int


Look = Callable[[str], Seen | None]  # a symbol -> what its followed book says, None while it is not live


class PriceChain:
    """Prices of instruments of one venue. `look` sees the followed books, `desks` ask venues by name, `log` gets a line where a source changes."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        look: Look,
        desks: Mapping[str, RestDesk],
        *,
        clock: LiveClock,
        chance: Chance,
        settings: PriceSettings,
        backoff: BackoffSettings,
        endpoints: EndpointSettings,
        log: Callable[[str], None],
    ) -> None:
        self._look, self._desks = look, desks
        self._clock, self._chance = clock, chance
        self._settings, self._backoff, self._endpoints = settings, backoff, endpoints
        self._log = log
        self._asked: dict[str, tuple[Instrument, ...]] = {one.symbol: self._askable(one) for one in instruments}
        self._books = {one.symbol: Source(f"{one.venue.lower()} book", one.venue) for one in instruments}
        self._choices = {
            symbol: PriceChoice(symbol, [Source(f"{one.venue.lower()} rest", one.venue) for one in asked], settings)
            for symbol, asked in self._asked.items()
        }
        self._locks = {one.symbol: asyncio.Lock() for one in instruments}

    def _askable(self, one: Instrument) -> tuple[Instrument, ...]:
        """The instrument at its venue and, where the other one has such a market, there."""
        other = FALLBACK.get(one.venue, "")
        has_other = self._settings.has_fallback and any(offer.venue == other and offer.market == one.market for offer in STREAMS)
        asked = (one, structs.replace(one, venue=other)) if has_other else (one,)
        return tuple(at for at in asked if at.venue in self._desks)

    async def price(self, symbol: str) -> LivePrice:
        """The price now. Many may ask at a time; one request answers all.

        Raises:
            NoPrice: nobody says.
        """
        choice = self._choices[symbol]
        async with self._locks[symbol]:
            now_ns = self._clock.now_ns()
            seen = self._look(symbol)
            if seen is not None and now_ns - seen.at_ns <= self._settings.socket_s * SECOND_NS:
                return self._told(choice.keep(self._books[symbol], seen.best, seen.at_ns, now_ns))
            return choice.cached(now_ns) or await self._ask(symbol, choice)

    async def order_price(self, symbol: str) -> LivePrice:
        """The price, if it may price an order.

        Raises:
            NoPrice: nobody says.
            StalePrice: what is said is too old.
        """
        price = await self.price(symbol)
        return require_fresh(price, self._clock.now_ns(), self._settings)

    def newest(self, symbol: str) -> LivePrice | None:
        """The newest price that was told, with its age, without asking anybody."""
        return self._choices[symbol].newest(self._clock.now_ns())

    async def _ask(self, symbol: str, choice: PriceChoice) -> LivePrice:
        """Ask one source after another."""
        choice.begin()
        reasons: list[str] = []
        while (place := choice.next(self._clock.now_ns())) is not None:
            one = self._asked[symbol][place]
            try:
                await self._clock.sleep(choice.wait_s(place, self._chance.random(), self._backoff.jitter))
                best, at_ns = await self._best(one)
            except asyncio.CancelledError:
                choice.given_up(place)
                raise
            except VenueError as error:
                reasons.append(str(error))
                self._say(choice.failed(place, self._clock.now_ns()))
                continue
            return self._told(choice.said(place, best, at_ns, self._clock.now_ns()))
        newest = choice.newest(self._clock.now_ns())
        known = f"; the newest is {newest.age_s:.1f} s old" if newest is not None else ""
        why = "; ".join(dict.fromkeys(reasons)) or "every source is being left alone after failures"
        raise NoPrice(f"nobody says what {symbol} costs: {why}{known}", where=symbol, mend="it is asked again; check the network")

    async def _best(self, one: Instrument) -> tuple[Best, int]:
        """What a venue answers, and when it came. Raises VenueError."""
        streams = streams_of(one.venue, one.market)
        asking = asyncio.ensure_future(self._desks[one.venue].ask(streams.best(one, self._endpoints)))
        late = asyncio.ensure_future(self._clock.sleep(self._settings.patience_s))
        try:
            await asyncio.wait((asking, late), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise NoPrice(f"no answer within {self._settings.patience_s:g} s", where=one.id, mend="the next source is asked")
            answer = asking.result()
        finally:
            asking.cancel()
            late.cancel()
        return streams.read_best(answer.body, one), answer.received_ns

    def _told(self, told: tuple[LivePrice, str]) -> LivePrice:
        price, line = told
        self._say(line)
        return price

    def _say(self, line: str) -> None:
        if line:
            self._log(line)


def look_at(feed: LiveFeed) -> Look:
    """The books of a live feed as a source of prices."""
    places = {one.symbol: s for s, one in enumerate(feed.desk.instruments)}

    def look(symbol: str) -> Seen | None:
        s = places[symbol]
        best = feed.desk.best(s)
        if best is None:
            return None
        tick = float(feed.desk.instruments[s].tick_size)
        return Seen(Best(best[0] * tick, best[2] * tick), int(feed.desk.market.book.row[s]["received_ns"]))

    return look
