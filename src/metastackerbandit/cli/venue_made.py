"""The made market of `msb venue`: from a seed, with a past up to now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from metastackerbandit.cli.venue_asked import Served, ServedMarkets, SideMarket, fees_of, generator_of
from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import HOUR_NS, SECOND_NS
from metastackerbandit.simulation.candle_board import FIVE_NS
from metastackerbandit.simulation.settings import ListingSettings

if TYPE_CHECKING:
    from metastackerbandit.practice.made_source import MadeSource

PRICES = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0, "SOLUSDT": 150.0, "BNBUSDT": 600.0, "XRPUSDT": 0.6, "DOGEUSDT": 0.15, "LTCUSDT": 80.0}
VOLATILITIES = {"BTCUSDT": 0.8, "SOLUSDT": 1.5, "XRPUSDT": 1.3, "DOGEUSDT": 1.6}
USUAL = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")
SPEED = 60.0


def made_markets(asked: Served) -> ServedMarkets:
    """Made markets that are so many days old."""
    from metastackerbandit.practice.funding import FundingBoard
    from metastackerbandit.practice.made_source import MadeSource
    from metastackerbandit.simulation.made_market import MadeSymbol

    if asked.data or asked.since_ns is not None:
        word = "--data" if asked.data else "--since"
        raise UsageError("a made market is made from its seed alone", where=word, mend="leave it out, or say --source candles or captures")
    generator, symbols = generator_of(asked), asked.symbols or USUAL
    clock_ns = time.time_ns()  # floors begin before, and go on to it: at speed 1 a client may sign by its own clock
    begun_ns = clock_ns // FIVE_NS * FIVE_NS
    sides = {}
    for market in asked.markets:
        listed = [listing_of(symbol, market) for symbol in symbols]
        funding = FundingBoard(len(listed), generator.funding_hours * HOUR_NS, begun_ns) if market == "perp" else None
        source = MadeSource(
            generator, [MadeSymbol(one.instrument, terms) for one, terms in listed], asked.days, funding, round(asked.step_s * SECOND_NS)
        )
        sides[market] = SideMarket(tuple(one for one, _ in listed), source, funding)
    heading = f"SIMULATED: {', '.join(symbols)}, {' and '.join(sides)}, {asked.days} days of past"
    told = {"seed": asked.seed, "days": asked.days, "flow": asked.preset}
    told |= {"step_s": asked.step_s, "volatility": asked.volatility, "volume": asked.volume}
    return ServedMarkets(begun_ns, clock_ns, asked.speed or SPEED, f"seed {asked.seed} since {begun_ns}", heading, sides, told)


def foreseen(asked: Served, source: MadeSource) -> dict[str, Any]:
    """What could be foreseen of a made market that has begun, as numbers and in words."""
    from metastackerbandit.simulation.predictability import foreseeable, predictability_lines

    generator = generator_of(asked)
    return {"foreseeable": foreseeable(generator, source.past), "said": list(predictability_lines(generator, source.past))}


def listing_of(symbol: str, market: str) -> Any:
    """A symbol as it is listed, and how its made market differs from others."""
    from metastackerbandit.simulation.listing import Listing
    from metastackerbandit.storage.candle_names import base_and_quote
    from metastackerbandit.storage.instruments import shipped_rules

    kind: Literal["spot", "perp"] = "perp" if market == "perp" else "spot"
    base, quote = base_and_quote(symbol)
    known = shipped_rules(symbol, kind, "BINANCE")
    instrument = known or Instrument(symbol, base, quote, kind, "BINANCE", "0.01", "0.001", "0.001", "9000", "5")
    return Listing(instrument, *fees_of(market)), ListingSettings(price=PRICES.get(symbol, 100.0), volatility=VOLATILITIES.get(symbol, 1.0))
