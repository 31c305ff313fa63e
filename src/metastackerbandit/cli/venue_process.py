"""The loopback exchange as `msb venue` serves it: markets of a source, keys, and an orderly end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from metastackerbandit.cli.venue_asked import SOURCES, Served, ServedMarkets
from metastackerbandit.cli.venues import LOOPBACK_KEY, LOOPBACK_SECRET, REFUSED_KEYS
from metastackerbandit.domain.errors import ConfigRefused, UsageError
from metastackerbandit.domain.quality import time_text
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.made_source import MadeSource
from metastackerbandit.practice.tls import made_certificate, serving_context
from metastackerbandit.simulation.exchange_words import ASSET_ONE

if TYPE_CHECKING:
    from metastackerbandit.config.schema import Config
    from metastackerbandit.practice.floor import Floor
    from metastackerbandit.practice.keys import KeyRing
    from metastackerbandit.practice.server import Venue
    from metastackerbandit.practice.side import Side

Tell = Callable[[dict[str, Any]], None]
Hear = Callable[[str], None]
OWNER = 1
DEPOSIT = 100_000 * ASSET_ONE  # of the quote asset, to every market


def served(asked: Served, home: Path, config: Config, tell: Tell, hear: Hear) -> dict[str, Any]:
    """Serve until the time is over or a signal comes; what is told at the start goes to `tell`, and what it came to is given.

    `hear` is told a line when a symbol's recording is over.
    """
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_served(asked, home, config, tell, hear))


async def _served(asked: Served, home: Path, config: Config, tell: Tell, hear: Hear) -> dict[str, Any]:
    markets = markets_of(asked, home, config)
    venue, faults = venue_of(markets)
    closings = {market: side.source.closing for market, side in markets.sides.items() if not isinstance(side.source, MadeSource)}
    for market, closing in closings.items():
        closing.hear = partial(_over, hear, market)
    with TemporaryDirectory(prefix="msb-venue-") as folder:
        certificate = None if asked.tls_port is None else made_certificate(Path(folder))
        ended = await _served_with(certificate, asked, markets, venue, faults, tell)
    over = {market: {symbol: time_text(at_ns) for symbol, at_ns in closing.closed.items()} for market, closing in closings.items()}
    return {**ended, "over": over} if closings else ended


async def _served_with(certificate: Path | None, asked: Served, markets: ServedMarkets, venue: Venue, faults: Faults, tell: Tell) -> dict[str, Any]:
    """Serve; https and wss too where there is a certificate."""
    try:
        tls = None if certificate is None else serving_context(certificate)
        port, tls_port = await venue.start(asked.port, tls=tls, tls_port=asked.tls_port or 0)
    except OSError as error:
        await venue.stop()
        raise ConfigRefused(f"port {asked.port} cannot be had: {error.strerror}", where="--port", mend="name another, or 0 for a free one") from None
    for one in asked.faults:
        faults.switch_on(one)
    tell(_start_payload(asked, port, markets) | {"tls_url": f"https://127.0.0.1:{tls_port}" if tls_port else None, "certificate": certificate})
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


def _over(hear: Hear, market: str, symbol: str, at_ns: int) -> None:
    """A symbol's recording is over."""
    hear(f"{symbol} {market}: over at {time_text(at_ns)}, it does not trade any more")


def markets_of(asked: Served, home: Path, config: Config) -> ServedMarkets:
    """What is served, by the source that was asked for; raises where it cannot be had."""
    from metastackerbandit.cli.venue_candles import candle_markets
    from metastackerbandit.cli.venue_made import made_markets
    from metastackerbandit.cli.venue_recorded import recorded_markets

    if asked.source not in SOURCES:
        raise UsageError(f"no source {asked.source!r}", where="--source", mend=f"it is {', '.join(SOURCES)}")
    if asked.source == "candles":
        return candle_markets(asked, home)
    return made_markets(asked) if asked.source == "made" else recorded_markets(asked, config)


def venue_of(markets: ServedMarkets) -> tuple[Venue, Faults]:
    """The exchange over these markets, not serving yet."""
    from metastackerbandit.practice.binance.perp_side import perp_side
    from metastackerbandit.practice.binance.spot_side import spot_side
    from metastackerbandit.practice.floor import Floor
    from metastackerbandit.practice.hub import Hub
    from metastackerbandit.practice.server import Venue
    from metastackerbandit.practice.settings import PracticeSettings
    from metastackerbandit.practice.venue_time import VenueTime
    from metastackerbandit.simulation.exchange import Exchange

    venue_time = VenueTime(markets.clock_ns, markets.speed)
    faults, keys = Faults(venue_time), _keys()
    hub, settings = Hub(venue_time, faults), PracticeSettings(speed=markets.speed)
    sides: list[Side] = []
    for one in markets.sides.values():
        exchange = Exchange(one.listings, prices=one.prices, orders=4 * one.prices)
        exchange.open(OWNER, {listing.instrument.quote: DEPOSIT for listing in one.listings})
        floor: Floor = Floor(exchange, one.source, markets.begun_ns, settings)
        if one.funding is not None:
            sides.append(perp_side(floor, one.funding, keys, venue_time, faults, hub, settings))
        else:
            sides.append(spot_side(floor, keys, venue_time, faults, hub, settings))
    return Venue(sides, venue_time, faults, hub, settings, markets.name), faults


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


def _start_payload(asked: Served, port: int, markets: ServedMarkets) -> dict[str, Any]:
    from metastackerbandit.cli.venue_made import foreseen

    first = next(iter(markets.sides.values())).source
    return {
        "url": f"http://127.0.0.1:{port}",
        "lineage": markets.lineage,
        "source": asked.source,
        "heading": markets.heading,
        "markets": list(markets.sides),
        "symbols": markets.symbols,
        "speed": markets.speed,
        "api_key": LOOPBACK_KEY,
        "secret": LOOPBACK_SECRET,
        "refused_keys": REFUSED_KEYS,
        "faults": [one.name for one in asked.faults],
        **markets.told,
        **(foreseen(asked, first) if isinstance(first, MadeSource) else {}),
    }


def start_text(payload: dict[str, Any]) -> str:
    """What is said when it serves."""
    faults = f"; faults: {', '.join(payload['faults'])}" if payload["faults"] else ""
    return "\n".join(
        [
            f"{payload['heading']}, at {payload['url']}",
            *([f"https and wss at {payload['tls_url']}, trusting {payload['certificate']}"] if payload["tls_url"] else []),
            f"a second here is {payload['speed']:g} there{faults}",
            f"key {payload['api_key']}",
            f"secret {payload['secret']}",
            *payload["said"],
            "Ctrl-C stops it",
        ]
    )
