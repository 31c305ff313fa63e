"""`msb data download`: a venue's candles over REST into the store, with the rules of its instruments."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from metastackerbandit.cli.venues import Market, Venue
    from metastackerbandit.config.schema import Config
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.domain.trading import VenueTime
    from metastackerbandit.runtime.history import Asked, Progress
    from metastackerbandit.storage.store import Imported

_TRIES = 5  # of one request, later each time, before a download gives up


def download_payload(
    home: Path, config: Config, venue: Venue, market: Market, symbols: Sequence[str], frames: Sequence[str], days: float, url: str | None
) -> dict[str, Any]:
    """Download, and the shape of `msb data download --json`."""
    import asyncio

    import uvloop

    shown = Shown()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            kept = runner.run(_downloaded(home, config, venue, market, symbols, frames, days, url, shown))
    finally:
        shown.end()
    return {"venue": venue.name, "market": market, "lineage": "simulated" if venue.is_made else "recorded", "imported": kept}


def download_text(payload: dict[str, Any]) -> str:
    """The same for a reader."""
    lines = [f"{one.symbol} {one.market} {one.frame}: {one.added:,} candles added, {one.rows:,} held in {one.file}" for one in payload["imported"]]
    folders = dict.fromkeys(str(one.file.parent) for one in payload["imported"])
    return "\n".join([*lines, *(f"`msb train --data {folder}` learns from them" for folder in folders)])


async def _downloaded(
    home: Path,
    config: Config,
    venue: Venue,
    market: Market,
    symbols: Sequence[str],
    frames: Sequence[str],
    days: float,
    url: str | None,
    show: Shown,
) -> list[Imported]:
    from metastackerbandit.domain.timeframe import DAY_NS, frame_ns
    from metastackerbandit.exchanges.transport.aiohttp_rest import AiohttpRest
    from metastackerbandit.runtime.history import venue_instruments
    from metastackerbandit.runtime.ports import LoopClock

    kept = []
    clock = LoopClock()
    async with AiohttpRest(config.transport, clock.now_ns) as rest:
        asked = asked_of(config, venue, market, rest, url)
        now_ns = (await time_there(asked, venue)).now_ns
        forget_other_market(home, venue, market, await practice_there(venue, market, asked))
        for one in await venue_instruments(asked, symbols):
            for frame in frames:
                length = frame_ns(frame)
                to_ns = now_ns // length * length
                kept.append(await keep_past(home, asked, venue, one, length, to_ns - round(days * DAY_NS) // length * length, to_ns, show))
    return kept


async def keep_past(
    home: Path, asked: Asked, venue: Venue, one: Instrument, length: int, from_ns: int, to_ns: int, show: Callable[[Progress], None]
) -> Imported:
    """Candles of an instrument in [from, to) and what was settled in them, into the store."""
    from msgspec import structs

    from metastackerbandit.domain.timeframe import frame_name
    from metastackerbandit.runtime.history import past_candles, past_funding
    from metastackerbandit.storage.store import keep_candles, keep_funding

    bars = await past_candles(asked, one, frame_name(length), from_ns, to_ns, show)
    named = structs.replace(one, venue=venue.name.upper())
    kept = keep_candles(home, named, length, bars)
    keep_funding(home, named, await past_funding(asked, one, from_ns, to_ns))
    return kept


async def time_there(asked: Asked, venue: Venue) -> VenueTime:
    """The venue's time, asked first so that a venue that is not there is said at once.

    Raises:
        VenueError: it did not answer as a venue does.
    """
    from metastackerbandit.domain.errors import RequestFailed
    from metastackerbandit.runtime.history import venue_time

    try:
        return await venue_time(asked)
    except RequestFailed as error:
        mend = "start it with `msb venue`, or give its --url" if venue.is_made else "check the network and the address"
        raise RequestFailed(error.what, where=error.where, mend=mend) from error


class Practice(NamedTuple):
    """A made exchange: its `market`, one and the same with accounts of its own (`at`), and what it serves, in a word; all "" of a real venue."""

    market: str = ""
    at: str = ""
    serves: str = ""


async def practice_there(venue: Venue, market: Market, asked: Asked) -> Practice:
    """What a made exchange says of itself."""
    if not venue.is_made:
        return Practice()
    import json

    from metastackerbandit.exchanges.streams import RestRequest

    base = asked.endpoints.binance_perp_rest if market == "perp" else asked.endpoints.binance_spot_rest
    told = json.loads((await asked.rest.ask(RestRequest("market", "", f"{base}/practice", 1))).body)
    serves = next((word for side, word in told["markets"].items() if (side == "spot") == (market == "spot")), "")
    return Practice(str(told["market"]), f"{told['market']} since {told['since']}", serves)


def forget_other_market(home: Path, venue: Venue, market: Market, there: Practice) -> None:
    """Candles of a loopback market that is not the one served now are let go: the next one is another market under the same names."""
    from metastackerbandit.storage.store import forget_candles

    if there.market:
        forget_candles(home, venue.name, market, there.market)


def asked_of(config: Config, venue: Venue, market: Market, rest: Any, url: str | None, tries: int = _TRIES) -> Asked:
    """Whom to ask, over an open REST client."""
    import random

    from metastackerbandit.cli.venues import endpoints_of
    from metastackerbandit.exchanges.catalog import orders_of, streams_of
    from metastackerbandit.runtime.history import Asked
    from metastackerbandit.runtime.ports import LoopClock
    from metastackerbandit.runtime.rest_desk import RestDesk
    from metastackerbandit.runtime.weight_budget import WeightBudget

    streams, clock = streams_of(venue.codec, market), LoopClock()
    desk = RestDesk(rest, WeightBudget(streams.limits, config.live.weight_share), clock)
    return Asked(
        streams=streams,
        orders=orders_of(venue.codec, market),
        endpoints=endpoints_of(venue, config, url),
        rest=desk,
        clock=clock,
        chance=random.Random(),
        backoff=config.backoff,
        tries=tries,
    )


class Shown:
    """Progress on stderr, one line that is written over; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def __call__(self, done: Progress) -> None:
        if self._is_shown:
            sys.stderr.write(f"\r{done.symbol}: {done.candles:,} of {done.of:,} candles".ljust(78))
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._is_shown:
            sys.stderr.write("\n")
