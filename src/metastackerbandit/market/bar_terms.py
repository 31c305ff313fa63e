"""How an instrument's whole numbers of ticks and lots become the volumes that its venue writes."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.instrument import Instrument

COIN_DIGITS = 8  # decimals in which venues tell what an inverse contract turned over
MOST = 2**62  # no sum of an open bar may pass it


class BarTerms(Struct, frozen=True):
    """How an instrument's whole numbers become what venues write: lots * `lot_step` / `lot_over` are base units (contracts of an inverse one),
    a turnover * `turnover_step` / `turnover_over` is quote currency. A turnover is ticks * lots; where `coins` > 0 (inverse contracts) it is 1e-8
    coins, of which one lot at one tick is worth so many, and lots at a price that many divided by its ticks, rounded row by row as the venue does."""

    lot_step: float
    lot_over: float
    turnover_step: float
    turnover_over: float
    coins: int


def bar_terms(instrument: Instrument, contract: str = "") -> BarTerms:
    """The terms of an instrument; `contract` is the worth of one unit of an inverse contract in quote currency (100 for BTCUSD, 10 for others of
    Binance's COIN-M), "" for the linear.

    Raises:
        InstrumentRefused: an inverse contract's lot at one tick is no whole number of 1e-8 coins.
    """
    tick, lot = Decimal(instrument.tick_size), Decimal(instrument.lot_size)
    if not contract:
        return BarTerms(*_ratio(lot), *_ratio(tick * lot), 0)
    coins = (lot * Decimal(contract) / tick).scaleb(COIN_DIGITS)
    if coins != coins.to_integral_value() or not 0 < coins < MOST:
        raise InstrumentRefused(
            f"a lot of {instrument.symbol} is worth {coins:f}e-{COIN_DIGITS} coins at one tick", mend="give contract in quote currency"
        )
    return BarTerms(*_ratio(lot), 1.0, 10.0**COIN_DIGITS, int(coins))


def _ratio(step: Decimal) -> tuple[float, float]:
    """A step as two whole numbers, the second a power of ten: dividing by it is rounded once."""
    digits = max(-int(step.normalize().as_tuple().exponent), 0)
    return float(step.scaleb(digits)), 10.0**digits
