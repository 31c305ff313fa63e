"""exchangeInfo of a spot market: symbols, and the filters that their listings have, the price filter first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from metastackerbandit.domain.money import RATE_ONE
from metastackerbandit.practice.allowance import Limit
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.decimals import ZERO, text8
from metastackerbandit.practice.binance.words import GUARD, GUARDED, NO_SUCH_SYMBOL
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.replies import Parameters, WireRefusal
from metastackerbandit.simulation.listing import Listing, Sizes

ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
BAD_STATUS = (400, -1220, "The symbol's status does not match the requested symbolStatus.")
LIMITS = (
    Limit("REQUEST_WEIGHT", "MINUTE", 1, 6_000),
    Limit("ORDERS", "SECOND", 10, 50),
    Limit("ORDERS", "DAY", 1, 160_000),
    Limit("RAW_REQUESTS", "MINUTE", 5, 300_000),
)


def filters_of(listing: Listing, sizes: Sizes, amounts: Amounts, step: int) -> list[dict[str, Any]]:
    """What an order of a symbol must keep to; prices and sizes go by `step` ticks and lots. Bounds count from the newest trade (0 minutes)."""
    up, down = text8(RATE_ONE + listing.band), text8(max(RATE_ONE - listing.band, 0))
    made: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": amounts.price(-(-listing.min_ticks // step) * step),
            "maxPrice": amounts.price(sizes.max_ticks // step * step),
            "tickSize": amounts.price(step),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": amounts.size(-(-sizes.min_lots // step) * step),
            "maxQty": amounts.size(sizes.max_lots // step * step),
            "stepSize": amounts.size(step),
        },
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": ZERO,
            "maxQty": amounts.size(listing.market_max_lots or sizes.max_lots),
            "stepSize": ZERO,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": up,
            "bidMultiplierDown": ZERO,
            "askMultiplierUp": text8(RATE_ONE * 1_000),
            "askMultiplierDown": down,
            "avgPriceMins": 0,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text8(sizes.least),
            "applyMinToMarket": True,
            "maxNotional": text8(sizes.max_lots * sizes.max_ticks * sizes.unit),
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": listing.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": listing.max_waiting},
    ]
    if listing.max_position_lots:
        made.append({"filterType": "MAX_POSITION", "maxPosition": amounts.size(listing.max_position_lots)})
    return made


def symbol_of(listing: Listing, sizes: Sizes, amounts: Amounts, step: int) -> dict[str, Any]:
    """A symbol."""
    one = listing.instrument
    return {
        "symbol": one.symbol,
        "status": "TRADING" if listing.is_trading else "BREAK",
        "baseAsset": one.base,
        "baseAssetPrecision": 8,
        "quoteAsset": one.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters_of(listing, sizes, amounts, step),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": GUARD,
        "allowedSelfTradePreventionModes": list(GUARDED),
    }


def info(floor: Floor, amounts: Sequence[Amounts], limits: Sequence[Limit], told_ms: int, places: Sequence[int]) -> dict[str, Any]:
    """The whole answer, of the symbols at these places."""
    made = floor.exchange
    return {
        "timezone": "UTC",
        "serverTime": told_ms,
        "rateLimits": limits,
        "exchangeFilters": [],
        "symbols": [symbol_of(made.listings[s], made.sizes[s], amounts[s], floor.steps[s]) for s in places],
    }


def status_of(floor: Floor, s: int) -> str:
    """Whether a symbol trades."""
    return "TRADING" if floor.exchange.listings[s].is_trading else "BREAK"


def place_of_symbol(floor: Floor, symbol: str) -> int:
    """A symbol's place; raises WireRefusal where nobody lists it."""
    if not (symbol.isascii() and symbol.replace("_", "").replace("-", "").isalnum() and len(symbol) <= 20):
        raise WireRefusal(400, -1100, "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.")
    place = floor.index.get(symbol)
    if place is None:
        raise WireRefusal(*NO_SUCH_SYMBOL)
    return place


def places_asked(floor: Floor, given: Parameters) -> tuple[list[int], bool]:
    """Places of `symbol`, of `symbols` (a JSON list), or of all; whether it was a single one."""
    symbol, symbols = given.maybe("symbol"), given.maybe("symbols")
    if symbol is not None and symbols is not None:
        raise WireRefusal(400, -1101, "Too many parameters; expected '1' and received '2'.")
    if symbol is not None:
        return [place_of_symbol(floor, symbol)], True
    if symbols is None:
        return list(range(len(floor.instruments))), False
    try:
        names = msgspec.json.decode(symbols, type=list[str])
    except msgspec.DecodeError:
        raise WireRefusal(400, -1100, "Illegal characters found in parameter 'symbols'.") from None
    return [place_of_symbol(floor, name) for name in names], False
