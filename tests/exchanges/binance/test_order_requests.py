"""Questions to both markets as they are sent: names, places, weights, and a signature over exactly what is sent."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.trading import (
    AmendAsked,
    BalancesAsked,
    CancelAsked,
    FillsAsked,
    LeverageAsked,
    MarginAsked,
    NewOrder,
    OneWayAsked,
    OpenOrdersAsked,
    OrderAsked,
    PositionsAsked,
    Question,
    RightsAsked,
    RulesAsked,
    StreamKeyAsked,
    StreamKeyKept,
    TermsAsked,
    TimeAsked,
)
from metastackerbandit.exchanges.catalog import ORDERS, orders_of
from metastackerbandit.exchanges.credentials import Credentials, Secret
from metastackerbandit.exchanges.orders import Asking
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import RestRequest
from tests.covering import covers
from tests.markets import instrument

SECRET = Secret("shh")
ASKING = Asking(Credentials("the-key", SECRET), EndpointSettings(), 1_700_000_000_123, 5_000)
SPOT, PERP = orders_of("BINANCE", "spot"), orders_of("BINANCE", "perp")
ONE = instrument("BTCUSDT", "spot", "BINANCE", tick_size="0.01")
SWAP = instrument("BTCUSDT", "perp", "BINANCE")
MARKET = NewOrder("msb-1", "buy", "market", 12)
STOP = NewOrder("msb-2", "sell", "stop", 12, trigger_ticks=505_001, reduces_only=True)


def sent(one: RestRequest) -> tuple[str, str, dict[str, str]]:
    """Method, path, and parameters without what every request has."""
    parts = urlsplit(one.url)
    params = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    return one.method, parts.path, {name: text for name, text in params.items() if name not in ("recvWindow", "timestamp", "signature")}


CASES: list[tuple[str, Question, str, str, dict[str, str], int, int]] = [
    (
        "spot",
        MARKET,
        "POST",
        "/api/v3/order",
        {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.012", "newClientOrderId": "msb-1", "newOrderRespType": "FULL"},
        1,
        1,
    ),
    (
        "spot",
        NewOrder("m", "sell", "limit", 5, 1_234, life="ioc"),
        "POST",
        "/api/v3/order",
        {"type": "LIMIT", "timeInForce": "IOC", "price": "12.34", "side": "SELL"},
        1,
        1,
    ),
    ("spot", NewOrder("m", "buy", "limit", 5, 1_234, life="post_only"), "POST", "/api/v3/order", {"type": "LIMIT_MAKER", "price": "12.34"}, 1, 1),
    ("spot", STOP, "POST", "/api/v3/order", {"type": "STOP_LOSS", "stopPrice": "5050.01", "quantity": "0.012"}, 1, 1),
    (
        "spot",
        NewOrder("m", "sell", "target_limit", 5, 1_230, 1_234),
        "POST",
        "/api/v3/order",
        {"type": "TAKE_PROFIT_LIMIT", "timeInForce": "GTC", "price": "12.30", "stopPrice": "12.34"},
        1,
        1,
    ),
    ("spot", CancelAsked("msb-1"), "DELETE", "/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": "msb-1"}, 1, 0),
    ("spot", OrderAsked(order_id="77"), "GET", "/api/v3/order", {"symbol": "BTCUSDT", "orderId": "77"}, 4, 0),
    ("spot", OpenOrdersAsked(), "GET", "/api/v3/openOrders", {"symbol": "BTCUSDT"}, 6, 0),
    ("spot", FillsAsked("9"), "GET", "/api/v3/myTrades", {"symbol": "BTCUSDT", "fromId": "9", "limit": "1000"}, 20, 0),
    ("spot", FillsAsked(from_ns=5_000_000), "GET", "/api/v3/myTrades", {"symbol": "BTCUSDT", "startTime": "5", "limit": "1000"}, 20, 0),
    ("spot", BalancesAsked(), "GET", "/api/v3/account", {"omitZeroBalances": "true"}, 20, 0),
    ("spot", RightsAsked(), "GET", "/sapi/v1/account/apiRestrictions", {}, 1, 0),
    ("spot", RulesAsked(), "", "/api/v3/exchangeInfo", {"symbol": "BTCUSDT"}, 20, 0),
    ("spot", TimeAsked(), "", "/api/v3/time", {}, 1, 0),
    (
        "perp",
        NewOrder("msb-1", "sell", "market", 12, reduces_only=True),
        "POST",
        "/fapi/v1/order",
        {
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "MARKET",
            "quantity": "0.012",
            "reduceOnly": "true",
            "newClientOrderId": "msb-1",
            "newOrderRespType": "RESULT",
        },
        0,
        1,
    ),
    (
        "perp",
        NewOrder("m", "buy", "limit", 5, 1_234, life="post_only"),
        "POST",
        "/fapi/v1/order",
        {"type": "LIMIT", "timeInForce": "GTX", "price": "123.4"},
        0,
        1,
    ),
    (
        "perp",
        STOP,
        "POST",
        "/fapi/v1/algoOrder",
        {
            "algoType": "CONDITIONAL",
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "STOP_MARKET",
            "quantity": "0.012",
            "triggerPrice": "50500.1",
            "workingType": "MARK_PRICE",
            "reduceOnly": "true",
            "clientAlgoId": "msb-2",
        },
        0,
        1,
    ),
    (
        "perp",
        NewOrder("m", "sell", "target_limit", 5, 1_230, 1_234, trigger_by="last"),
        "POST",
        "/fapi/v1/algoOrder",
        {"type": "TAKE_PROFIT", "timeInForce": "GTC", "price": "123.0", "workingType": "CONTRACT_PRICE"},
        0,
        1,
    ),
    ("perp", CancelAsked("msb-2", waits=True), "DELETE", "/fapi/v1/algoOrder", {"symbol": "BTCUSDT", "clientAlgoId": "msb-2"}, 1, 0),
    ("perp", CancelAsked(order_id="7"), "DELETE", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": "7"}, 1, 0),
    ("perp", OrderAsked("msb-2", waits=True), "GET", "/fapi/v1/algoOrder", {"symbol": "BTCUSDT", "clientAlgoId": "msb-2"}, 1, 0),
    ("perp", OrderAsked("msb-1"), "GET", "/fapi/v1/order", {"symbol": "BTCUSDT", "origClientOrderId": "msb-1"}, 1, 0),
    ("perp", OpenOrdersAsked(), "GET", "/fapi/v1/openOrders", {"symbol": "BTCUSDT"}, 1, 0),
    ("perp", OpenOrdersAsked(waits=True), "GET", "/fapi/v1/openAlgoOrders", {"symbol": "BTCUSDT"}, 1, 0),
    (
        "perp",
        AmendAsked("msb-1", "sell", 7, 500_000),
        "PUT",
        "/fapi/v1/order",
        {"symbol": "BTCUSDT", "side": "SELL", "origClientOrderId": "msb-1", "quantity": "0.007", "price": "50000.0"},
        0,
        1,
    ),
    ("perp", FillsAsked("9"), "GET", "/fapi/v1/userTrades", {"symbol": "BTCUSDT", "fromId": "9", "limit": "1000"}, 5, 0),
    ("perp", BalancesAsked(), "GET", "/fapi/v3/balance", {}, 5, 0),
    ("perp", PositionsAsked(), "GET", "/fapi/v3/positionRisk", {"symbol": "BTCUSDT"}, 5, 0),
    ("perp", LeverageAsked(3), "POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": "3"}, 1, 0),
    ("perp", MarginAsked("isolated"), "POST", "/fapi/v1/marginType", {"symbol": "BTCUSDT", "marginType": "ISOLATED"}, 1, 0),
    ("perp", OneWayAsked(), "POST", "/fapi/v1/positionSide/dual", {"dualSidePosition": "false"}, 1, 0),
    ("perp", TermsAsked(), "GET", "/fapi/v1/symbolConfig", {"symbol": "BTCUSDT"}, 5, 0),
    ("perp", RightsAsked(), "GET", "/sapi/v1/account/apiRestrictions", {}, 1, 0),
    ("perp", StreamKeyAsked(), "POST", "/fapi/v1/listenKey", {}, 1, 0),
    ("perp", StreamKeyKept("key"), "PUT", "/fapi/v1/listenKey", {}, 1, 0),
    ("perp", RulesAsked(), "", "/fapi/v1/exchangeInfo", {}, 1, 0),
    ("perp", TimeAsked(), "", "/fapi/v1/time", {}, 1, 0),
]


@covers("2.122", "2.123")
@pytest.mark.parametrize(("market", "question", "method", "path", "params", "weight", "orders"), CASES)
def test_a_question_is_put_as_the_pages_say(
    market: str, question: Question, method: str, path: str, params: dict[str, str], weight: int, orders: int
) -> None:
    one = orders_of("BINANCE", market).request(question, ONE if market == "spot" else SWAP, ASKING)
    asked, where, told = sent(one)
    assert (asked, where, one.weight, one.orders) == (method, path, weight, orders)
    assert told | params == told and (len(told) == len(params) or isinstance(question, NewOrder))
    assert one.url.startswith("https://api.binance.com" if where.startswith(("/api", "/sapi")) else "https://fapi.binance.com")
    is_public = isinstance(question, RulesAsked | TimeAsked)
    assert dict(one.headers) == ({} if is_public else {"X-MBX-APIKEY": "the-key"})
    is_signed = "signature=" in one.url
    assert is_signed == (not is_public and "listenKey" not in where)
    assert one.is_kept == ("listenKey" not in where) and "signature" not in one.shown
    if is_signed:
        payload, _, signature = urlsplit(one.url).query.partition("&signature=")
        assert SECRET.hmac_sha256(payload) == signature
        assert payload.endswith("recvWindow=5000&timestamp=1700000000123")


@pytest.mark.parametrize("market", ["spot", "perp"])
def test_rules_of_every_symbol_are_asked_for_without_naming_one(market: str) -> None:
    asked = orders_of("BINANCE", market).request(RulesAsked(), structs.replace(ONE, symbol=""), ASKING)
    assert asked.url.endswith("/exchangeInfo")


@given(
    client_id=st.text("abcXYZ019._-:/", min_size=1, max_size=36),
    lots=st.integers(1, 10**6),
    ticks=st.integers(1, 10**6),
    sort=st.sampled_from(["limit", "market", "stop", "stop_limit", "target", "target_limit"]),
    venue=st.sampled_from(ORDERS),
)
def test_any_order_is_signed_over_what_is_sent_and_reads_back(client_id: str, lots: int, ticks: int, sort: Any, venue: Any) -> None:
    one = ONE if venue.market == "spot" else SWAP
    made = venue.request(NewOrder(client_id, "buy", sort, lots, ticks, ticks), one, ASKING)
    payload, _, signature = urlsplit(made.url).query.partition("&signature=")
    assert SECRET.hmac_sha256(payload) == signature and payload.isascii()
    _, _, told = sent(made)
    assert told.get("newClientOrderId", told.get("clientAlgoId")) == client_id and one.lots(told["quantity"]) == lots


def test_cancellations_go_first_questions_next_and_orders_last() -> None:
    made = [PERP.request(one, SWAP, ASKING).urgency for one in (CancelAsked("a"), STOP, OrderAsked("a"), MARKET, FillsAsked("1"))]
    assert made == [0, 2, 1, 2, 1]


@pytest.mark.parametrize("question", [PositionsAsked(), LeverageAsked(2), StreamKeyAsked(), AmendAsked("a", "buy", 1, 1), TermsAsked()])
def test_spot_has_no_questions_of_futures(question: Question) -> None:
    with pytest.raises(UsageError, match="Binance spot has no question"):
        SPOT.request(question, ONE, ASKING)


def test_nobody_sends_orders_to_a_venue_that_is_not_known() -> None:
    with pytest.raises(UsageError, match="orders cannot be sent to mexc spot"):
        orders_of("MEXC", "spot")


def test_the_private_stream_of_spot_is_subscribed_to_with_a_signature() -> None:
    plan = SPOT.private_plan("", ASKING)
    assert plan.url == "wss://ws-api.binance.com:443/ws-api/v3" and SPOT.read_stream_key is None
    told = json.loads(plan.opening[0])
    assert (told["id"], told["method"]) == ("account", "userDataStream.subscribe.signature")
    payload = "apiKey=the-key&recvWindow=5000&timestamp=1700000000123"
    assert told["params"] == {"apiKey": "the-key", "timestamp": 1_700_000_000_123, "recvWindow": 5_000, "signature": SECRET.hmac_sha256(payload)}


def test_the_private_stream_of_futures_shows_its_key_to_nobody() -> None:
    plan = PERP.private_plan("very-secret", ASKING)
    assert plan.url == "wss://fstream.binance.com/private/ws/very-secret" and PERP.read_stream_key is not None
    assert "very-secret" not in plan.told_url
