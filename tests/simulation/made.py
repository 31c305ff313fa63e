"""Made markets for tests: symbols that tests share, and a market at its first instant."""

from __future__ import annotations

from metastackerbandit.simulation.made_market import MadeMarket, MadeSymbol, begun_market
from metastackerbandit.simulation.settings import GeneratorSettings, ListingSettings
from tests.markets import START_NS, instrument

SYMBOLS = (
    MadeSymbol(instrument("BTCUSDT"), ListingSettings(price=60_000.0, volatility=0.8)),
    MadeSymbol(instrument("ETHUSDT"), ListingSettings(price=3_000.0)),
    MadeSymbol(instrument("SOLUSDT", tick_size="0.01"), ListingSettings(price=150.0, volatility=1.5, flow=0.5)),
)


def begun(settings: GeneratorSettings | None = None, symbols: tuple[MadeSymbol, ...] = SYMBOLS, at_ns: int = START_NS) -> MadeMarket:
    """A market at its first instant."""
    return begun_market(settings or GeneratorSettings(), symbols, at_ns)
