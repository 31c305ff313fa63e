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
