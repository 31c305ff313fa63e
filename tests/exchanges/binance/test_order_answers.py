"""Answers about an account: documented ones field by field, and any one that is broken in one place is refused by name."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import AnswerRefused
from metastackerbandit.domain.trading import (
    AssetBalance,
    CancelAsked,
    FillRecord,
    KeyRights,
    NewOrder,
    OpenOrdersAsked,
    OrderAsked,
    PositionTerms,
    VenueTime,
)
from metastackerbandit.domain.user_events import Fill
from metastackerbandit.exchanges.binance import order_answers as answers
from tests.covering import covers
from tests.markets import instrument

MS = 10**6
ONE = instrument("BTCUSDT", "spot", "BINANCE", tick_size="0.01")
SWAP = instrument("BTCUSDT", "perp", "BINANCE")
FULL = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": "msb-1",
    "transactTime": 1507725176595,
    "price": "0.00000000",
    "origQty": "10.00000000",
    "executedQty": "3.00000000",
    "cummulativeQuoteQty": "3.0",
    "status": "PARTIALLY_FILLED",
    "timeInForce": "GTC",
    "type": "MARKET",
    "side": "SELL",
    "fills": [{"price": "4000.01000000", "qty": "3.00000000", "commission": "4.00000000", "commissionAsset": "USDT", "tradeId": 56}],
}
CANCELLED = {
    "symbol": "BTCUSDT",
    "origClientOrderId": "msb-1",
    "orderId": 4,
    "clientOrderId": "cancelMyOrder1",
    "transactTime": 1684804350068,
    "price": "2.00",
    "origQty": "1.0",
    "executedQty": "0.4",
    "status": "CANCELED",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
}
RESULT = {
    "clientOrderId": "msb-1",
    "cumQty": "0",
    "executedQty": "0",
    "orderId": 22542179,
    "origQty": "10",
    "price": "6000.1",
    "reduceOnly": False,
    "side": "BUY",
    "positionSide": "BOTH",
    "status": "NEW",
    "stopPrice": "0",
    "symbol": "BTCUSDT",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "updateTime": 1566818724722,
}
ALGO = {
    "algoId": 2146760,
    "clientAlgoId": "msb-2",
    "algoType": "CONDITIONAL",
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.010",
    "algoStatus": "NEW",
    "triggerPrice": "750.0",
    "price": "0",
    "actualOrderId": "",
    "updateTime": 1750485492076,
}
SPOT_TRADE = {
    "symbol": "BTCUSDT",
    "id": 28457,
    "orderId": 100234,
    "price": "4.00",
    "qty": "12.000",
    "quoteQty": "48.0",
    "commission": "10.10000000",
    "commissionAsset": "BNB",
    "time": 1499865549590,
    "isBuyer": True,
    "isMaker": False,
}
PERP_TRADE = {
    "buyer": False,
    "commission": "-0.07819010",
    "commissionAsset": "USDT",
    "id": 698759,
    "maker": True,
    "orderId": 25851813,
    "price": "7819.01",
    "qty": "0.002",
    "quoteQty": "15.63802",
    "realizedPnl": "-0.91539999",
    "side": "SELL",
    "symbol": "BTCUSDT",
    "time": 1569514978020,
}


def body(told: Any) -> bytes:
    return json.dumps(told).encode()


def test_a_sent_order_of_spot_tells_its_fills() -> None:
    told = answers.read_spot_order(body(FULL), NewOrder("msb-1", "sell", "market", 10_000), ONE)
    fill = Fill("56", 3_000, 400_001, Decimal("4000.01"), False, Decimal(4), "USDT")
    assert told is not None and told.fills == (FillRecord("28", fill, 1507725176595 * MS),)
    assert (told.client_id, told.order_id, told.status, told.lots, told.filled_lots) == ("msb-1", "28", "partly_filled", 10_000, 3_000)


def test_the_shortest_answer_is_an_order_that_is_there() -> None:
    short = {name: FULL[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")}
    told = answers.read_spot_order(body(short), NewOrder("msb-1", "sell", "stop", 7, trigger_ticks=5), ONE)
    assert told is not None and (told.status, told.lots, told.filled_lots, told.fills) == ("new", 7, None, ())


def test_a_cancellation_names_the_order_and_not_itself() -> None:
    told = answers.read_spot_order(body(CANCELLED), CancelAsked("msb-1"), ONE)
    assert told is not None and (told.client_id, told.status, told.lots, told.filled_lots, told.ticks) == ("msb-1", "canceled", 1_000, 400, 200)


def test_an_order_of_futures_is_read_and_a_status_that_nobody_knows_is_told_as_such() -> None:
    told = answers.read_perp_order(body(RESULT), OrderAsked("msb-1"), SWAP)
    assert told is not None and (told.status, told.lots, told.filled_lots, told.ticks, told.waits) == ("new", 10_000, 0, 60_001, False)
    told = answers.read_perp_order(body(RESULT | {"status": "NEWER", "other": {"a": 1}}), OrderAsked("msb-1"), SWAP)
    assert told is not None and (told.status, told.word) == (None, "NEWER")


@pytest.mark.parametrize(
    ("changes", "status", "became"),
    [
        ({}, "new", ""),
        ({"algoStatus": "TRIGGERED", "actualOrderId": "77"}, "new", "77"),
        ({"algoStatus": "FINISHED", "actualOrderId": 7}, "expired", "7"),
    ],
)
def test_an_order_that_waits_says_what_it_became(changes: dict[str, Any], status: str, became: str) -> None:
    told = answers.read_perp_order(body(ALGO | changes), OrderAsked("msb-2", waits=True), SWAP)
    assert told is not None and (told.status, told.became, told.order_id, told.client_id) == (status, became, "2146760", "msb-2")
    assert (told.lots, told.ticks, told.filled_lots, told.waits) == (10, 0, None, True)
    assert answers.read_perp_orders(body([ALGO | changes]), OpenOrdersAsked(waits=True), SWAP) == (told,)


def test_a_waiting_order_s_cancellation_is_only_agreed_to() -> None:
    agreed = {"algoId": 2146760, "clientAlgoId": "msb-2", "code": "200", "msg": "success"}
    assert answers.read_perp_order(body(agreed), CancelAsked("msb-2", waits=True), SWAP) is None


def test_open_orders_are_read_one_by_one() -> None:
    assert [one.client_id for one in answers.read_perp_orders(body([RESULT, RESULT | {"clientOrderId": "b"}]), OpenOrdersAsked(), SWAP)] == [
        "msb-1",
        "b",
    ]


def test_fills_of_both_markets() -> None:
    (spot,) = answers.read_spot_fills(body([SPOT_TRADE]), ONE)
    assert spot == FillRecord("100234", Fill("28457", 12_000, 400, Decimal(4), False, Decimal("10.1"), "BNB"), 1499865549590 * MS)
    (perp,) = answers.read_perp_fills(body([PERP_TRADE]), SWAP)
    assert (perp.fill.lots, perp.fill.ticks, perp.fill.price) == (2, 0, Decimal("7819.01"))  # between two ticks
    assert (perp.fill.fee, perp.fill.realized, perp.fill.is_maker) == (Decimal("-0.0781901"), Decimal("-0.91539999"), True)


def test_balances_positions_and_times() -> None:
    spot = {"balances": [{"asset": "BTC", "free": "4723846.89208129", "locked": "1.5"}], "canTrade": True}
    assert answers.read_spot_balances(body(spot)) == (AssetBalance("BTC", Decimal("4723848.39208129")),)
    perp = [{"accountAlias": "x", "asset": "USDT", "balance": "122607.35", "crossWalletBalance": "1", "availableBalance": "100.5"}]
    assert answers.read_perp_balances(body(perp)) == (AssetBalance("USDT", Decimal("122607.35")),)
    held = {"entryPrice": "1.5", "markPrice": "2", "unRealizedProfit": "-3", "liquidationPrice": "0", "positionSide": "BOTH"}
    positions = [{"symbol": "ETHUSDT", "positionAmt": "9", **held}, {"symbol": "BTCUSDT", "positionAmt": "-0.010", **held}]
    told = answers.read_perp_position(body(positions), SWAP)
    assert told == -10
    assert answers.read_perp_position(b"[]", SWAP) == 0
    terms = {"symbol": "BTCUSDT", "marginType": "CROSSED", "isAutoAddMargin": False, "leverage": 21, "maxNotionalValue": "1000000"}
    assert answers.read_perp_terms(body([terms]), SWAP) == PositionTerms(21, "cross")
    for wrong in ([], [terms | {"symbol": "ETHUSDT"}], [terms | {"marginType": "NEW"}], [terms | {"leverage": 0}]):
        with pytest.raises(AnswerRefused, match="not told"):
            answers.read_perp_terms(body(wrong), SWAP)
    assert answers.read_time(b'{"serverTime":1499827319559}') == VenueTime(1499827319559 * MS, 1.0)
    assert answers.read_time(b'{"serverTime":1499827319559,"rate":60.0}').rate == 60.0
    assert answers.read_stream_key(b'{"listenKey":"abc"}') == "abc"


@covers("2.123")
def test_a_key_s_page_must_say_whether_it_can_withdraw() -> None:
    page = {"ipRestrict": True, "enableWithdrawals": False, "enableReading": True, "enableSpotAndMarginTrading": True, "enableFutures": False}
    assert answers.read_rights(body(page)) == KeyRights(True, False, True, False, True)
    del page["enableWithdrawals"]
    with pytest.raises(AnswerRefused, match="enableWithdrawals"):
        answers.read_rights(body(page))


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (b'{"id":"account","status":200,"result":{"subscriptionId":0},"rateLimits":[]}', ""),
        (b'{"subscriptionId":0,"event":{"e":"executionReport","E":1}}', None),
        (b'{"e":"ORDER_TRADE_UPDATE","E":1,"code":2}', None),
        (b"not json", None),
        (b'{"id":1,"status":401,"error":{"code":-2015,"msg":"Invalid API-key"}}', "status 401, code -2015: Invalid API-key"),
        (
            b'{"id":"f","status":418,"error":{"code":-1003,"msg":"banned","data":{"serverTime":1659142907531,"retryAfter":1659146400000}}}',
            "status 418, code -1003: banned",
        ),
        (b'{"code":2,"msg":"Invalid request"}', "status 0, code 2: Invalid request"),
    ],
)
def test_a_reply_is_told_from_an_event(frame: bytes, told: str | None) -> None:
    assert answers.reply_of(frame) == told


READERS: list[tuple[str, Any, Any]] = [
    ("order", FULL, lambda raw: answers.read_spot_order(raw, OrderAsked("a"), ONE)),
    ("waiting", ALGO, lambda raw: answers.read_perp_order(raw, OrderAsked("a", waits=True), SWAP)),
    ("spot fills", [SPOT_TRADE], lambda raw: answers.read_spot_fills(raw, ONE)),
    ("perp fills", [PERP_TRADE], lambda raw: answers.read_perp_fills(raw, SWAP)),
    ("time", {"serverTime": 1}, answers.read_time),
]


@pytest.mark.parametrize(("name", "sound", "read"), READERS, ids=[one[0] for one in READERS])
@given(st.data())
def test_an_answer_that_is_broken_in_one_place_is_refused_by_name_or_read(name: str, sound: Any, read: Any, data: st.DataObject) -> None:
    told = json.loads(json.dumps(sound))
    row = told[0] if isinstance(told, list) else told
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(
        st.none() | st.booleans() | st.integers(-(10**19), 10**19) | st.text(max_size=8) | st.lists(st.integers(), max_size=2) | st.just("1e5")
    )
    raw = data.draw(st.just(body(told)) | st.integers(0, len(body(told))).map(lambda cut: body(told)[:cut]))
    with contextlib.suppress(AnswerRefused):
        read(raw)


def test_amounts_off_the_grid_are_refused() -> None:
    for changes in ({"origQty": "0.0001"}, {"price": "0.001"}):
        with pytest.raises(AnswerRefused, match="is not a multiple"):
            answers.read_spot_order(body(FULL | changes), OrderAsked("a"), ONE)
