"""The WebSocket API of a spot market: the same answers as by REST, signed in order of names; user streams begin, tell and end there."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import aiohttp

from metastackerbandit.practice.keys import Key
from tests.practice.binance.spot import V3, with_spot
from tests.practice.serving import Client, heard
from tests.practice.walking import KEY, READER

API = "/ws-api/v3"
LIMIT: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.10000", "price": "59990.00"}


def signed(client: Client, key: Key = KEY, **params: Any) -> dict[str, Any]:
    """Parameters with their signature."""
    params |= {"apiKey": key.api_key, "timestamp": client.ground.time.told_ms()}
    text = "&".join(f"{name}={str(params[name]).lower() if isinstance(params[name], bool) else params[name]}" for name in sorted(params))
    return params | {"signature": hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}


async def ask(ws: aiohttp.ClientWebSocketResponse, method: str, number: Any = "a-1", **params: Any) -> Any:
    """One request and the next message."""
    await ws.send_json({"id": number, "method": method, "params": params})
    return (await heard(ws))[0]


def test_answers_are_those_of_rest() -> None:
    async def test(client: Client) -> None:
        async with client.listen(API) as ws:
            for method, path, given in (
                ("exchangeInfo", "exchangeInfo", {"symbol": "BTCUSDT"}),
                ("depth", "depth", {"symbol": "BTCUSDT", "limit": 5}),
                ("v3/ticker.book", "ticker/bookTicker", {"symbol": "BTCUSDT"}),
            ):
                told = await ask(ws, method, **given)
                assert told["result"] == await client.get(f"{V3}/{path}", **given) and told["status"] == 200 and told["id"] == "a-1"
                assert {one["rateLimitType"] for one in told["rateLimits"]} == {"REQUEST_WEIGHT"}
        async with client.listen(API) as ws:
            told = await ask(ws, "klines", 7, symbol="BTCUSDT", interval="1m", returnRateLimits=False)
            assert told["id"] == 7 and "rateLimits" not in told and len(told["result"][0]) == 12

    with_spot(test)


def test_orders_are_placed_asked_for_and_cancelled() -> None:
    async def test(client: Client) -> None:
        async with client.listen(API) as ws:
            placed = await ask(ws, "order.place", None, **signed(client, **LIMIT, returnRateLimits=False))
            assert placed["status"] == 200 and placed["result"]["status"] == "NEW" and placed["id"] is None
            ids = {"symbol": "BTCUSDT", "orderId": placed["result"]["orderId"]}
            asked = await ask(ws, "order.status", **signed(client, **ids))
            assert asked["result"]["isWorking"]
            assert (await ask(ws, "openOrders.status", **signed(client)))["result"] == [asked["result"]]
            gone = await ask(ws, "order.cancel", **signed(client, **ids))
            assert gone["result"]["status"] == "CANCELED"
        async with client.listen(API) as ws:
            told = await ask(ws, "order.place", **signed(client, READER, **LIMIT))
            assert (told["status"], told["error"]["code"]) == (401, -2015)
            wrong = await ask(ws, "order.place", **{**signed(client, **LIMIT), "price": "59991.00"})
            assert (wrong["status"], wrong["error"]["code"]) == (400, -1022)
            await client.fault("unknown", count=1)
            lost = await ask(ws, "order.place", **signed(client, **LIMIT))
            assert (lost["status"], lost["error"]["code"]) == (503, -1007)

    with_spot(test)


def test_what_means_nothing_is_refused() -> None:
    async def test(client: Client) -> None:
        for text, status in (
            ("{", 400),
            ("[]", 400),
            ('{"id":1.5,"method":"ping"}', 400),
            ('{"id":1,"method":"dance"}', 404),
            ('{"id":1,"method":"ping","params":[]}', 400),
            ('{"id":1,"method":"session.logon"}', 400),
            ('{"id":1,"method":"userDataStream.subscribe"}', 401),
        ):
            async with client.listen(API) as ws:
                await ws.send_str(text)
                (told,) = await heard(ws)
                assert told["status"] == status and told["error"]["code"] < 0

    with_spot(test, warm_s=1.0)


def test_too_much_weight_says_until_when() -> None:
    async def test(client: Client) -> None:
        async with client.listen(API) as ws:
            await client.fault("too_many", count=1)
            told = await ask(ws, "ping")
            assert told["status"] == 429 and told["error"]["data"]["retryAfter"] > told["error"]["data"]["serverTime"]

    with_spot(test, warm_s=1.0)


def test_a_user_stream_tells_orders_fills_and_balances_and_ends() -> None:
    async def test(client: Client) -> None:
        async with client.listen(API) as ws:
            begun = await ask(ws, "userDataStream.subscribe.signature", **signed(client))
            assert begun["result"] == {"subscriptionId": 0}
            again = await ask(ws, "userDataStream.subscribe.signature", **signed(client))
            assert again["error"]["code"] == -2035
            await client.sign("POST", f"{V3}/order", **{**LIMIT, "newClientOrderId": "mine"})
            report, position = await heard(ws, 2)
            assert report["subscriptionId"] == 0
            event = report["event"]
            assert (event["e"], event["x"], event["X"], event["c"], event["C"]) == ("executionReport", "NEW", "NEW", "mine", "")
            assert (event["w"], event["t"], event["N"], event["q"], event["p"]) == (True, -1, None, "0.10000000", "59990.00000000")
            assert {one["a"]: one["l"] for one in position["event"]["B"]} == {"BTC": "0.00000000", "USDT": "5999.00000000"}
            await client.sign("DELETE", f"{V3}/order", symbol="BTCUSDT", orderId=event["i"], newClientOrderId="bye")
            gone, _ = await heard(ws, 2)
            assert [gone["event"][name] for name in "xXcC"] == ["CANCELED", "CANCELED", "bye", "mine"]
            _, bought, _ = await client.sign("POST", f"{V3}/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
            new, _, trade, balance = await heard(ws, 4)
            assert (new["event"]["x"], trade["event"]["x"], trade["event"]["X"]) == ("NEW", "TRADE", "FILLED")
            fill = bought["fills"][0]
            assert [trade["event"][name] for name in "tlLnN"] == [fill["tradeId"], fill["qty"], fill["price"], fill["commission"], "BTC"]
            assert balance["event"]["e"] == "outboundAccountPosition"
        async with client.listen(API) as ws:
            await ask(ws, "userDataStream.subscribe.signature", **signed(client))
            assert (await ask(ws, "session.subscriptions"))["result"] == [{"subscriptionId": 0}]
            ended = await ask(ws, "userDataStream.unsubscribe", subscriptionId=0)
            assert ended["event"]["e"] == "eventStreamTerminated" and (await heard(ws))[0]["result"] == {}
            assert (await ask(ws, "userDataStream.unsubscribe", subscriptionId=0))["error"]["code"] == -2036

    with_spot(test)


def test_a_user_stream_expires_where_a_fault_says_so() -> None:
    async def test(client: Client) -> None:
        async with client.listen(API) as ws:
            await ask(ws, "userDataStream.subscribe.signature", **signed(client))
            await client.fault("listen_key")
            assert (await heard(ws))[0]["event"]["e"] == "eventStreamTerminated"
            assert (await ask(ws, "session.status"))["result"]["userDataStream"] is False

    with_spot(test, warm_s=1.0)
