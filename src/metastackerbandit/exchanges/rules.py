"""A venue's rules of a symbol as an Instrument: the steps and limits that its orders must keep, within what 64-bit money can hold."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.money import BOUND, money_digits
from metastackerbandit.domain.trading import SymbolRules

_ROOM = 20  # times today's price that must still fit 64-bit money, so that a rally cannot overflow it


def instrument_of(rules: SymbolRules, market: Literal["spot", "perp"], venue: str, price: Decimal) -> Instrument:
    """The instrument at about this price in quote currency; market orders' own limits bind all orders.

    Raises:
        InstrumentRefused: not trading; grids that are not counted from 0; steps that 64-bit money cannot hold.
    """
    where = f"{rules.symbol} {market} {venue}"
    if not rules.is_trading:
        raise InstrumentRefused(f"its state is {rules.status}", where=where, mend="trade another symbol, or wait")
    lot = max(rules.lot_size, rules.market_lot_size or rules.lot_size)
    for base, step, what in ((rules.price_base, rules.tick_size, "prices"), (rules.lot_base, lot, "quantities")):
        if base % step != 0:
            raise InstrumentRefused(
                f"its {what} go in steps of {step:f} counted from {base:f}, which is none", where=where, mend="trade another symbol"
            )
    if price <= 0:
        raise InstrumentRefused(f"price {price:f} is not positive", where=where, mend="give a price in quote currency")
    fits = Decimal(BOUND).scaleb(-money_digits(rules.quote)) / (price * _ROOM)
    most = min(rules.max_quantity, rules.market_max_quantity or rules.max_quantity, fits)
    least = max(rules.min_quantity, rules.market_min_quantity or Decimal(0), lot)
    made = Instrument(
        symbol=rules.symbol,
        base=rules.base,
        quote=rules.quote,
        market=market,
        venue=venue,
        tick_size=_text(rules.tick_size),
        lot_size=_text(lot),
        min_quantity=_text((least / lot).to_integral_value(ROUND_CEILING) * lot),
        max_quantity=_text((most / lot).to_integral_value(ROUND_FLOOR) * lot),
        min_notional=_text(rules.min_notional or Decimal(0)),
        source="venue",
    )
    made.rules()
    return made


def _text(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
