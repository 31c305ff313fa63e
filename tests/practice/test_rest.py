"""Requests over HTTP: whatever is sent, the answer is JSON and never a 500; weights, orders, faults and errors are told as the venue tells them."""

from __future__ import annotations

import asyncio
import random
import string

from metastackerbandit.practice.allowance import Limit
from metastackerbandit.practice.rest import RestDoor
from tests.practice.serving import Client, heard, served
from tests.practice.small import small_side
from tests.practice.walking import READER, Ground

LIMITS = [Limit("REQUEST_WEIGHT", "MINUTE", 1, 5_000), Limit("ORDERS", "SECOND", 10, 3)]


def test_routes_answer_and_say_what_they_cost() -> None:
    async def test(client: Client) -> None:
        http, body, headers = await client.ask("GET", "/echo", n=3)
        assert (http, body["n"], headers["X-MBX-USED-WEIGHT-1M"]) == (200, 3, "2")
        http, body, headers = await client.sign("GET", "/private")
        assert (http, body, headers["X-MBX-USED-WEIGHT-1M"]) == (200, {"owner": 1}, "7")
        http, body, headers = await client.sign("POST", "/order", symbol="X")
        assert (http, headers["X-MBX-USED-WEIGHT-1M"], headers["X-MBX-ORDER-COUNT-10S"]) == (200, "7", "1")
        assert (await client.sign("POST", "/order", READER, symbol="X"))[:2] == (
            401,
            {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
        )

    ground = Ground("spot", limits=LIMITS)
    served(ground, [small_side(ground)], test)


def test_a_request_is_told_of_before_anything_is_done_with_it() -> None:
    came: list[str] = []

    async def test(client: Client) -> None:
        venue = client.venue
        sides = [(side.desk, side.routes) for side in venue.sides]
        venue._rest = RestDoor(sides, lambda: came.append("answered"), lambda call: came.append(call.given["n"]))
        for n in ("1", "9"):
            await client.ask("GET", "/echo", n=n)
        assert came == ["1", "answered", "9", "answered"]

    ground = Ground("spot", limits=LIMITS)
    served(ground, [small_side(ground)], test)


def test_refusals_are_json_with_the_venues_code() -> None:
    async def test(client: Client) -> None:
        assert (await client.ask("GET", "/echo", n=9))[:2] == (400, {"code": -9, "msg": "nine", "data": 9})
        assert (await client.ask("GET", "/echo", n="x"))[1]["code"] == -1100
        assert (await client.ask("GET", "/echo", n=""))[1]["code"] == -1105
        assert (await client.ask("GET", "/nowhere"))[:2] == (404, {"code": -5000, "msg": "Path /nowhere, Method GET is invalid"})
        assert (await client.ask("PATCH", "/echo"))[0] == 405
        assert (await client.sign("POST", "/order"))[1]["code"] == -1102

    ground = Ground("spot", limits=LIMITS)
    served(ground, [small_side(ground)], test)


def test_garbage_never_breaks_the_venue() -> None:
    letters = string.printable + "äß€\0%&=[]{}"

    async def test(client: Client) -> None:
        chance = random.Random(5)
        for n in range(150):
            text = "".join(chance.choice(letters) for _ in range(chance.randrange(60)))
            method, path = chance.choice(
                [("GET", "/echo"), ("POST", "/order"), ("GET", "/private"), ("DELETE", "/order"), ("POST", "/practice/faults")]
            )
            body = text.encode() if n % 2 else bytes(chance.randrange(256) for _ in range(chance.randrange(80)))
            params = {text[:5] or "n": text, "timestamp": text[:9] or "1", "signature": text, "n": text}
            headers = {"X-MBX-APIKEY": chance.choice([READER.api_key, "x", ""])}
            async with client.session.request(method, f"http://{client.at}{path}", params=params, data=body, headers=headers) as told:
                assert told.status < 500 and isinstance(await told.json(), dict)
        async with client.session.post(f"http://{client.at}/order", data=b"a=1&" * 50_000) as told:
            assert told.status == 413

    ground = Ground("spot", limits=[Limit("REQUEST_WEIGHT", "MINUTE", 1, 10**9)])
    served(ground, [small_side(ground)], test)


def test_faults_of_requests_do_what_they_say() -> None:
    async def test(client: Client) -> None:
        await client.fault("too_many", count=1)
        http, body, headers = await client.ask("GET", "/echo")
        assert (http, body["code"], headers["Retry-After"].isdigit()) == (429, -1003, True)
        assert (await client.ask("GET", "/echo"))[0] == 200
        await client.fault("refused", count=1)
        assert (await client.sign("POST", "/order", symbol="A"))[:2][0] == 503 and not news
        await client.fault("unknown", count=1)
        http, body, _ = await client.sign("POST", "/order", symbol="B")
        assert (http, body["code"], news) == (503, -1007, [{"placed": "B"}]), "it was done all the same"
        await client.fault("reject", count=1)
        assert (await client.sign("POST", "/order", symbol="C"))[1]["code"] == -2010 and len(news) == 1
        await client.fault("ban", count=1, value=1.0)
        assert (await client.ask("GET", "/echo"))[0] == 418 and (await client.ask("GET", "/echo"))[0] == 418
        client.ground.clock.turn(1.1)
        assert (await client.ask("GET", "/echo"))[0] == 200

    news: list[object] = []
    ground = Ground("spot", limits=[LIMITS[0]])
    served(ground, [small_side(ground, news)], test)


def test_an_accounts_news_come_before_an_answer_that_is_late() -> None:
    async def test(client: Client) -> None:
        await client.fault("late_ack", count=1, value=0.2)
        async with client.listen("/ws/news") as ws:
            asked = asyncio.create_task(client.sign("POST", "/order", symbol="A"))
            assert await heard(ws) == [{"placed": "A"}]
            assert not asked.done()
            assert (await asked)[0] == 200

    ground = Ground("spot", limits=LIMITS)
    served(ground, [small_side(ground)], test)


def test_a_late_cancel_leaves_the_market_time() -> None:
    async def test(client: Client) -> None:
        await client.fault("late_cancel", count=1, value=0.05)
        asked = asyncio.create_task(client.sign("DELETE", "/order", symbol="A"))
        assert (await client.ask("GET", "/echo"))[2]["X-MBX-USED-WEIGHT-1M"] == "2", "the cancel has not been looked at"
        assert (await asked)[2]["X-MBX-USED-WEIGHT-1M"] == "3"

    ground = Ground("spot", limits=LIMITS)
    served(ground, [small_side(ground)], test)


def test_the_switchboard_tells_and_switches() -> None:
    async def test(client: Client) -> None:
        await client.fault("skew", value=-3_000.0)
        assert (await client.get("/practice"))["serverTime"] == ground.time.now_ns() // 1_000_000 - 3_000
        told = await client.get("/practice/faults")
        assert [one["name"] for one in told["on"]] == ["skew"] and "drop" in told["known"]
        assert (await client.ask("DELETE", "/practice/faults", name="skew"))[1]["on"] == []
        assert (await client.get("/practice"))["serverTime"] == ground.time.now_ns() // 1_000_000
        assert (await client.get("/practice"))["markets"] == {"small": "a walk of tests"}

    ground = Ground("spot", limits=LIMITS)
    served(ground, [small_side(ground)], test)
