"""exchangeInfo of both markets: each filter where it belongs, what is off is off, and what nobody knows is named."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from metastackerbandit.domain.errors import AnswerRefused
from metastackerbandit.exchanges.binance.symbol_rules import read_rules
from tests.covering import covers

SPOT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "80.50000000", "stepSize": "0.00000000"},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "4",
            "askMultiplierDown": "0.3",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": "5.00000000",
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_POSITION", "maxPosition": "1000.0"},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
        {"filterType": "SOMETHING_NEW", "limit": "no number"},
    ],
}
PERP: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "pricePrecision": 2,
    "OrderType": ["LIMIT", "MARKET"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4"},
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ],
}


def body(*symbols: dict[str, Any]) -> bytes:
    return json.dumps({"timezone": "UTC", "serverTime": 1, "rateLimits": [], "symbols": symbols}).encode()


@covers("2.123")
def test_spot_s_filters() -> None:
    (rules,) = read_rules(body(SPOT))
    assert (rules.symbol, rules.base, rules.quote, rules.is_trading) == ("BTCUSDT", "BTC", "USDT", True)
    assert (rules.tick_size, rules.price_base) == (Decimal("0.01"), 0)
    assert (rules.lot_size, rules.min_quantity, rules.max_quantity, rules.lot_base) == (Decimal("0.00001"), Decimal("0.00001"), Decimal(9_000), 0)
    assert (rules.market_lot_size, rules.market_min_quantity, rules.market_max_quantity) == (None, None, Decimal("80.5"))
    assert (rules.min_notional, rules.max_notional, rules.max_position) == (5, 9_000_000, 1_000)
    assert rules.unread == ("SOMETHING_NEW",)


@covers("2.123")
def test_futures_count_from_the_least() -> None:
    (rules,) = read_rules(body(PERP))
    assert (rules.price_base, rules.lot_base, rules.min_notional) == (Decimal("556.8"), Decimal("0.001"), 100)
    assert (rules.max_position, rules.unread) == (None, ())


def test_symbols_without_grids_are_left_out_and_a_step_of_nothing_is_refused() -> None:
    assert [one.symbol for one in read_rules(body(SPOT | {"symbol": "X", "filters": []}, PERP))] == ["BTCUSDT"]
    with pytest.raises(AnswerRefused, match="no price step"):
        read_rules(body(PERP | {"filters": [PERP["filters"][0] | {"tickSize": "0"}, PERP["filters"][1]]}))
    with pytest.raises(AnswerRefused):
        read_rules(b"[]")


def test_a_symbol_that_rests_says_so() -> None:
    (rules,) = read_rules(body(PERP | {"status": "SETTLING"}))
    assert not rules.is_trading and rules.status == "SETTLING"
