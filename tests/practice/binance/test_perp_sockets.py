"""The USD-M side as it is served: routed sockets, private sockets by listen key, and requests by WebSocket."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any

import msgspec
import pytest

from metastackerbandit.exchanges.account import grids_of
from metastackerbandit.exchanges.binance.user import read_user
from metastackerbandit.practice.faults import Fault
from metastackerbandit.practice.settings import PracticeSettings
from tests.practice.binance.perp_walking import Usdm
from tests.practice.serving import Client, heard, served
from tests.practice.walking import KEY, instruments


def with_served(test: Any, usdm: Usdm | None = None) -> None:
    """Serve a side to a test."""
    made = usdm or Usdm()
    served(made.ground, [made.side], lambda client: test(client, made))


async def listen_key(client: Client) -> str:
    """A listen key, asked for with the key's name alone."""
    async with client.session.post(f"http://{client.at}/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY.api_key}) as told:
        assert told.status == 200
        return str((await told.json())["listenKey"])


@pytest.mark.parametrize(
    ("path", "is_wrapped"),
    [
        ("/public/ws/btcusdt@depth@100ms", False),
        ("/public/ws/btcusdt@depth@100ms/ethusdt@depth@100ms", False),
        ("/public/stream?streams=btcusdt@depth@100ms", True),
        ("/ws/btcusdt@depth@100ms", False),
        ("/stream?streams=btcusdt@depth@100ms/btcusdt@aggTrade", True),
    ],
)
def test_streams_are_heard_by_every_form_of_address(path: str, is_wrapped: bool) -> None:
    async def test(client: Client, usdm: Usdm) -> None:
        async with client.listen(path) as ws:
            client.step(0.5)
            (told,) = await heard(ws)
            assert (set(told) == {"stream", "data"}) == is_wrapped
            event = told["data"] if is_wrapped else told
            assert (event["e"], event["s"]) == ("depthUpdate", "BTCUSDT")

    with_served(test)


def test_a_numbered_socket_subscribes_and_hears_only_its_class() -> None:
    async def test(client: Client, usdm: Usdm) -> None:
        async with client.listen("/market/ws/0") as market, client.listen("/public/ws/1") as public:
            for ws in (market, public):
                await ws.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@markPrice@1s", "btcusdt@bookTicker"], "id": 1})
                assert await heard(ws) == [{"result": None, "id": 1}]
            client.step(1.5)
            assert (await heard(market))[0]["e"] == "markPriceUpdate"
            assert (await heard(public))[0]["e"] == "bookTicker"

    with_served(test)


@pytest.mark.parametrize("form", ["/private/ws?listenKey={}", "/private/ws/{}", "/private/ws?listenKey={}&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE"])
def test_an_account_is_heard_by_its_listen_key(form: str) -> None:
    async def test(client: Client, usdm: Usdm) -> None:
        key = await listen_key(client)
        async with client.listen(form.format(key)) as ws:
            http, placed, _ = await client.sign("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
            assert http == 200
            words = ["ORDER_TRADE_UPDATE", *([] if "events" in form else ["TRADE_LITE"]), "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
            events = await heard(ws, len(words))
            assert [one["e"] for one in events] == words and events[0]["o"]["i"] == placed["orderId"]
            usdm.ground.faults.switch_on(Fault("listen_key"))
            client.step()
            assert [one["e"] for one in await heard(ws)] == ["listenKeyExpired"]

    with_served(test)


def test_fills_are_told_before_a_late_acknowledgement() -> None:
    async def test(client: Client, usdm: Usdm) -> None:
        await client.fault("late_ack", value=0.2, count=1)
        async with client.listen(f"/private/ws?listenKey={await listen_key(client)}") as ws:
            asking = asyncio.create_task(client.sign("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01"))
            told = await heard(ws, 3)
            assert not asking.done() and told[-1]["o"]["X"] == "FILLED"
            assert (await asking)[0] == 200

    with_served(test)


def signed(usdm: Usdm, **params: Any) -> dict[str, Any]:
    """Parameters of a signed request by WebSocket; the time is that of the step before it is sent."""
    made = {**params, "apiKey": KEY.api_key, "timestamp": usdm.now_ms}
    text = "&".join(f"{name}={made[name]}" for name in sorted(made))
    return {**made, "signature": hmac.new(KEY.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}


def test_requests_by_websocket_are_answered_as_those_by_rest() -> None:
    async def test(client: Client, usdm: Usdm) -> None:
        async with client.listen("/ws-fapi/v1") as ws:

            async def ask(method: str, **params: Any) -> Any:
                client.step(0.5)  # so that these are not too many messages a second
                await ws.send_json({"id": "a1", "method": method, "params": params})
                (told,) = await heard(ws)
                assert told["id"] == "a1"
                return told

            wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "55000.00"}
            placed = await ask("order.place", **signed(usdm, **wish))
            assert placed["status"] == 200 and placed["result"]["status"] == "NEW"
            assert {one["rateLimitType"] for one in placed["rateLimits"]} == {"REQUEST_WEIGHT", "ORDERS"}
            number = placed["result"]["orderId"]
            assert (await ask("order.status", **signed(usdm, symbol="BTCUSDT", orderId=number)))["result"]["status"] == "NEW"
            assert (await ask("order.cancel", **signed(usdm, symbol="BTCUSDT", orderId=number)))["result"]["status"] == "CANCELED"
            refused = await ask("order.cancel", **signed(usdm, symbol="BTCUSDT", orderId=number, returnRateLimits="false"))
            assert "rateLimits" not in refused
            assert (refused["status"], refused["error"]["code"]) == (400, -2011)
            assert (await ask("order.place", **wish))["error"]["code"] == -2014
            assert (await ask("v2/account.balance", **signed(usdm)))["result"][0]["asset"] == "USDT"
            key = (await ask("userDataStream.start", apiKey=KEY.api_key))["result"]["listenKey"]
            assert (await ask("userDataStream.ping", apiKey=KEY.api_key))["result"]["listenKey"] == key
            assert (await ask("userDataStream.stop", apiKey=KEY.api_key))["status"] == 200
            assert (await ask("userDataStream.ping", apiKey=KEY.api_key))["error"]["code"] == -1125
            assert (await ask("depth", symbol="BTCUSDT", limit=7))["error"]["code"] == -4021
            assert (await ask("nothing"))["error"]["code"] == -1000
            for text in ("{", "[]", '{"id":{},"method":"ping"}', '{"id":1,"method":"ping","params":[1]}'):
                client.step(0.5)
                await ws.send_str(text)
                assert (await heard(ws))[0]["error"]["code"] == -1000

    with_served(test)


def test_an_event_that_is_out_of_order_or_lost_can_be_noticed() -> None:
    async def test(client: Client, usdm: Usdm) -> None:
        async with client.listen("/public/ws/btcusdt@depth@100ms") as ws:
            await client.fault("gap_at_snapshot", count=1)
            client.step(0.5)
            before = (await heard(ws))[0]
            await client.get("/fapi/v1/depth", symbol="BTCUSDT", limit=5)
            client.step(0.5)
            client.step(0.5)
            after = (await heard(ws))[0]
            assert after["pu"] > before["u"]

    with_served(test)


def test_our_reader_reads_what_comes_over_the_wire() -> None:
    async def test(client: Client, usdm: Usdm) -> None:
        key = await listen_key(client)
        async with client.listen(f"/private/stream?listenKey={key}") as ws:
            await client.sign("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
            for _ in range(4):
                text = (await ws.receive()).data
                assert msgspec.json.decode(text)["stream"] == key
                assert read_user(text.encode(), grids_of(instruments("perp")))

    with_served(test)


def test_parameters_that_nobody_reads_are_refused_where_the_side_is_strict() -> None:
    usdm = Usdm(settings=PracticeSettings(is_strict=True))
    assert usdm.code("GET", "/fapi/v1/openInterest", None, symbol="BTCUSDT", more=1) == -1104
    usdm.order()
    usdm.order(type="MARKET", newOrderRespType="RESULT")
