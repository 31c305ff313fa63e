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


class QualitySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When a feed is reported, and how fast what it said grows old."""

    max_spread_bps: Annotated[float, Meta(gt=0, le=20_000)] = 500.0  # best ask less best bid over the middle; wider is an issue
    min_levels: Annotated[int, Meta(ge=0, le=5_000)] = 5  # a side; fewer are an issue where more are subscribed
    stale_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 30.0  # without a change of the book; longer is an issue
    max_apart_bps: Annotated[float, Meta(gt=0, le=10_000)] = 100.0  # from the nearest other venue's price; farther is an issue
    half_life_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 10.0  # age at which freshness is a half: quiet books change several times a second
    calm_share: Annotated[float, Meta(gt=0, le=1)] = 0.8  # share of a limit within which a value must be for its issue to end
    calm_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 10.0  # without another one, for an issue that is made of events to end
