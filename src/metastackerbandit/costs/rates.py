"""Costs as integers of 1e-8, the form that kernels use."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.money import BPS_RATE


class CostRates(Struct, frozen=True):
    """Rates in 1e-8 of notional or price; `touch` is half spread plus slippage."""

    taker: int
    maker: int
    touch: int
    impact_coefficient: float


def rates_of(settings: CostSettings) -> CostRates:
    """Basis points to rates; exact to 1e-4 bps."""
    return CostRates(
        taker=round(settings.taker_fee_bps * BPS_RATE),
        maker=round(settings.maker_fee_bps * BPS_RATE),
        touch=round((settings.half_spread_bps + settings.slippage_bps) * BPS_RATE),
        impact_coefficient=settings.impact_coefficient,
    )


def round_trip_bps(settings: CostSettings) -> float:
    """What entering and leaving by market orders costs, without impact and funding."""
    return settings.round_trip_bps()
