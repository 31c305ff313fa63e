"""A whole venue on a made market: spot, USD-M, or both at the same values, one account, one key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.practice.binance.perp_side import perp_side
from metastackerbandit.practice.binance.spot_side import spot_side
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.hub import Hub
from metastackerbandit.practice.keys import Key, KeyRing
from metastackerbandit.practice.made_source import MadeSource, MadeWorld
from metastackerbandit.practice.server import Venue
from metastackerbandit.practice.settings import LISTED, PracticeSettings
from metastackerbandit.practice.side import Side
from metastackerbandit.practice.venue_time import VenueTime
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import ASSET_ONE
from metastackerbandit.simulation.listing import Listing
from metastackerbandit.simulation.made_market import MadeSymbol
from metastackerbandit.simulation.settings import GeneratorSettings, ListingSettings

KEY = Key("practice" * 8, "rehearse" * 8, 1)  # guards nothing: it is told to whoever starts a venue
_SPOT_FEE = 100_000  # 1e-8, of makers and takers: what Binance's spot market asks of everybody at first


class _Ground(Struct, frozen=True):
    """What the sides of a venue share."""

    time: VenueTime
    faults: Faults
    hub: Hub
    keys: KeyRing
    settings: PracticeSettings


def made_venue(markets: Mapping[str, Sequence[Instrument]], settings: PracticeSettings, now_ns: int) -> Venue:
    """A venue of these instruments (by `spot`, `usdm`), whose time begins at `now_ns`. Takes a second or so: the past is made first.

    Each market has a made market of its own; the same seed gives both the same values.
    """
    generator = GeneratorSettings(seed=settings.seed)
    floors = [(name, *_floor(name, instruments, generator, settings, now_ns)) for name, instruments in markets.items()]
    time = VenueTime(now_ns, settings.speed)
    faults = Faults(time, settings.seed)
    ground = _Ground(time, faults, Hub(time, faults), KeyRing([KEY]), settings)
    return Venue([_side(name, floor, funding, ground) for name, floor, funding in floors], time, faults, ground.hub, settings)


def _floor(
    name: str, instruments: Sequence[Instrument], generator: GeneratorSettings, settings: PracticeSettings, now_ns: int
) -> tuple[Floor, FundingBoard]:
    """A market with its past, as it stands at `now_ns`."""
    symbols = [MadeSymbol(one, LISTED.get(one.symbol, ListingSettings())) for one in instruments]
    world = MadeWorld(generator, symbols, now_ns, settings.days)
    exchange = Exchange([Listing(one, maker=_SPOT_FEE, taker=_SPOT_FEE) if name == "spot" else Listing(one) for one in instruments])
    exchange.open(KEY.owner, {one.quote: round(settings.quote * ASSET_ONE) for one in instruments})
    funding = FundingBoard(len(instruments), generator.funding_hours * HOUR_NS, world.begun_ns)
    floor = Floor(exchange, MadeSource(world, funding if exchange.is_perp else None), world.begun_ns, settings)
    floor.advance(now_ns)
    return floor, funding


def _side(name: str, floor: Floor, funding: FundingBoard, ground: _Ground) -> Side:
    if name == "spot":
        return spot_side(floor, ground.keys, ground.time, ground.faults, ground.hub, ground.settings)
    return perp_side(floor, funding, ground.keys, ground.time, ground.faults, ground.hub, ground.settings)
