"""GET /fapi/v1/exchangeInfo: what is listed at Binance USD-M, with its filters and the limits of requests."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.money import RATE_ONE
from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.allowance import Limit, LimitWords
from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.practice.binance.perp_text import share
from metastackerbandit.practice.binance.perp_venue import PerpVenue
from metastackerbandit.practice.binance.perp_words import ALGO_TYPES, MODES, PLAIN_TYPES

NEVER_MS = 4_133_404_800_000  # a perpetual's delivery date
LIMITS = (
    Limit("REQUEST_WEIGHT", "MINUTE", 1, 2_400),
    Limit("ORDERS", "MINUTE", 1, 1_200),
    Limit("ORDERS", "SECOND", 10, 300),
)
LIMIT_WORDS = LimitWords(
    too_many="Too many requests; current limit is {limit.limit} requests per minute. "
    "Please use the websocket for live updates to avoid polling the API.",
    banned="Way too many requests; IP banned until {until}. Please use the websocket for live updates to avoid bans.",
)


def exchange_info(venue: PerpVenue, now_ns: int) -> dict[str, Any]:
    """The whole answer."""
    exchange = venue.exchange
    return {
        "timezone": "UTC",
        "serverTime": now_ns // MILLI_NS,
        "futuresType": "U_MARGINED",
        "rateLimits": list(LIMITS),
        "exchangeFilters": [],
        "assets": [{"asset": exchange.perp.asset, "marginAvailable": True, "autoAssetExchange": "0"}],
        "symbols": [symbol(venue, s) for s in venue.places(None)],
    }


def symbol(venue: PerpVenue, s: int) -> dict[str, Any]:
    """One symbol."""
    listing, one, steps = venue.exchange.listings[s], venue.exchange.listings[s].instrument, venue.steps[s]
    return {
        "symbol": one.symbol,
        "pair": one.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER_MS,
        "onboardDate": venue.begun_ns // MILLI_NS,
        "status": "TRADING" if listing.is_trading else "SETTLING",
        "maintMarginPercent": share(listing.maintenance * 100),
        "requiredMarginPercent": share(RATE_ONE * 100 // listing.most_leverage),
        "baseAsset": one.base,
        "quoteAsset": one.quote,
        "marginAsset": one.quote,
        "pricePrecision": steps.price_digits,
        "quantityPrecision": steps.size_digits,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": share(listing.band),
        "liquidationFee": "0",
        "marketTakeBound": share(listing.band),
        "maxMoveOrderLimit": 10_000,
        "filters": filters(venue, s),
        "orderTypes": [*PLAIN_TYPES, *ALGO_TYPES],
        "timeInForce": list(MODES),
    }


def filters(venue: PerpVenue, s: int) -> list[dict[str, Any]]:
    """A symbol's filters, that of prices first: some clients look for it there."""
    listing, sizes, steps, coarse = venue.exchange.listings[s], venue.exchange.sizes[s], venue.steps[s], venue.floor.steps[s]
    least, most = -(-sizes.min_lots // coarse) * coarse, listing.market_max_lots or sizes.max_lots
    lot = {"minQty": steps.size(least), "stepSize": steps.size(coarse)}
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": steps.price(-(-listing.min_ticks // coarse) * coarse),
            "maxPrice": steps.price(sizes.max_ticks // coarse * coarse),
            "tickSize": steps.price(coarse),
        },
        {"filterType": "LOT_SIZE", **lot, "maxQty": steps.size(sizes.max_lots // coarse * coarse)},
        {"filterType": "MARKET_LOT_SIZE", **lot, "maxQty": steps.size(most // coarse * coarse)},
        {"filterType": "MAX_NUM_ORDERS", "limit": listing.max_orders},
        {"filterType": "MIN_NOTIONAL", "notional": text8(sizes.least)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": share(RATE_ONE + listing.band),
            "multiplierDown": share(RATE_ONE - listing.band),
            "multiplierDecimal": "4",
        },
    ]
