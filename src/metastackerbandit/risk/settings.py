"""How much, and whether at all."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Share = Annotated[float, Meta(gt=0, le=1)]


class SizingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The size of a position: one formula (volatility), or fixed for comparisons."""

    mode: Literal["volatility", "fraction", "notional", "quantity"] = "volatility"
    volatility_target: Annotated[float, Meta(gt=0, le=5)] = 0.15  # of the whole book, fraction a year; shared by the symbols
    fraction: Annotated[float, Meta(gt=0, le=10)] = 1.0  # of equity (shared by the symbols), in mode fraction
    notional: str = "1000"  # account currency a position, in mode notional
    quantity: str = "1"  # base units a position, in mode quantity
    kelly_share: Annotated[float, Meta(gt=0, le=1)] = 0.25  # of the growth-optimal size for a predicted edge (method 11.1)
    kelly_prior: Annotated[float, Meta(gt=0, le=1)] = 0.05  # deviation of a trade's true Sharpe ratio around 0, before any estimate
    resize_band: Annotated[float, Meta(ge=0, le=10)] = 0.25  # change of a held position, as a share of it, that is worth an order


class RiskSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Caps and breakers; a breaker blocks new risk until the next UTC day, and never flattens."""

    max_symbol_exposure: Annotated[float, Meta(gt=0, le=20)] = 1.0  # notional of one symbol over equity
    max_gross_exposure: Annotated[float, Meta(gt=0, le=20)] = 3.0  # sum of absolute notionals over equity
    max_daily_loss: Share = 0.03  # of equity at the UTC day's start
    max_drawdown: Share = 0.15  # from the equity peak; sizes shrink on the way there
