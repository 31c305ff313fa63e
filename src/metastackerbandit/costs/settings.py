"""What trading costs, as a user states it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Bps = Annotated[float, Meta(ge=0, le=1_000)]


class CostSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Costs of a trade; defaults are Binance USD-M's regular tier and a liquid pair (docs/decisions/0008)."""

    taker_fee_bps: Bps = 5.0  # fee for taking, of notional
    maker_fee_bps: Bps = 2.0  # fee for a resting limit order (targets), of notional
    half_spread_bps: Bps = 0.5  # from mid to the touch; candles have no book, so it is assumed
    slippage_bps: Bps = 1.0  # beyond the touch, market and stop orders
    impact_coefficient: Annotated[float, Meta(ge=0, le=10)] = 1.0  # Y of the square-root law; 0 switches impact off

    def round_trip_bps(self) -> float:
        """What entering and leaving by market orders costs, without impact and funding."""
        return 2.0 * (self.taker_fee_bps + self.half_spread_bps + self.slippage_bps)
