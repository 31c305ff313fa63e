"""How the market is summarised."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class MarketSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Volatility and volume that sizing and gates look at, and what counts as an outlier."""

    fast_volatility_days: Annotated[float, Meta(gt=0, le=365)] = 1.0  # half-life of the fast EWMA variance
    slow_volatility_days: Annotated[float, Meta(gt=0, le=365)] = 10.0  # half-life of the slow one; the larger counts
    volume_days: Annotated[float, Meta(gt=0, le=365)] = 10.0  # half-life of the average daily volume
    warm_up_returns: Annotated[int, Meta(ge=2)] = 20  # returns before volatility and volume count as known
    outlier_return: Annotated[float, Meta(gt=0, le=10)] = 0.5  # absolute close-to-close return that is reported as an outlier


class BarSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How bars are made from trades."""

    grace_s: Annotated[float, Meta(ge=0, le=60)] = 2.0  # trades so much older than the newest still count; a bar closes so long after its end
    # Off: where nobody dealt there is no bar. A quiet second and a broken feed look alike from here; a hole is asked for at the venue, which knows.
    fills_gaps: bool = False  # on: a bar without trades has the close before it as its prices, and no volume
    most_ahead_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0  # a trade stamped so far ahead of its arrival is refused, or it would close all bars
    ticks_s: Annotated[float, Meta(gt=0, le=86_400)] = 300.0  # trades younger than that are kept one by one
    most_ticks: Annotated[int, Meta(ge=1, le=2**22)] = 32_768  # of a symbol, twice 72 bytes each; BTCUSDT made 18,500 in a busy 300 s


class UpkeepSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How a cache of bars is kept whole from the venue's candles."""

    bars: Annotated[int, Meta(ge=1, le=1_500)] = 1_500  # that a cache should hold
    most_bars: Annotated[int, Meta(ge=1, le=10_000)] = 1_000  # of one request: Binance spot gives 1,000, its futures 1,500
    settle_s: Annotated[float, Meta(ge=0, le=600)] = 5.0  # after its end, before a candle is asked for: above the grace of our own bar
    volume_tolerance: Annotated[float, Meta(ge=0, le=0.1)] = 1e-9  # share by which volumes may differ and be the same: decimal text against sums


Bucket = Annotated[float, Meta(gt=0, le=1e9)]


class CobSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How wide the consolidated book's buckets of price are."""

    # A symbol that does not stand here has 1.5 / 20 of its five-minute volatility, from half a basis point to ten, and 2 bp while that is not known.
    bucket: dict[str, Bucket] = {}  # by symbol, in quote currency, such as { BTCUSDT = 10.0, ETHUSDT = 1.0 }; frozen for a UTC day


class QualitySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When a feed is reported, and how fast what it said grows old."""

    max_spread_bps: Annotated[float, Meta(gt=0, le=20_000)] = 500.0  # best ask less best bid over the middle; wider is an issue
    min_levels: Annotated[int, Meta(ge=0, le=5_000)] = 5  # a side; fewer are an issue where more are subscribed
    stale_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 30.0  # without a change of the book; longer is an issue
    max_apart_bps: Annotated[float, Meta(gt=0, le=10_000)] = 100.0  # from the nearest other venue's price; farther is an issue
    half_life_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 10.0  # age at which freshness is a half: quiet books change several times a second
    calm_share: Annotated[float, Meta(gt=0, le=1)] = 0.8  # share of a limit within which a value must be for its issue to end
    calm_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 10.0  # without another one, for an issue that is made of events to end
