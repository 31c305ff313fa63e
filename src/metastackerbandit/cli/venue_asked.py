"""How an exchange was asked for, and the markets that it then serves: made, of candles, or of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.simulation.settings import MARKETS, GeneratorSettings

if TYPE_CHECKING:
    from metastackerbandit.practice.candle_source import CandleSource
    from metastackerbandit.practice.faults import Fault
    from metastackerbandit.practice.funding import FundingBoard
    from metastackerbandit.practice.made_source import MadeSource
    from metastackerbandit.practice.recorded_source import RecordedSource
    from metastackerbandit.simulation.listing import Listing

SOURCES = ("made", "candles", "captures")
BOTH = ("spot", "perp")


class Served(Struct, frozen=True):
    """How an exchange was asked for; no `symbols`: those that its source has, no `speed`: the source's usual one, `data`: files of the source."""

    port: int
    tls_port: int | None  # None: no TLS
    speed: float | None
    markets: tuple[str, ...]
    preset: str
    symbols: tuple[str, ...]
    seed: int
    days: int
    seconds: float | None
    faults: tuple[Fault, ...]
    source: str = "made"
    data: tuple[Path, ...] = ()
    since_ns: int | None = None
    step_s: float = 1.0  # of the venue, between two moments at which a made market moves
    volatility: float = 1.0  # times that of the preset
    volume: float = 1.0  # times its trades and changes of mind


class SideMarket(Struct, frozen=True):
    """One market: what it lists and what moves it; room for so many prices a side of a book."""

    listings: tuple[Listing, ...]
    source: MadeSource | CandleSource | RecordedSource
    funding: FundingBoard | None = None
    prices: int = 2_048


class ServedMarkets(Struct, frozen=True):
    """Markets by their word. Floors begin at `begun_ns`, the venue's clock at `clock_ns`; `name` tells this market from any other, `told` is put
    into the start's payload, and `heading` stands over its text."""

    begun_ns: int
    clock_ns: int
    speed: float
    name: str
    heading: str
    sides: dict[str, SideMarket]
    told: dict[str, Any]

    @property
    def lineage(self) -> str:
        """Where the market comes from, in a word."""
        return next(iter(self.sides.values())).source.lineage

    @property
    def symbols(self) -> list[str]:
        """All that is listed, each once."""
        return list(dict.fromkeys(one.instrument.symbol for side in self.sides.values() for one in side.listings))


def generator_of(asked: Served) -> GeneratorSettings:
    """The settings of what is made: the market, or the books around recorded candles."""
    if asked.preset not in MARKETS:
        raise UsageError(f"no flow {asked.preset!r}", where="--flow", mend=f"there are {', '.join(MARKETS)}")
    usual = MARKETS[asked.preset]
    return structs.replace(
        usual,
        seed=asked.seed,
        annual_volatility=usual.annual_volatility * asked.volatility,
        trades_a_second=usual.trades_a_second * asked.volume,
        quotes_a_second=usual.quotes_a_second * asked.volume,
    )


def fees_of(market: str) -> tuple[int, int]:
    """Binance's fees without any discount: maker and taker, 1e-8."""
    return (20_000, 50_000) if market == "perp" else (100_000, 100_000)
