"""Binance's exchangeInfo, spot and USD-M, read to the rules of instruments: filters that limit what we send, and names of those unknown to us.

A part of a filter that is "0" is off. USD-M counts its grids from the least price and quantity, and calls some fields otherwise.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw, Struct

from metastackerbandit.domain.errors import AnswerRefused
from metastackerbandit.domain.trading import SymbolRules
from metastackerbandit.exchanges.binance.order_forms import Plain
from metastackerbandit.exchanges.kline_rows import decoded_json

_KNOWN = (
    "PRICE_FILTER",
    "LOT_SIZE",
    "MARKET_LOT_SIZE",
    "PERCENT_PRICE",  # prices around the market: exits rest on their own side of it
    "PERCENT_PRICE_BY_SIDE",
    "MIN_NOTIONAL",
    "NOTIONAL",
    "ICEBERG_PARTS",  # of orders that we do not send
    "MAX_NUM_ORDERS",  # hundreds: a run has a handful
    "MAX_NUM_ALGO_ORDERS",
    "MAX_NUM_ICEBERG_ORDERS",
    "MAX_POSITION",
    "TRAILING_DELTA",
    "MAX_NUM_ORDER_AMENDS",  # far more than a stop is ever moved
    "MAX_NUM_ORDER_LISTS",
    "POSITION_RISK_CONTROL",  # who may open positions there: an order that may not is refused by the venue
)


class _Head(Struct, rename="camel"):
    """What every filter has."""

    filter_type: str


class _Filter(Struct, rename="camel"):
    """Any filter that we know: what it has of these fields."""

    filter_type: str
    min_price: Plain | None = None
    tick_size: Plain | None = None
    min_qty: Plain | None = None
    max_qty: Plain | None = None
    step_size: Plain | None = None
    min_notional: Plain | None = None
    max_notional: Plain | None = None
    notional: Plain | None = None
    max_position: Plain | None = None


class _Symbol(Struct, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[Raw]  # of a filter that nobody knows only the name is looked at
    contract_type: str = ""


class _Info(Struct):
    symbols: list[_Symbol]


def read_rules(body: bytes) -> tuple[SymbolRules, ...]:
    """Rules of every symbol that has a grid of prices and one of quantities; the others cannot be traded. Raises AnswerRefused."""
    told = decoded_json(body, _Info, "exchangeInfo")
    made: list[SymbolRules] = []
    for one in told.symbols:
        names = [str(decoded_json(bytes(each), _Head, f"filters of {one.symbol}").filter_type) for each in one.filters]
        known = {name: bytes(each) for name, each in zip(names, one.filters, strict=True) if name in _KNOWN}
        if "PRICE_FILTER" in known and "LOT_SIZE" in known:
            filters = {name: decoded_json(each, _Filter, f"{name} of {one.symbol}") for name, each in known.items()}
            made.append(_rules(one, filters, tuple(name for name in names if name not in _KNOWN)))
    return tuple(made)


def _rules(one: _Symbol, filters: dict[str, _Filter], unread: tuple[str, ...]) -> SymbolRules:
    nothing = _Filter("")
    price, lot = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    market = filters.get("MARKET_LOT_SIZE", nothing)
    tick, step = _positive(price.tick_size), _positive(lot.step_size)
    if tick is None or step is None:
        raise AnswerRefused(f"{one.symbol} has no price step or no quantity step", where="exchangeInfo", mend="leave the symbol out")
    is_future = bool(one.contract_type)
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or nothing
    least, most = _positive(notional.min_notional or notional.notional), _positive(notional.max_notional)
    return SymbolRules(
        symbol=one.symbol,
        base=one.base_asset,
        quote=one.quote_asset,
        is_trading=one.status == "TRADING",
        status=one.status,
        tick_size=tick,
        price_base=(_positive(price.min_price) or Decimal(0)) if is_future else Decimal(0),
        lot_size=step,
        min_quantity=_positive(lot.min_qty) or Decimal(0),
        max_quantity=_positive(lot.max_qty) or Decimal(0),
        lot_base=(_positive(lot.min_qty) or Decimal(0)) if is_future else Decimal(0),
        market_lot_size=_positive(market.step_size),
        market_min_quantity=_positive(market.min_qty),
        market_max_quantity=_positive(market.max_qty),
        min_notional=least,
        max_notional=most,
        max_position=_positive(filters.get("MAX_POSITION", nothing).max_position),
        unread=unread,
    )


def _positive(text: str | None) -> Decimal | None:
    """A limit, None where it is off."""
    value = Decimal(text or "0")
    return value if value > 0 else None
