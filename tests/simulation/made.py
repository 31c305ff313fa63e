"""Made markets for tests: listings that tests share, and a market at its first instant."""

from __future__ import annotations

from metastackerbandit.simulation.made_market import Listing, MadeMarket, begun_market
from metastackerbandit.simulation.settings import GeneratorSettings, ListingSettings
from tests.markets import START_NS, instrument

LISTINGS = (
    Listing(instrument("BTCUSDT"), ListingSettings(price=60_000.0, volatility=0.8)),
    Listing(instrument("ETHUSDT"), ListingSettings(price=3_000.0)),
    Listing(instrument("SOLUSDT", tick_size="0.01"), ListingSettings(price=150.0, volatility=1.5, flow=0.5)),
)


def begun(settings: GeneratorSettings | None = None, listings: tuple[Listing, ...] = LISTINGS, at_ns: int = START_NS) -> MadeMarket:
    """A market at its first instant."""
    return begun_market(settings or GeneratorSettings(), listings, at_ns)
