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
    """The instrument at about this price in quote currency; market orders' own limits bind all orders, and one order may make a position.

    Raises:
        InstrumentRefused: not trading; grids that are not counted from 0; steps that 64-bit money cannot hold.
    """
    where = f"{rules.symbol} {market} {venue}"
    if not rules.is_trading:
        raise InstrumentRefused(f"its state is {rules.status}", where=where, mend="trade another symbol, or wait")
    lot = _lot(rules)
    for base, step, what in ((rules.price_base, rules.tick_size, "prices"), (rules.lot_base, lot, "quantities")):
        if base % step != 0:
            raise InstrumentRefused(
                f"its {what} go in steps of {step:f} counted from {base:f}, which is none", where=where, mend="trade another symbol"
            )
    if price <= 0:
        raise InstrumentRefused(f"price {price:f} is not positive", where=where, mend="give a price in quote currency")
    fits = Decimal(BOUND).scaleb(-money_digits(rules.quote)) / (price * _ROOM)
    most = min(*_most_quantities(rules), fits, *((rules.max_notional / price,) if rules.max_notional else ()))
    made = Instrument(
        symbol=rules.symbol,
        base=rules.base,
        quote=rules.quote,
        market=market,
        venue=venue,
        tick_size=_text(rules.tick_size),
        lot_size=_text(lot),
        min_quantity=_text(_least_quantity(rules)),
        max_quantity=_text((most / lot).to_integral_value(ROUND_FLOOR) * lot),
        min_notional=_text(rules.min_notional or Decimal(0)),
        source="venue",
    )
    made.rules()
    return made


def changes_of(one: Instrument, rules: SymbolRules | None) -> tuple[str, ...]:
    """In what a venue's rules of now would refuse, or cut otherwise, orders that are made for the instrument; none where they allow all of them.

    Rules that allow more than before are no change.
    """
    if rules is None:
        return ("it is not listed any more",)
    lot, most = _lot(rules), min(_most_quantities(rules))
    was = {name: Decimal(getattr(one, name)) for name in ("tick_size", "lot_size", "min_quantity", "max_quantity", "min_notional")}
    looks = (
        (not rules.is_trading, f"its state is {rules.status}"),
        (was["tick_size"] % rules.tick_size != 0, f"prices go in steps of {rules.tick_size:f}, before {one.tick_size}"),
        (was["lot_size"] % lot != 0, f"quantities go in steps of {lot:f}, before {one.lot_size}"),
        (_least_quantity(rules) > was["min_quantity"], f"the least quantity is {_least_quantity(rules):f}, before {one.min_quantity}"),
        (most < was["max_quantity"], f"the largest quantity is {most:f}, before {one.max_quantity}"),
        ((rules.min_notional or 0) > was["min_notional"], f"the least notional is {rules.min_notional or 0:f}, before {one.min_notional}"),
        (bool(rules.unread), f"it has filters that nobody here knows: {', '.join(rules.unread)}"),
    )
    return tuple(words for is_so, words in looks if is_so)


def _lot(rules: SymbolRules) -> Decimal:
    return max(rules.lot_size, rules.market_lot_size or rules.lot_size)


def _least_quantity(rules: SymbolRules) -> Decimal:
    """The least whole number of lots."""
    lot = _lot(rules)
    least = max(rules.min_quantity, rules.market_min_quantity or Decimal(0), lot)
    return (least / lot).to_integral_value(ROUND_CEILING) * lot


def _most_quantities(rules: SymbolRules) -> tuple[Decimal, ...]:
    """Every bound of one order's quantity that does not hang on its price."""
    return rules.max_quantity, *(one for one in (rules.market_max_quantity, rules.max_position) if one is not None)


def _text(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
