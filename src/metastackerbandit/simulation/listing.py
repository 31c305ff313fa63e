"""What an exchange lists: an instrument, what trading it costs, and which orders it takes."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.money import RATE_ONE, rate_up
from metastackerbandit.simulation.exchange_words import ASSET_DIGITS, NewOrder, Refusal


class Listing(Struct, frozen=True):
    """Terms of one instrument. Rates are 1e-8; `band` is how far a price may lie from the market; 0 lots or ticks: no bound of that kind."""

    instrument: Instrument
    maker: int = 20_000
    taker: int = 50_000
    band: int = RATE_ONE // 5
    market_max_lots: int = 0
    min_ticks: int = 1
    max_ticks: int = 0
    max_orders: int = 200
    max_waiting: int = 10
    max_position_lots: int = 0
    most_leverage: int = 20
    maintenance: int = RATE_ONE // 200
    is_trading: bool = True


class Sizes(Struct, frozen=True):
    """A listing in whole numbers: `unit` is 1e-8 of the quote asset for one tick of one lot, `lot` 1e-8 of the base asset for one lot."""

    unit: int
    lot: int
    min_lots: int
    max_lots: int
    max_ticks: int
    least: int  # notional, 1e-8 of the quote asset


def sizes_of(listing: Listing) -> Sizes:
    """The whole numbers of a listing; InstrumentRefused where its steps are finer than the venue's amounts."""
    one = listing.instrument
    rules = one.rules()
    unit = (Decimal(one.tick_size) * Decimal(one.lot_size)).scaleb(ASSET_DIGITS)
    lot = Decimal(one.lot_size).scaleb(ASSET_DIGITS)
    least = Decimal(one.min_notional).scaleb(ASSET_DIGITS)
    if any(value != value.to_integral_value() for value in (unit, lot, least)):
        raise InstrumentRefused("its steps are finer than 1e-8, the finest amount of the exchange", where=one.id, mend="list it with larger steps")
    most = min(rules.max_ticks, listing.max_ticks) if listing.max_ticks else rules.max_ticks
    return Sizes(int(unit), int(lot), rules.min_lots, rules.max_lots, most, int(least))


def refused_by_rules(listing: Listing, sizes: Sizes, order: NewOrder, market: int, is_exempt: bool) -> Refusal | None:
    """Why the rules refuse an order, None where they do not. `market` is the price that bounds and notional are counted from, in ticks (0: unknown).

    `is_exempt` from the notional is an order that only reduces a perpetual.
    """
    if not listing.is_trading:
        return Refusal("closed")
    for ticks in (order.ticks, order.trigger):
        if ticks and not listing.min_ticks <= ticks <= sizes.max_ticks:
            return Refusal("price_filter")
    if not order.closes and not sizes.min_lots <= order.lots <= sizes.max_lots:
        return Refusal("lot_size")
    if not order.ticks and listing.market_max_lots and order.lots > listing.market_max_lots:
        return Refusal("market_lot_size")
    if order.ticks and market:
        room = rate_up(market, listing.band)
        if (order.side == 0 and order.ticks > market + room) or (order.side == 1 and order.ticks < market - room):
            return Refusal("percent_price")
    price = order.ticks or order.trigger or market
    if not is_exempt and not order.closes and price and order.lots * price * sizes.unit < sizes.least:
        return Refusal("notional")
    return None
