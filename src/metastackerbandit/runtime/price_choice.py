"""Where a live price comes from: which source is asked next, what is remembered of each, what is told. A state machine under a given clock; pure.

Sources stand in order: the followed book, the venue's REST, the other venue's REST. Each that has to be asked has a circuit breaker. What a source
says is kept; a price younger than the cache allows is told again, and one that is older than `stale_s` is never told without being called stale.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from metastackerbandit.domain.errors import StalePrice
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.streams import Best
from metastackerbandit.runtime.breaker import Breaker
from metastackerbandit.runtime.settings import PriceSettings


class LivePrice(Struct, frozen=True):
    """The middle of best bid and ask in quote currency, who said so (`source`, of `venue`), when, and how old that is now."""

    symbol: str
    price: float
    bid: float
    ask: float
    source: str
    venue: str
    at_ns: int
    age_s: float


class Source(Struct, frozen=True):
    """Somebody who can be asked: a name for logs, and the venue whose price it is."""

    name: str
    venue: str


class PriceChoice:
    """The state of one instrument's prices."""

    def __init__(self, symbol: str, sources: Sequence[Source], settings: PriceSettings) -> None:
        self.symbol = symbol
        self.sources = tuple(sources)
        self.breakers = tuple(Breaker() for _ in sources)
        self.source = ""  # who said the newest price
        self._settings = settings
        self._kept: LivePrice | None = None
        self._attempts: dict[int, int] = {}

    # -- one question --------------------------------------------------------------------------------------------------

    def cached(self, now_ns: int) -> LivePrice | None:
        """The price to tell without asking anybody, if it is young enough."""
        kept = self._aged(now_ns)
        return kept if kept is not None and 0 <= kept.age_s < self._settings.cache_s else None

    def begin(self) -> None:
        """A new question: every source may be tried anew."""
        self._attempts = {}

    def next(self, now_ns: int) -> int | None:
        """The place of the source to ask now, None when all have been. Answer with `said` or `failed`."""
        for place, breaker in enumerate(self.breakers):
            if self._attempts.get(place, 0) < self._settings.tries and breaker.allows(now_ns, self._settings):
                return place
        return None

    def wait_s(self, place: int, draw: float, jitter: float) -> float:
        """Seconds before a source is tried; 0 before the first try."""
        tried = self._attempts.get(place, 0)
        return self._settings.retry_s * 2.0 ** (tried - 1) * (1.0 - jitter * draw) if tried else 0.0

    def said(self, place: int, best: Best, at_ns: int, now_ns: int) -> tuple[LivePrice, str]:
        """A source told best prices of `at_ns`: the price, and a line for the log where the source has changed ("" otherwise)."""
        self.breakers[place].succeeded(self._settings)
        return self.keep(self.sources[place], best, at_ns, now_ns)

    def keep(self, source: Source, best: Best, at_ns: int, now_ns: int) -> tuple[LivePrice, str]:
        """The same of a source that need not be asked."""
        middle = 0.5 * (best.bid + best.ask)
        told = LivePrice(self.symbol, middle, best.bid, best.ask, source.name, source.venue, at_ns, (now_ns - at_ns) / SECOND_NS)
        line = f"{self.symbol}: prices come from {source.name} now, and came from {self.source or 'nobody'}" if source.name != self.source else ""
        self.source, self._kept = source.name, told
        return told, line

    def failed(self, place: int, now_ns: int) -> str:
        """A source did not answer; a line for the log where its breaker has opened."""
        self._attempts[place] = self._attempts.get(place, 0) + 1
        breaker = self.breakers[place]
        breaker.failed(now_ns, self._settings)
        return f"{self.symbol}: {self.sources[place].name} is left alone for {self._settings.open_s:g} s" if breaker.state == "open" else ""

    def given_up(self, place: int) -> None:
        """Nobody waits for the answer any more."""
        self.breakers[place].given_up()

    # -- what is known -------------------------------------------------------------------------------------------------

    def newest(self, now_ns: int) -> LivePrice | None:
        """The newest price there is, however old: its age is with it."""
        return self._aged(now_ns)

    def _aged(self, now_ns: int) -> LivePrice | None:
        kept = self._kept
        if kept is None:
            return None
        return LivePrice(kept.symbol, kept.price, kept.bid, kept.ask, kept.source, kept.venue, kept.at_ns, (now_ns - kept.at_ns) / SECOND_NS)


def require_fresh(price: LivePrice, now_ns: int, settings: PriceSettings) -> LivePrice:
    """The price, if it may price an order now; StalePrice where it is too old, or of a time that has not come."""
    age_s = (now_ns - price.at_ns) / SECOND_NS
    if -settings.stale_s <= age_s <= settings.stale_s:
        return price
    raise StalePrice(
        f"the price {price.price:g} is {age_s:.1f} s old, and may be {settings.stale_s:g} s",
        where=f"{price.symbol}, from {price.source}",
        mend="ask anew; where no venue answers, wait",
    )
