"""WebSockets of streams: every way in, every control message, pings, limits, slow readers, and every fault of streams."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from tests.practice.serving import Client, heard, served, until
from tests.practice.small import small_side
from tests.practice.walking import Ground


def with_streams(test: Any, **terms: Any) -> None:
    ground = Ground("spot", **terms)
    served(ground, [small_side(ground)], test)


@pytest.mark.parametrize(
    ("path", "is_wrapped"),
    [
        ("/ws/quick", False),
        ("/ws/quick/nonsense", False),
        ("/stream?streams=quick", True),
        ("/stream?streams=quick%2Fnonsense", True),
        ("/ws?listenKey=quick", False),
        ("/other/ws/quick", False),
        ("/other/stream?streams=quick", True),
    ],
)
def test_every_address_of_a_stream_tells_it(path: str, is_wrapped: bool) -> None:
    async def test(client: Client) -> None:
        async with client.listen(path) as ws:
            client.step(0.2)
            (told,) = await heard(ws)
            if is_wrapped:
                assert told["stream"] == "quick"
            assert set(told["data"] if is_wrapped else told) == {"U", "u"}

    with_streams(test)


@pytest.mark.parametrize(("path", "is_wrapped"), [("/ws", False), ("/stream", True), ("/stream/ws/0", True), ("/ws/17", False)])
def test_clients_may_come_first_and_subscribe_then(path: str, is_wrapped: bool) -> None:
    async def test(client: Client) -> None:
        async with client.listen(path) as ws:
            await ws.send_json({"method": "SUBSCRIBE", "params": ["quick", "unheard@of"], "id": "a1"})
            assert await heard(ws) == [{"result": None, "id": "a1"}]
            client.step(0.2)
            (told,) = await heard(ws)
            assert ("stream" in told) == is_wrapped
            await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
            assert await heard(ws) == [{"result": ["quick", "unheard@of"], "id": 2}]
            await ws.send_json({"method": "SET_PROPERTY", "params": ["combined", not is_wrapped], "id": 3})
            await ws.send_json({"method": "GET_PROPERTY", "params": ["combined"], "id": None})
            assert await heard(ws, 2) == [{"result": None, "id": 3}, {"result": not is_wrapped, "id": None}]
            client.ground.clock.turn(1.0)
            await ws.send_json({"method": "UNSUBSCRIBE", "params": ["quick"], "id": 4})
            assert await heard(ws) == [{"result": None, "id": 4}]
            client.step(0.2)
            await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 5})
            assert await heard(ws) == [{"result": ["unheard@of"], "id": 5}], "nothing came in between"

    with_streams(test)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 3),
        ("[1]", 2),
        ('{"method":"DANCE","id":1}', 2),
        ('{"method":"SUBSCRIBE","params":[],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":"quick","id":1}', 2),
        ('{"method":"SUBSCRIBE","params":[5],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":["a","b","c","d","e","f","g","h","i"],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":["a"],"id":1.5}', 2),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1),
        ('{"method":"GET_PROPERTY","params":["speed"],"id":1}', 0),
    ],
)
def test_control_messages_that_mean_nothing_are_refused(text: str, code: int) -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws") as ws:
            await ws.send_str(text)
            (told,) = await heard(ws)
            assert told["code"] == code and told["msg"]

    with_streams(test)


def test_streams_of_two_paces_tell_the_same_changes_in_their_own_chunks() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/quick") as quick, client.listen("/ws/slow") as slow:
            for _ in range(20):
                client.step(0.1)
            chunks, rare = await heard(quick, 20), await heard(slow, 2)
            assert all(after["U"] == before["u"] + 1 for before, after in pairwise(chunks))
            assert rare[0]["U"] == chunks[0]["U"] and rare[1]["U"] == rare[0]["u"] + 1
            assert {one["u"] for one in rare} <= {one["u"] for one in chunks}

    with_streams(test)


def test_a_venue_pings_and_ends_who_does_not_answer() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/quick") as kind, client.listen("/ws/quick") as silent:
            await until(lambda: len(client.venue.connections) == 2)
            for _ in range(3):
                client.step(20.1)
                while (message := await kind.receive(5)).type is not aiohttp.WSMsgType.PING:
                    pass
                await kind.pong(message.data)
                await kind.ping(b"mine")
                while (message := await kind.receive(5)).type is not aiohttp.WSMsgType.PONG:
                    assert message.type is aiohttp.WSMsgType.TEXT
                assert message.data == b"mine"
            await until(lambda: len(client.venue.connections) == 1)
            while (message := await silent.receive(5)).type in (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.TEXT):
                pass
            assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE)

    with_streams(test)


def test_a_connection_ends_after_its_life_and_with_too_many_messages() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/quick") as ws:
            for n in range(6):
                await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": n})
            await heard(ws, 5)
            assert (await ws.receive(5)).type is aiohttp.WSMsgType.CLOSE
        async with client.listen("/ws/nonsense") as ws:
            await until(lambda: len(client.venue.connections) == 1)
            client.step(10.1)
            assert (await ws.receive(5)).type is aiohttp.WSMsgType.CLOSE

    with_streams(test, speed=60.0)


def test_a_reader_that_is_too_slow_is_dropped() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/quick") as ws:
            await until(lambda: len(client.venue.connections) == 1)
            (connection,) = client.venue.connections
            for _ in range(client.ground.settings.queue + 1):
                connection.send(b"{}")
            assert not connection.is_open and connection.why == "its reader is too slow"
            with pytest.raises((TypeError, ConnectionError)):
                while True:
                    await heard(ws)

    with_streams(test)


async def chunks_under(client: Client, name: str, **terms: Any) -> list[tuple[int, int]]:
    async with client.listen("/ws/quick") as ws:
        await until(lambda: len(client.venue.connections) == 1)
        client.step()
        await client.fault(name, count=1, **terms)
        for _ in range(4):
            client.step()
        client.venue.faults.switch_off(name)
        await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        told = []
        while "U" in (one := (await heard(ws))[0]):
            told.append((one["U"], one["u"]))
        return told


@pytest.mark.parametrize(
    ("name", "order"),
    [("drop", [0, 2, 3, 4]), ("duplicate", [0, 1, 1, 2, 3, 4]), ("reorder", [0, 2, 1, 3, 4]), ("out_of_order", [0, 1, 2, 3, 4])],
)
def test_a_depth_event_is_dropped_doubled_or_late(name: str, order: list[int]) -> None:
    whole: list[tuple[int, int]] = []

    async def plain(client: Client) -> None:
        whole.extend(await chunks_under(client, "no_pings"))

    async def test(client: Client) -> None:
        assert await chunks_under(client, name) == [whole[n] for n in order]

    with_streams(plain)
    assert len(whole) == 5
    with_streams(test)


def test_a_stall_is_silence_and_nothing_is_lost() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/quick") as ws:
            client.step()
            await client.fault("stall", seconds=5.0)
            for _ in range(49):
                client.step()
            client.step()
            before, after = await heard(ws, 2)
            assert after["U"] == before["u"] + 1 and after["u"] - after["U"] > 200

    with_streams(test)


def test_a_half_open_connection_says_nothing_at_all() -> None:
    async def test(client: Client) -> None:
        await client.fault("half_open", count=1)
        async with client.listen("/ws/quick") as dead, client.listen("/ws/quick") as alive:
            await dead.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            await dead.ping(b"there?")
            client.step(0.2)
            await heard(alive)
            with pytest.raises(asyncio.TimeoutError):
                await dead.receive(0.05)

    with_streams(test)


def test_a_connection_that_stands_can_fall_silent_for_good() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/quick") as first, client.listen("/ws/quick") as second:
            client.step(0.2)
            await heard(first)
            await heard(second)
            await client.fault("falls_silent", count=1)
            client.step(0.2)
            await heard(second)
            await first.ping(b"there?")
            client.step(30.0)
            with pytest.raises(asyncio.TimeoutError):
                await first.receive(0.05)

    with_streams(test)


def test_a_cut_ends_a_connection_within_a_frame() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/quick") as ws:
            await client.fault("cut", count=1)
            client.step(0.2)
            assert (await ws.receive(5)).type is not aiohttp.WSMsgType.TEXT

    with_streams(test)


def test_no_pings_come_where_they_are_switched_off() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/nonsense") as ws:
            await until(lambda: len(client.venue.connections) == 1)
            await client.fault("no_pings")
            client.step(20.1)
            await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            assert (await ws.receive(5)).type is aiohttp.WSMsgType.TEXT

    with_streams(test)


def test_an_end_of_life_and_a_shutdown_end_every_connection() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/nonsense") as raw, client.listen("/stream?streams=nonsense") as wrapped:
            await until(lambda: len(client.venue.connections) == 2)
            await client.fault("shutdown", value=0.01)
            assert (await heard(raw))[0]["e"] == "serverShutdown"
            assert (await heard(wrapped))[0]["stream"] == "!serverShutdown"
            for ws in (raw, wrapped):
                assert (await ws.receive(5)).type is aiohttp.WSMsgType.CLOSE
        async with client.listen("/ws/nonsense") as ws:
            await until(lambda: len(client.venue.connections) == 1)
            await client.fault("end_of_life")
            assert (await ws.receive(5)).type is aiohttp.WSMsgType.CLOSE
            assert (await client.get("/practice/faults"))["on"] == []

    with_streams(test)


def test_an_accounts_news_may_come_out_of_order() -> None:
    async def test(client: Client) -> None:
        await client.fault("out_of_order", count=1)
        async with client.listen("/ws/news") as ws:
            await until(lambda: len(client.venue.connections) == 1)
            for symbol in "AB":
                await client.sign("POST", "/order", symbol=symbol)
            assert await heard(ws, 2) == [{"placed": "B"}, {"placed": "A"}]

    with_streams(test)
