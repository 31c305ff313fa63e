"""How the loopback exchange keeps time and what it keeps of the past."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from metastackerbandit.simulation.settings import ListingSettings

# Where values of the made market begin, and how they move beside it; real symbols' prices of late 2025, rounded. Others begin at 100.
LISTED = {
    "BTCUSDT": ListingSettings(price=100_000.0, volatility=0.8, flow=2.0),
    "ETHUSDT": ListingSettings(price=3_500.0, volatility=1.2, flow=1.5),
    "BNBUSDT": ListingSettings(price=1_000.0),
    "SOLUSDT": ListingSettings(price=180.0, volatility=1.5),
    "XRPUSDT": ListingSettings(price=2.5, volatility=1.3),
    "DOGEUSDT": ListingSettings(price=0.2, volatility=1.6),
    "ADAUSDT": ListingSettings(price=0.6, volatility=1.5),
    "LINKUSDT": ListingSettings(price=18.0, volatility=1.5),
}


class PracticeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One venue process on this machine."""

    speed: Annotated[float, Meta(gt=0, le=1_000)] = 60.0  # venue seconds a wall second: an hour of trading in a minute
    look_ms: Annotated[float, Meta(ge=1, le=1_000)] = 25.0  # wall time between steps of the market; below the quickest stream's 100 ms
    step_s: Annotated[float, Meta(gt=0, le=60)] = 5.0  # venue time of one step at most, so that rings of trades and changes are read in time
    queue: Annotated[int, Meta(ge=16, le=65_536)] = 8_192  # messages that wait for one connection; a reader that is further behind is dropped
    fills: Annotated[int, Meta(ge=100, le=1_000_000)] = 20_000  # fills of an owner that can be asked for
    snapshot_ms: Annotated[float, Meta(ge=0, le=10_000)] = 0.0  # wall time from taking a snapshot of a book to answering with it
    is_strict: bool = False  # refuse parameters that nobody reads (-1104), as the venue does in places
    seed: Annotated[int, Meta(ge=0)] = 1  # of the made market, and of the chance by which faults strike
    days: Annotated[int, Meta(ge=2, le=1_000)] = 90  # of candles before the venue began: 26,000 of 5m, 2,200 of 1h; a quarter second a symbol
    quote: Annotated[float, Meta(gt=0, le=1e9)] = 100_000.0  # what the account begins with, in each quote asset
