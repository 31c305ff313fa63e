"""The loopback exchange as `msb venue` serves it: made markets, keys, and an orderly end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from metastackerbandit.cli.venues import LOOPBACK_KEY, LOOPBACK_SECRET, REFUSED_KEYS
from metastackerbandit.domain.errors import ConfigRefused, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.practice.faults import Fault, Faults
from metastackerbandit.practice.tls import made_certificate, serving_context
from metastackerbandit.simulation.candle_board import FIVE_NS
from metastackerbandit.simulation.exchange_words import ASSET_ONE
from metastackerbandit.simulation.settings import MARKETS, GeneratorSettings, ListingSettings

if TYPE_CHECKING:
    from metastackerbandit.config.schema import Config
    from metastackerbandit.practice.floor import Floor
    from metastackerbandit.practice.keys import KeyRing
    from metastackerbandit.practice.made_source import MadeSource
    from metastackerbandit.practice.server import Venue
    from metastackerbandit.practice.side import Side

OWNER = 1
DEPOSIT = 100_000 * ASSET_ONE  # of the quote asset, to every market
PRICES = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0, "SOLUSDT": 150.0, "BNBUSDT": 600.0, "XRPUSDT": 0.6, "DOGEUSDT": 0.15, "LTCUSDT": 80.0}
VOLATILITIES = {"BTCUSDT": 0.8, "SOLUSDT": 1.5, "XRPUSDT": 1.3, "DOGEUSDT": 1.6}
USUAL = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")


class Served(Struct, frozen=True):
    """How an exchange was asked for."""

    port: int
    tls_port: int | None  # None: no TLS
    speed: float
    markets: tuple[str, ...]
    preset: str
    symbols: tuple[str, ...]
    seed: int
    days: int
    seconds: float | None
    faults: tuple[Fault, ...]


def served(asked: Served, config: Config, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Serve until the time is over or a signal comes; what is told at the start goes to `tell`, and what it came to is given."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_served(asked, config, tell))


async def _served(asked: Served, config: Config, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    venue, sources, faults = made_venue(asked)
    with TemporaryDirectory(prefix="msb-venue-") as folder:
        certificate = None if asked.tls_port is None else made_certificate(Path(folder))
        return await _served_with(certificate, asked, venue, sources, faults, tell)


async def _served_with(
    certificate: Path | None, asked: Served, venue: Venue, sources: dict[str, MadeSource], faults: Faults, tell: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Serve; https and wss too where there is a certificate."""
    try:
        tls = None if certificate is None else serving_context(certificate)
        port, tls_port = await venue.start(asked.port, tls=tls, tls_port=asked.tls_port or 0)
    except OSError as error:
        await venue.stop()
        raise ConfigRefused(f"port {asked.port} cannot be had: {error.strerror}", where="--port", mend="name another, or 0 for a free one") from None
    for one in asked.faults:
        faults.switch_on(one)
    tell(_start_payload(asked, port, sources) | {"tls_url": f"https://127.0.0.1:{tls_port}" if tls_port else None, "certificate": certificate})
    stop, loop, began = asyncio.Event(), asyncio.get_running_loop(), time.monotonic()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    timer = loop.call_later(asked.seconds, stop.set) if asked.seconds is not None else None
    ends = {asyncio.ensure_future(venue.ended()), asyncio.ensure_future(stop.wait())}
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
    finally:
        for waiting in ends:
            waiting.cancel()
        if timer is not None:
            timer.cancel()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)
        await venue.stop()
    return {"seconds": round(time.monotonic() - began, 3), "requests": venue.requests, "connections": venue.accepted}


def made_venue(asked: Served) -> tuple[Venue, dict[str, MadeSource], Faults]:
    """The exchange over made markets, not serving yet; the market behind each of its sides."""
    from metastackerbandit.practice.binance.perp_side import perp_side
    from metastackerbandit.practice.binance.spot_side import spot_side
    from metastackerbandit.practice.floor import Floor
    from metastackerbandit.practice.funding import FundingBoard
    from metastackerbandit.practice.hub import Hub
    from metastackerbandit.practice.made_source import MadeSource
    from metastackerbandit.practice.server import Venue
    from metastackerbandit.practice.settings import PracticeSettings
    from metastackerbandit.practice.venue_time import VenueTime
    from metastackerbandit.simulation.exchange import Exchange
    from metastackerbandit.simulation.made_market import MadeSymbol

    generator = generator_of(asked)
    begun_ns = time.time_ns() // FIVE_NS * FIVE_NS
    venue_time = VenueTime(time.time_ns(), asked.speed)  # floors begin before, and go on to it: at speed 1 a client may sign by its own clock
    faults, keys = Faults(venue_time), _keys()
    hub, settings = Hub(venue_time, faults), PracticeSettings(speed=asked.speed)
    sides: list[Side] = []
    sources: dict[str, MadeSource] = {}
    for market in asked.markets:
        listed = [listing_of(symbol, market) for symbol in asked.symbols or USUAL]
        exchange = Exchange([one for one, _ in listed])
        exchange.open(OWNER, {one.instrument.quote: DEPOSIT for one, _ in listed})
        funding = FundingBoard(len(listed), generator.funding_hours * HOUR_NS, begun_ns) if market == "perp" else None
        source = sources[market] = MadeSource(generator, [MadeSymbol(one.instrument, terms) for one, terms in listed], asked.days, funding)
        floor: Floor = Floor(exchange, source, begun_ns, settings)
        if funding is not None:
            sides.append(perp_side(floor, funding, keys, venue_time, faults, hub, settings))
        else:
            sides.append(spot_side(floor, keys, venue_time, faults, hub, settings))
    return Venue(sides, venue_time, faults, hub, settings, f"seed {asked.seed} since {begun_ns}"), sources, faults


def _keys() -> KeyRing:
    """The key of the account, and some of it that a live run must refuse."""
    from metastackerbandit.practice.keys import Key, KeyRing

    return KeyRing(
        [
            Key(LOOPBACK_KEY, LOOPBACK_SECRET, OWNER, is_bound=True),
            Key(REFUSED_KEYS["withdraw"], LOOPBACK_SECRET, OWNER, may_withdraw=True, is_bound=True),
            Key(REFUSED_KEYS["readonly"], LOOPBACK_SECRET, OWNER, may_trade=False, is_bound=True),
            Key(REFUSED_KEYS["anywhere"], LOOPBACK_SECRET, OWNER),
        ]
    )


def generator_of(asked: Served) -> GeneratorSettings:
    """The settings of the made market."""
    from msgspec import structs

    if asked.preset not in MARKETS:
        raise UsageError(f"no flow {asked.preset!r}", where="--flow", mend=f"there are {', '.join(MARKETS)}")
    return structs.replace(MARKETS[asked.preset], seed=asked.seed)


def listing_of(symbol: str, market: str) -> Any:
    """A symbol as it is listed, and how its made market differs from others."""
    from metastackerbandit.simulation.listing import Listing
    from metastackerbandit.storage.candle_names import base_and_quote
    from metastackerbandit.storage.instruments import shipped_rules

    kind: Literal["spot", "perp"] = "perp" if market == "perp" else "spot"
    base, quote = base_and_quote(symbol)
    known = shipped_rules(symbol, kind, "BINANCE")
    instrument = known or Instrument(symbol, base, quote, kind, "BINANCE", "0.01", "0.001", "0.001", "9000", "5")
    fees = (20_000, 50_000) if kind == "perp" else (100_000, 100_000)  # Binance's, without any discount: maker and taker, 1e-8
    return Listing(instrument, *fees), ListingSettings(price=PRICES.get(symbol, 100.0), volatility=VOLATILITIES.get(symbol, 1.0))


def _start_payload(asked: Served, port: int, sources: dict[str, MadeSource]) -> dict[str, Any]:
    from metastackerbandit.simulation.predictability import foreseeable, predictability_lines

    generator = generator_of(asked)
    past = next(iter(sources.values())).past
    return {
        "url": f"http://127.0.0.1:{port}",
        "lineage": "simulated",
        "markets": list(asked.markets),
        "symbols": list(asked.symbols or USUAL),
        "speed": asked.speed,
        "seed": asked.seed,
        "days": asked.days,
        "flow": asked.preset,
        "api_key": LOOPBACK_KEY,
        "secret": LOOPBACK_SECRET,
        "refused_keys": REFUSED_KEYS,
        "faults": [one.name for one in asked.faults],
        "foreseeable": foreseeable(generator, past),
        "said": list(predictability_lines(generator, past)),
    }


def start_text(payload: dict[str, Any]) -> str:
    """What is said when it serves."""
    faults = f"; faults: {', '.join(payload['faults'])}" if payload["faults"] else ""
    return "\n".join(
        [
            f"SIMULATED: {', '.join(payload['symbols'])}, {' and '.join(payload['markets'])}, {payload['days']} days of past, at {payload['url']}",
            *([f"https and wss at {payload['tls_url']}, trusting {payload['certificate']}"] if payload["tls_url"] else []),
            f"a second here is {payload['speed']:g} there{faults}",
            f"key {payload['api_key']}",
            f"secret {payload['secret']}",
            *payload["said"],
            "Ctrl-C stops it",
        ]
    )
