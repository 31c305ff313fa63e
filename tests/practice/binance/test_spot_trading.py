"""Orders of a spot market by REST: placed, filled, cancelled, replaced, amended, refused; account, fills and user events say the same."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from metastackerbandit.practice.doorkeeper import EARLY, LATE
from metastackerbandit.simulation.flow import TAKE
from metastackerbandit.simulation.queues import SELL
from tests.practice.binance.spot import V3, with_spot
from tests.practice.serving import Client
from tests.practice.walking import READER
from tests.simulation.floor import background

LIMIT: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}


async def done(client: Client, method: str, path: str, **given: Any) -> Any:
    http, body, _ = await client.sign(method, f"{V3}/{path}", **given)
    assert http == 200, body
    return body


async def code(client: Client, method: str, path: str, **given: Any) -> tuple[int, int, str]:
    http, body, _ = await client.sign(method, f"{V3}/{path}", **given)
    return http, body["code"], body["msg"]


async def best(client: Client) -> tuple[Decimal, Decimal]:
    told = await client.get(f"{V3}/ticker/bookTicker", symbol="BTCUSDT")
    return Decimal(told["bidPrice"]), Decimal(told["askPrice"])


async def balances(client: Client) -> dict[str, tuple[Decimal, Decimal]]:
    told = await done(client, "GET", "account")
    return {one["asset"]: (Decimal(one["free"]), Decimal(one["locked"])) for one in told["balances"]}


def test_a_resting_order_locks_money_is_told_everywhere_and_can_be_cancelled() -> None:
    async def test(client: Client) -> None:
        bid, _ = await best(client)
        placed = await done(client, "POST", "order", **LIMIT, quantity="0.10000", price=bid - 10, newClientOrderId="mine-1")
        assert (placed["status"], placed["clientOrderId"], placed["fills"], placed["executedQty"]) == ("NEW", "mine-1", [], "0.00000000")
        assert (await balances(client))["USDT"] == (Decimal(1_000_000) - (bid - 10) / 10, (bid - 10) / 10)
        asked = await done(client, "GET", "order", symbol="BTCUSDT", origClientOrderId="mine-1")
        assert asked["orderId"] == placed["orderId"] and asked["isWorking"] and asked["workingTime"] == placed["workingTime"]
        assert await done(client, "GET", "openOrders", symbol="BTCUSDT") == [asked] == await done(client, "GET", "openOrders")
        gone = await done(client, "DELETE", "order", symbol="BTCUSDT", orderId=placed["orderId"], newClientOrderId="gone-1")
        assert (gone["status"], gone["origClientOrderId"], gone["clientOrderId"]) == ("CANCELED", "mine-1", "gone-1")
        assert (await balances(client))["USDT"] == (Decimal(1_000_000), 0)
        assert [one["status"] for one in await done(client, "GET", "allOrders", symbol="BTCUSDT")] == ["CANCELED"]
        assert await code(client, "DELETE", "order", symbol="BTCUSDT", orderId=placed["orderId"]) == (400, -2011, "Unknown order sent.")
        assert await code(client, "GET", "order", symbol="BTCUSDT", orderId=77) == (400, -2013, "Order does not exist.")

    with_spot(test)


def test_a_market_order_is_filled_and_its_fills_add_up() -> None:
    async def test(client: Client) -> None:
        before = await balances(client)
        placed = await done(client, "POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="3")
        assert (placed["status"], placed["timeInForce"], placed["price"]) == ("FILLED", "GTC", "0.00000000") and len(placed["fills"]) > 1
        quantity = sum(Decimal(one["qty"]) for one in placed["fills"])
        cost = sum(Decimal(one["qty"]) * Decimal(one["price"]) for one in placed["fills"])
        fees = sum(Decimal(one["commission"]) for one in placed["fills"])
        assert (quantity, cost) == (3, Decimal(placed["cummulativeQuoteQty"])) and {one["commissionAsset"] for one in placed["fills"]} == {"BTC"}
        after = await balances(client)
        assert after["BTC"][0] == before["BTC"][0] + quantity - fees and after["USDT"][0] == before["USDT"][0] - cost
        mine = await done(client, "GET", "myTrades", symbol="BTCUSDT")
        assert [(one["id"], one["qty"], one["isBuyer"], one["isMaker"]) for one in mine] == [
            (one["tradeId"], one["qty"], True, False) for one in placed["fills"]
        ]
        assert await done(client, "GET", "myTrades", symbol="BTCUSDT", orderId=placed["orderId"], fromId=mine[1]["id"]) == mine[1:]
        spent = await done(client, "POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quoteOrderQty="1000")
        assert Decimal(990) < Decimal(spent["cummulativeQuoteQty"]) <= 1_000 and spent["origQuoteOrderQty"] == "1000.00000000"

    with_spot(test)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("99999999999999999999", (-1013, "Filter failure: NOTIONAL")),
        ("46116860184.27387904", (-1013, "Filter failure: NOTIONAL")),
        ("0.00000001", (-1013, "Filter failure: LOT_SIZE")),
        ("9" * 80, (-1100, "Illegal characters found in parameter 'quoteOrderQty'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'.")),
    ],
)
def test_an_amount_beyond_all_money_is_refused_as_the_venue_does(amount: str, expected: tuple[int, str]) -> None:
    async def test(client: Client) -> None:
        for side in ("BUY", "SELL"):
            assert (await code(client, "POST", "order", symbol="BTCUSDT", side=side, type="MARKET", quoteOrderQty=amount))[1:] == expected

    with_spot(test, warm_s=1.0)


def test_orders_that_do_not_rest_expire() -> None:
    async def test(client: Client) -> None:
        bid, ask = await best(client)
        taken = await done(client, "POST", "order", **{**LIMIT, "timeInForce": "IOC"}, quantity="16", price=ask, newOrderRespType="RESULT")
        assert taken["status"] == "EXPIRED" and 0 < Decimal(taken["executedQty"]) < 16
        assert taken["expiryReason"] == "UNFILLED_IOC_QUANTITY_EXPIRED" and "fills" not in taken
        whole = await done(client, "POST", "order", **{**LIMIT, "timeInForce": "FOK"}, quantity="15", price=bid)
        assert (whole["status"], whole["executedQty"], whole["expiryReason"]) == ("EXPIRED", "0.00000000", "UNFILLED_FOK_ORDER_EXPIRED")
        maker = await done(client, "POST", "order", symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="1", price=bid - 1)
        assert set(maker) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
        assert (await code(client, "POST", "order", symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="1", price=ask + 1))[1:] == (
            -2010,
            "Order would immediately match and take.",
        )

    with_spot(test)


def test_a_stop_waits_and_is_told_as_not_working() -> None:
    async def test(client: Client) -> None:
        bid, _ = await best(client)
        stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "quantity": "0.1"}
        await done(client, "POST", "order", **stop, price=bid - 20, stopPrice=bid - 10)
        (told,) = await done(client, "GET", "openOrders", symbol="BTCUSDT")
        assert (told["type"], Decimal(told["stopPrice"]), told["isWorking"], told["workingTime"]) == ("STOP_LOSS_LIMIT", bid - 10, False, -1)
        assert (await code(client, "POST", "order", **stop, price=bid, stopPrice=bid + 50))[2] == "Order would trigger immediately."

    with_spot(test)


def test_an_order_can_be_replaced_and_amended() -> None:
    async def test(client: Client) -> None:
        bid, _ = await best(client)
        first = await done(client, "POST", "order", **LIMIT, quantity="0.2", price=bid - 10)
        less = await done(client, "PUT", "order/amend/keepPriority", symbol="BTCUSDT", orderId=first["orderId"], newQty="0.1")
        assert less["amendedOrder"]["origQty"] == "0.10000000" and less["amendedOrder"]["orderId"] == first["orderId"]
        more = {"symbol": "BTCUSDT", "orderId": first["orderId"], "newQty": "0.3"}
        assert (await code(client, "PUT", "order/amend/keepPriority", **more))[1] == -2038
        new = {**LIMIT, "quantity": "0.1", "price": bid - 20, "cancelReplaceMode": "STOP_ON_FAILURE"}
        both = await done(client, "POST", "order/cancelReplace", **new, cancelOrderId=first["orderId"])
        assert both["cancelResult"] == both["newOrderResult"] == "SUCCESS" and both["cancelResponse"]["orderId"] == first["orderId"]
        http, told, _ = await client.sign("POST", f"{V3}/order/cancelReplace", **new, cancelOrderId=first["orderId"])
        assert (http, told["code"], told["data"]["newOrderResult"]) == (400, -2022, "NOT_ATTEMPTED")
        again = {**new, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": first["orderId"]}
        http, told, _ = await client.sign("POST", f"{V3}/order/cancelReplace", **again)
        assert (http, told["code"], told["data"]["newOrderResponse"]["status"]) == (409, -2021, "NEW")
        everything = await done(client, "DELETE", "openOrders", symbol="BTCUSDT")
        assert [one["status"] for one in everything] == ["CANCELED", "CANCELED"]
        assert (await code(client, "DELETE", "openOrders", symbol="BTCUSDT"))[1] == -2011

    with_spot(test)


@pytest.mark.parametrize(
    ("changed", "expected", "text"),
    [
        ({"price": "1.001"}, -1013, "PRICE_FILTER"),
        ({"price": "0"}, -1013, "PRICE_FILTER"),
        ({"price": "1.000000001"}, -1111, "price"),
        ({"price": "9" * 20 + "." + "0" * 19 + "1"}, -1111, "price"),
        ({"price": "9" * 20}, -1013, "PRICE_FILTER"),
        ({"price": "9" * 21}, -1100, "price"),
        ({"price": "-1"}, -1100, "price"),
        ({"price": ""}, -1105, "price"),
        ({"quantity": "0.000001"}, -1013, "LOT_SIZE"),
        ({"quantity": "0"}, -1013, "LOT_SIZE"),
        ({"quantity": "9" * 20}, -1013, "LOT_SIZE"),
        ({"quantity": "0.00001"}, -1013, "NOTIONAL"),
        ({"price": "99000"}, -1013, "PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "30"}, -2010, "insufficient balance"),
        ({"symbol": "XXX"}, -1121, "Invalid symbol."),
        ({"side": "buy"}, -1117, "Invalid side."),
        ({"type": "LIMITED"}, -1116, "Invalid orderType."),
        ({"timeInForce": "GTD"}, -1115, "Invalid timeInForce."),
        ({"icebergQty": "1"}, -2010, "Unsupported order combination"),
        ({"quoteOrderQty": "1"}, -1106, "quoteOrderQty"),
        ({"stopPrice": "1"}, -1106, "stopPrice"),
        ({"newClientOrderId": "no spaces"}, -1100, "newClientOrderId"),
        ({"newOrderRespType": "LONG"}, -1102, "newOrderRespType"),
    ],
)
def test_an_order_that_is_wrong_is_refused_and_changes_nothing(changed: dict[str, str], expected: int, text: str) -> None:
    async def test(client: Client) -> None:
        http, told, msg = await code(client, "POST", "order", **{**LIMIT, "quantity": "0.1", "price": "59990.00", **changed})
        assert (http, told) == (400, expected) and text in msg
        assert await done(client, "GET", "openOrders") == []

    with_spot(test, warm_s=1.0)


def test_a_market_order_for_more_money_than_there_can_be_is_refused() -> None:
    async def test(client: Client) -> None:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "9" * 20}
        assert await code(client, "POST", "order", **order) == (400, -1013, "Filter failure: NOTIONAL")
        assert await done(client, "GET", "allOrders", symbol="BTCUSDT") == []

    with_spot(test, warm_s=1.0)


def test_a_client_id_is_taken_while_its_order_is_open() -> None:
    async def test(client: Client) -> None:
        wish = {**LIMIT, "quantity": "0.1", "price": "59990.00", "newClientOrderId": "one"}
        first = await done(client, "POST", "order", **wish)
        assert (await code(client, "POST", "order", **wish))[1:] == (-2010, "Duplicate order sent.")
        ids = {"symbol": "BTCUSDT", "orderId": first["orderId"], "origClientOrderId": "two"}
        assert (await code(client, "GET", "order", **ids))[1] == -2039
        assert (await code(client, "DELETE", "order", **ids))[1] == -2011
        await done(client, "DELETE", "order", symbol="BTCUSDT", origClientOrderId="one")
        await done(client, "POST", "order", **wish)

    with_spot(test, warm_s=1.0)


def test_rules_can_change_while_orders_rest() -> None:
    async def test(client: Client) -> None:
        wish = {**LIMIT, "quantity": "0.00011", "price": "59990.01"}
        await done(client, "POST", "order", **wish)
        await client.fault("rules", value=10.0, symbol="BTCUSDT")
        info = await client.get(f"{V3}/exchangeInfo", symbol="BTCUSDT")
        filters = {one["filterType"]: one for one in info["symbols"][0]["filters"]}
        assert (filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"], filters["NOTIONAL"]["minNotional"]) == (
            "0.10000000",
            "0.00010000",
            "50.00000000",
        )
        assert (await code(client, "POST", "order", **wish))[2] == "Filter failure: LOT_SIZE"
        assert (await code(client, "POST", "order", **{**wish, "quantity": "0.0001", "price": "59990"}))[2] == "Filter failure: NOTIONAL"
        assert len(await done(client, "GET", "openOrders")) == 1
        await client.ask("DELETE", "/practice/faults", name="rules")
        await done(client, "POST", "order", **wish)

    with_spot(test, warm_s=1.0)


def test_accounts_tell_what_keys_may_do() -> None:
    async def test(client: Client) -> None:
        assert (await done(client, "GET", "account", omitZeroBalances="true"))["canTrade"]
        http, told, _ = await client.sign("GET", "/sapi/v1/account/apiRestrictions", READER)
        assert http == 200 and not told["enableSpotAndMarginTrading"] and not told["enableWithdrawals"] and told["enableReading"]
        assert (await client.sign("POST", f"{V3}/order/test", READER, **LIMIT, quantity="1", price="59990"))[1]["code"] == -2015
        assert await done(client, "POST", "order/test", **LIMIT, quantity="1", price="59990") == {}
        rates = await done(client, "POST", "order/test", **LIMIT, quantity="1", price="59990", computeCommissionRates="true")
        assert rates["standardCommission"]["taker"] == "0.00050000"
        assert (await done(client, "GET", "account/commission", symbol="BTCUSDT"))["standardCommission"] == rates["standardCommission"]

    with_spot(test, warm_s=1.0)


def test_orders_are_counted_until_they_are_filled_and_cost_no_weight() -> None:
    async def test(client: Client) -> None:
        for _ in range(3):
            _, _, headers = await client.sign("POST", f"{V3}/order", **LIMIT, quantity="0.1", price="59990.00")
        assert (headers["X-MBX-ORDER-COUNT-10S"], headers["X-MBX-USED-WEIGHT-1M"]) == ("3", "0")
        await done(client, "POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        assert [one["count"] for one in await done(client, "GET", "rateLimit/order")] == [3, 3]
        for _ in range(47):
            await client.sign("POST", f"{V3}/order", **LIMIT, quantity="0.1", price="59990.00")
        http, body, headers = await client.sign("POST", f"{V3}/order", **LIMIT, quantity="0.1", price="59990.00")
        assert (http, body["code"]) == (429, -1015) and int(headers["Retry-After"]) >= 1

    with_spot(test, warm_s=1.0)


def test_an_order_whose_answer_was_lost_is_there() -> None:
    async def test(client: Client) -> None:
        await client.fault("unknown", count=1, symbol="BTCUSDT")
        wish = {**LIMIT, "quantity": "0.1", "price": "59990.00", "newClientOrderId": "lost"}
        assert (await code(client, "POST", "order", **wish))[:2] == (503, -1007)
        assert (await done(client, "GET", "order", symbol="BTCUSDT", origClientOrderId="lost"))["status"] == "NEW"

    with_spot(test, warm_s=1.0)


def test_a_cancel_that_is_late_may_find_its_order_filled() -> None:
    async def test(client: Client) -> None:
        _, ask = await best(client)
        resting = await done(client, "POST", "order", **LIMIT, quantity="0.00100", price=ask - Decimal("0.01"))
        await client.fault("late_cancel", count=1, value=0.05)
        cancel = asyncio.create_task(client.sign("DELETE", f"{V3}/order", symbol="BTCUSDT", orderId=resting["orderId"]))
        await asyncio.sleep(0.01)
        client.ground.exchange.flow(background((TAKE, SELL, 0, 1_000_000), at_ns=client.ground.floor.now_ns))
        http, body, _ = await cancel
        assert (http, body["code"]) == (400, -2011)
        assert (await done(client, "GET", "order", symbol="BTCUSDT", orderId=resting["orderId"]))["status"] == "FILLED"

    with_spot(test)


def test_a_venue_whose_clock_is_wrong_refuses_what_was_signed_by_a_right_one() -> None:
    async def test(client: Client) -> None:
        await client.fault("skew", value=6_000.0)
        right = client.ground.time.now_ns() // 1_000_000
        for skew, text in ((6_000, LATE), (-6_000, EARLY)):
            client.ground.time.skew_ms = skew
            http, body, _ = await client.sign("GET", f"{V3}/account", at_ms=right)
            assert (http, body) == (400, {"code": -1021, "msg": text})

    with_spot(test, warm_s=1.0)
